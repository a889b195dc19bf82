package pnfs.mds.compound;

import static pnfs.mds.compound.OpFacts.Level.FORBIDDEN;
import static pnfs.mds.compound.OpFacts.Level.OPTIONAL;
import static pnfs.mds.compound.OpFacts.Level.REQUIRED;
import static pnfs.mds.compound.OpFacts.Needs.CURRENT;
import static pnfs.mds.compound.OpFacts.Needs.NOTHING;
import static pnfs.mds.compound.OpFacts.Needs.SAVED;
import static pnfs.mds.compound.OpFacts.Place.ALONE;
import static pnfs.mds.compound.OpFacts.Place.ANYWHERE;
import static pnfs.mds.compound.OpFacts.Place.FIRST;
import static pnfs.mds.compound.OpFacts.Place.IN_SESSION;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpCode;

/// What the protocol says about an operation, whoever implements it. RFC 8881 §17 and §18, RFC 7862 §13, RFC
/// 8276.
///
/// @param minorVersion the first that has it
/// @param place where in a COMPOUND it may stand
/// @param needs which filehandles must be there before it runs
/// @param repeatable whether running it twice has the effect of running it once, so that it may be run before
///     it is known whether its answer fits
/// @param mostResultBytes for what is not repeatable: its largest answer, opcode and status included; 0 where
///     the operation itself makes its answer fit
public record OpFacts(
        OpCode op, int minorVersion, Level level, Place place, Needs needs, boolean repeatable, int mostResultBytes) {
    /// RFC 8881 §17, the columns of which say REQ, OPT, MNI.
    public enum Level {
        REQUIRED,
        OPTIONAL,
        /// Of NFSv4.0: must not be implemented.
        FORBIDDEN
    }

    /// Where an operation may stand.
    public enum Place {
        /// SEQUENCE.
        FIRST,
        /// After SEQUENCE.
        IN_SESSION,
        /// After SEQUENCE, or as the only operation.
        ANYWHERE,
        /// As the only operation.
        ALONE
    }

    /// Which filehandles an operation works on.
    public enum Needs {
        NOTHING,
        CURRENT,
        /// Saved and current.
        SAVED
    }

    /// A result without a body, or with a stateid, a change_info4 or two, bitmaps.
    private static final int SMALL = 128;
    /// A stateid, change_info4, bitmaps and a delegation with its one ACE.
    private static final int OPENED = 512;
    /// Server owner, scope and implementation id.
    private static final int IDENTIFIED = 1024;

    private static final Map<OpCode, OpFacts> FACTS = new EnumMap<>(OpCode.class);

    static {
        repeatable(OpCode.ACCESS, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.CLOSE, REQUIRED, CURRENT, SMALL);
        repeatable(OpCode.COMMIT, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.CREATE, REQUIRED, CURRENT, SMALL);
        once(OpCode.DELEGPURGE, OPTIONAL, NOTHING, SMALL);
        once(OpCode.DELEGRETURN, OPTIONAL, CURRENT, SMALL);
        repeatable(OpCode.GETATTR, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.GETFH, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.LINK, OPTIONAL, SAVED, SMALL);
        once(OpCode.LOCK, REQUIRED, CURRENT, SMALL);
        repeatable(OpCode.LOCKT, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.LOCKU, REQUIRED, CURRENT, SMALL);
        repeatable(OpCode.LOOKUP, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.LOOKUPP, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.NVERIFY, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.OPEN, REQUIRED, CURRENT, OPENED);
        once(OpCode.OPENATTR, OPTIONAL, CURRENT, SMALL);
        forbidden(OpCode.OPEN_CONFIRM);
        once(OpCode.OPEN_DOWNGRADE, REQUIRED, CURRENT, SMALL);
        repeatable(OpCode.PUTFH, REQUIRED, IN_SESSION, NOTHING);
        repeatable(OpCode.PUTPUBFH, REQUIRED, IN_SESSION, NOTHING);
        repeatable(OpCode.PUTROOTFH, REQUIRED, IN_SESSION, NOTHING);
        repeatable(OpCode.READ, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.READDIR, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.READLINK, OPTIONAL, IN_SESSION, CURRENT);
        once(OpCode.REMOVE, REQUIRED, CURRENT, SMALL);
        once(OpCode.RENAME, REQUIRED, SAVED, SMALL);
        forbidden(OpCode.RENEW);
        repeatable(OpCode.RESTOREFH, REQUIRED, IN_SESSION, NOTHING);
        repeatable(OpCode.SAVEFH, REQUIRED, IN_SESSION, CURRENT);
        repeatable(OpCode.SECINFO, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.SETATTR, REQUIRED, CURRENT, SMALL);
        forbidden(OpCode.SETCLIENTID);
        forbidden(OpCode.SETCLIENTID_CONFIRM);
        repeatable(OpCode.VERIFY, REQUIRED, IN_SESSION, CURRENT);
        once(OpCode.WRITE, REQUIRED, CURRENT, SMALL);
        forbidden(OpCode.RELEASE_LOCKOWNER);
        repeatable(OpCode.BACKCHANNEL_CTL, REQUIRED, IN_SESSION, NOTHING);
        repeatable(OpCode.BIND_CONN_TO_SESSION, REQUIRED, ALONE, NOTHING);
        add(1, OpCode.EXCHANGE_ID, REQUIRED, ANYWHERE, NOTHING, false, IDENTIFIED);
        add(1, OpCode.CREATE_SESSION, REQUIRED, ANYWHERE, NOTHING, false, SMALL);
        add(1, OpCode.DESTROY_SESSION, REQUIRED, ANYWHERE, NOTHING, false, SMALL);
        once(OpCode.FREE_STATEID, REQUIRED, NOTHING, SMALL);
        once(OpCode.GET_DIR_DELEGATION, OPTIONAL, CURRENT, SMALL);
        repeatable(OpCode.GETDEVICEINFO, OPTIONAL, IN_SESSION, NOTHING);
        repeatable(OpCode.GETDEVICELIST, OPTIONAL, IN_SESSION, CURRENT);
        once(OpCode.LAYOUTCOMMIT, OPTIONAL, CURRENT, SMALL);
        once(OpCode.LAYOUTGET, OPTIONAL, CURRENT, 0);
        once(OpCode.LAYOUTRETURN, OPTIONAL, NOTHING, SMALL); // all layouts are returned without a file
        repeatable(OpCode.SECINFO_NO_NAME, OPTIONAL, IN_SESSION, CURRENT);
        repeatable(OpCode.SEQUENCE, REQUIRED, FIRST, NOTHING);
        once(OpCode.SET_SSV, REQUIRED, NOTHING, SMALL);
        repeatable(OpCode.TEST_STATEID, REQUIRED, IN_SESSION, NOTHING);
        once(OpCode.WANT_DELEGATION, OPTIONAL, CURRENT, OPENED);
        add(1, OpCode.DESTROY_CLIENTID, REQUIRED, ANYWHERE, NOTHING, false, SMALL);
        once(OpCode.RECLAIM_COMPLETE, REQUIRED, NOTHING, SMALL);

        add(2, OpCode.ALLOCATE, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.COPY, OPTIONAL, IN_SESSION, SAVED, false, SMALL);
        add(2, OpCode.COPY_NOTIFY, OPTIONAL, IN_SESSION, CURRENT, false, IDENTIFIED);
        add(2, OpCode.DEALLOCATE, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.IO_ADVISE, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.LAYOUTERROR, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.LAYOUTSTATS, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.OFFLOAD_CANCEL, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.OFFLOAD_STATUS, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.READ_PLUS, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.SEEK, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.WRITE_SAME, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.CLONE, OPTIONAL, IN_SESSION, SAVED, false, SMALL);
        add(2, OpCode.GETXATTR, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.SETXATTR, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
        add(2, OpCode.LISTXATTRS, OPTIONAL, IN_SESSION, CURRENT, true, 0);
        add(2, OpCode.REMOVEXATTR, OPTIONAL, IN_SESSION, CURRENT, false, SMALL);
    }

    private static void once(OpCode op, Level level, Needs needs, int mostResultBytes) {
        add(1, op, level, IN_SESSION, needs, false, mostResultBytes);
    }

    private static void repeatable(OpCode op, Level level, Place place, Needs needs) {
        add(1, op, level, place, needs, true, 0);
    }

    private static void forbidden(OpCode op) {
        add(1, op, FORBIDDEN, IN_SESSION, NOTHING, true, 0);
    }

    private static void add(
            int minorVersion,
            OpCode op,
            Level level,
            Place place,
            Needs needs,
            boolean repeatable,
            int mostResultBytes) {
        FACTS.put(op, new OpFacts(op, minorVersion, level, place, needs, repeatable, mostResultBytes));
    }

    /// What a client hears whose operation needs a record that is damaged: IO where that is an answer to it
    /// (RFC 8881 §15.2, RFC 7862 §11.2, RFC 8276), and to LAYOUTGET that there is no layout: READ and WRITE
    /// tell the rest.
    public static NfsStatus statusOfDamage(OpCode op) {
        return switch (op) {
            case LAYOUTGET -> NfsStatus.LAYOUTUNAVAILABLE;
            case CLOSE,
                    DELEGRETURN,
                    LAYOUTCOMMIT,
                    LAYOUTRETURN,
                    LOCK,
                    LOCKT,
                    LOCKU,
                    OPEN_DOWNGRADE,
                    PUTFH,
                    PUTROOTFH,
                    SECINFO,
                    SECINFO_NO_NAME -> NfsStatus.SERVERFAULT;
            default -> NfsStatus.IO;
        };
    }

    /// What is known of `op`; nothing of ILLEGAL, which is no operation.
    public static Optional<OpFacts> of(OpCode op) {
        return Optional.ofNullable(FACTS.get(op));
    }
}
