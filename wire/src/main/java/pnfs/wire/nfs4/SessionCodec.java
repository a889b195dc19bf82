package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readMaximum;
import static pnfs.wire.nfs4.CommonCodec.readOptional;
import static pnfs.wire.nfs4.CommonCodec.readSessionId;
import static pnfs.wire.nfs4.CommonCodec.readSlot;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.readText;
import static pnfs.wire.nfs4.CommonCodec.readTime;
import static pnfs.wire.nfs4.CommonCodec.unknownArm;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeList;
import static pnfs.wire.nfs4.CommonCodec.writeOptional;
import static pnfs.wire.nfs4.CommonCodec.writeSessionId;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;
import static pnfs.wire.nfs4.CommonCodec.writeTime;

import java.util.List;
import java.util.Optional;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Client ids and sessions: RFC 8881 §18.33 to §18.37, §18.46 to §18.51. Every read undoes the write of the
/// same name.
final class SessionCodec {
    private static final int AUTH_NONE = 0;
    private static final int AUTH_SYS = 1;
    private static final int RPCSEC_GSS = 6;
    private static final int SP4_NONE = 0;
    private static final int SP4_MACH_CRED = 1;
    private static final int SP4_SSV = 2;

    private SessionCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.SessionFamily family) {
        switch (family) {
            case OpArgs.BackchannelCtlArgs args -> writeBackchannelCtlArgs(out, args);
            case OpArgs.BindConnToSessionArgs args -> writeBindConnToSessionArgs(out, args);
            case OpArgs.ExchangeIdArgs args -> writeExchangeIdArgs(out, args);
            case OpArgs.CreateSessionArgs args -> writeCreateSessionArgs(out, args);
            case OpArgs.DestroySessionArgs args -> writeDestroySessionArgs(out, args);
            case OpArgs.FreeStateidArgs args -> writeFreeStateidArgs(out, args);
            case OpArgs.SequenceArgs args -> writeSequenceArgs(out, args);
            case OpArgs.SetSsvArgs args -> writeSetSsvArgs(out, args);
            case OpArgs.TestStateidArgs args -> writeTestStateidArgs(out, args);
            case OpArgs.DestroyClientidArgs args -> writeDestroyClientidArgs(out, args);
            case OpArgs.ReclaimCompleteArgs args -> writeReclaimCompleteArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.SessionFamily family) {
        switch (family) {
            case OpResult.BindConnToSessionResult result -> writeBindConnToSessionResult(out, result);
            case OpResult.ExchangeIdResult result -> writeExchangeIdResult(out, result);
            case OpResult.CreateSessionResult result -> writeCreateSessionResult(out, result);
            case OpResult.SequenceResult result -> writeSequenceResult(out, result);
            case OpResult.SetSsvResult result -> writeSetSsvResult(out, result);
            case OpResult.TestStateidResult result -> writeTestStateidResult(out, result);
        }
    }

    private static void writeBackchannelCtlArgs(XdrWriter out, OpArgs.BackchannelCtlArgs args) {
        out.writeUint32(args.callbackProgram());
        writeList(out, args.security(), SessionCodec::writeCallbackSecurity);
    }

    static OpArgs.BackchannelCtlArgs readBackchannelCtlArgs(XdrReader in) {
        var callbackProgram = in.readUint32();
        var security = readList(in, Nfs4Limits.SECURITY_FLAVORS, Integer.BYTES, SessionCodec::readCallbackSecurity);
        return new OpArgs.BackchannelCtlArgs(callbackProgram, security);
    }

    private static void writeBindConnToSessionArgs(XdrWriter out, OpArgs.BindConnToSessionArgs args) {
        writeSessionId(out, args.session());
        out.writeUint32(args.direction().wire());
        out.writeBool(args.rdma());
    }

    static OpArgs.BindConnToSessionArgs readBindConnToSessionArgs(XdrReader in) {
        var session = readSessionId(in);
        var direction = BindDirection.fromWire(in.readUint32());
        var rdma = in.readBool();
        return new OpArgs.BindConnToSessionArgs(session, direction, rdma);
    }

    private static void writeBindConnToSessionResult(XdrWriter out, OpResult.BindConnToSessionResult result) {
        writeSessionId(out, result.session());
        out.writeUint32(result.direction().wire());
        out.writeBool(result.rdma());
    }

    static OpResult.BindConnToSessionResult readBindConnToSessionResult(XdrReader in) {
        var session = readSessionId(in);
        var direction = BoundDirection.fromWire(in.readUint32());
        var rdma = in.readBool();
        return new OpResult.BindConnToSessionResult(session, direction, rdma);
    }

    private static void writeExchangeIdArgs(XdrWriter out, OpArgs.ExchangeIdArgs args) {
        out.writeUint64(args.verifier());
        out.writeOpaque(args.owner());
        out.writeUint32(args.flags());
        writeStateProtection(out, args.protection());
        writeOptional(out, args.implementation(), SessionCodec::writeImplementationId);
    }

    static OpArgs.ExchangeIdArgs readExchangeIdArgs(XdrReader in) {
        var verifier = in.readUint64();
        var owner = in.readOpaque(Nfs4Limits.OWNER_BYTES);
        var flags = in.readUint32();
        var protection = readStateProtection(in);
        var implementation = readOptional(in, SessionCodec::readImplementationId);
        return new OpArgs.ExchangeIdArgs(verifier, owner, flags, protection, implementation);
    }

    private static void writeExchangeIdResult(XdrWriter out, OpResult.ExchangeIdResult result) {
        out.writeUint64(result.clientId());
        out.writeUint32(result.sequence());
        out.writeUint32(result.flags());
        writeGrantedProtection(out, result.protection());
        writeServerOwner(out, result.serverOwner());
        out.writeOpaque(result.serverScope());
        writeOptional(out, result.implementation(), SessionCodec::writeImplementationId);
    }

    static OpResult.ExchangeIdResult readExchangeIdResult(XdrReader in) {
        var clientId = in.readUint64();
        var sequence = in.readUint32();
        var flags = in.readUint32();
        var protection = readGrantedProtection(in);
        var serverOwner = readServerOwner(in);
        var serverScope = in.readOpaque(Nfs4Limits.OWNER_BYTES);
        var implementation = readOptional(in, SessionCodec::readImplementationId);
        return new OpResult.ExchangeIdResult(
                clientId, sequence, flags, protection, serverOwner, serverScope, implementation);
    }

    private static void writeCreateSessionArgs(XdrWriter out, OpArgs.CreateSessionArgs args) {
        out.writeUint64(args.clientId());
        out.writeUint32(args.sequence());
        out.writeUint32(args.flags());
        writeChannelAttributes(out, args.fore());
        writeChannelAttributes(out, args.back());
        out.writeUint32(args.callbackProgram());
        writeList(out, args.security(), SessionCodec::writeCallbackSecurity);
    }

    static OpArgs.CreateSessionArgs readCreateSessionArgs(XdrReader in) {
        var clientId = in.readUint64();
        var sequence = in.readUint32();
        var flags = in.readUint32();
        var fore = readChannelAttributes(in);
        var back = readChannelAttributes(in);
        var callbackProgram = in.readUint32();
        var security = readList(in, Nfs4Limits.SECURITY_FLAVORS, Integer.BYTES, SessionCodec::readCallbackSecurity);
        return new OpArgs.CreateSessionArgs(clientId, sequence, flags, fore, back, callbackProgram, security);
    }

    private static void writeCreateSessionResult(XdrWriter out, OpResult.CreateSessionResult result) {
        writeSessionId(out, result.session());
        out.writeUint32(result.sequence());
        out.writeUint32(result.flags());
        writeChannelAttributes(out, result.fore());
        writeChannelAttributes(out, result.back());
    }

    static OpResult.CreateSessionResult readCreateSessionResult(XdrReader in) {
        var session = readSessionId(in);
        var sequence = in.readUint32();
        var flags = in.readUint32();
        var fore = readChannelAttributes(in);
        var back = readChannelAttributes(in);
        return new OpResult.CreateSessionResult(session, sequence, flags, fore, back);
    }

    private static void writeDestroySessionArgs(XdrWriter out, OpArgs.DestroySessionArgs args) {
        writeSessionId(out, args.session());
    }

    static OpArgs.DestroySessionArgs readDestroySessionArgs(XdrReader in) {
        var session = readSessionId(in);
        return new OpArgs.DestroySessionArgs(session);
    }

    private static void writeFreeStateidArgs(XdrWriter out, OpArgs.FreeStateidArgs args) {
        writeStateid(out, args.stateid());
    }

    static OpArgs.FreeStateidArgs readFreeStateidArgs(XdrReader in) {
        var stateid = readStateid(in);
        return new OpArgs.FreeStateidArgs(stateid);
    }

    private static void writeSequenceArgs(XdrWriter out, OpArgs.SequenceArgs args) {
        writeSessionId(out, args.session());
        out.writeUint32(args.sequence());
        out.writeUint32(args.slot());
        out.writeUint32(args.highestSlot());
        out.writeBool(args.cacheThis());
    }

    static OpArgs.SequenceArgs readSequenceArgs(XdrReader in) {
        var session = readSessionId(in);
        var sequence = in.readUint32();
        var slot = readSlot(in, NfsStatus.BADSLOT);
        var highestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        var cacheThis = in.readBool();
        return new OpArgs.SequenceArgs(session, sequence, slot, highestSlot, cacheThis);
    }

    private static void writeSequenceResult(XdrWriter out, OpResult.SequenceResult result) {
        writeSessionId(out, result.session());
        out.writeUint32(result.sequence());
        out.writeUint32(result.slot());
        out.writeUint32(result.highestSlot());
        out.writeUint32(result.targetHighestSlot());
        out.writeUint32(result.statusFlags());
    }

    static OpResult.SequenceResult readSequenceResult(XdrReader in) {
        var session = readSessionId(in);
        var sequence = in.readUint32();
        var slot = readSlot(in, NfsStatus.BADSLOT);
        var highestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        var targetHighestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        var statusFlags = in.readUint32();
        return new OpResult.SequenceResult(session, sequence, slot, highestSlot, targetHighestSlot, statusFlags);
    }

    private static void writeSetSsvArgs(XdrWriter out, OpArgs.SetSsvArgs args) {
        out.writeOpaque(args.ssv());
        out.writeOpaque(args.digest());
    }

    static OpArgs.SetSsvArgs readSetSsvArgs(XdrReader in) {
        var ssv = in.readOpaque(Nfs4Limits.GSS_BYTES);
        var digest = in.readOpaque(Nfs4Limits.GSS_BYTES);
        return new OpArgs.SetSsvArgs(ssv, digest);
    }

    private static void writeSetSsvResult(XdrWriter out, OpResult.SetSsvResult result) {
        out.writeOpaque(result.digest());
    }

    static OpResult.SetSsvResult readSetSsvResult(XdrReader in) {
        var digest = in.readOpaque(Nfs4Limits.GSS_BYTES);
        return new OpResult.SetSsvResult(digest);
    }

    private static void writeTestStateidArgs(XdrWriter out, OpArgs.TestStateidArgs args) {
        writeList(out, args.stateids(), CommonCodec::writeStateid);
    }

    static OpArgs.TestStateidArgs readTestStateidArgs(XdrReader in) {
        var stateids = readList(in, Nfs4Limits.STATEIDS, Stateid.BYTES, CommonCodec::readStateid);
        return new OpArgs.TestStateidArgs(stateids);
    }

    private static void writeTestStateidResult(XdrWriter out, OpResult.TestStateidResult result) {
        writeList(out, result.statuses(), CommonCodec::writeStatus);
    }

    static OpResult.TestStateidResult readTestStateidResult(XdrReader in) {
        var statuses = readList(in, Nfs4Limits.STATEIDS, Integer.BYTES, CommonCodec::readStatus);
        return new OpResult.TestStateidResult(statuses);
    }

    private static void writeDestroyClientidArgs(XdrWriter out, OpArgs.DestroyClientidArgs args) {
        out.writeUint64(args.clientId());
    }

    static OpArgs.DestroyClientidArgs readDestroyClientidArgs(XdrReader in) {
        var clientId = in.readUint64();
        return new OpArgs.DestroyClientidArgs(clientId);
    }

    private static void writeReclaimCompleteArgs(XdrWriter out, OpArgs.ReclaimCompleteArgs args) {
        out.writeBool(args.oneFileSystem());
    }

    static OpArgs.ReclaimCompleteArgs readReclaimCompleteArgs(XdrReader in) {
        var oneFileSystem = in.readBool();
        return new OpArgs.ReclaimCompleteArgs(oneFileSystem);
    }

    static void writeChannelAttributes(XdrWriter out, ChannelAttributes attributes) {
        out.writeUint32(attributes.headerPadBytes());
        out.writeUint32(attributes.maxRequestBytes());
        out.writeUint32(attributes.maxResponseBytes());
        out.writeUint32(attributes.maxResponseCachedBytes());
        out.writeUint32(attributes.maxOperations());
        out.writeUint32(attributes.maxRequests());
        writeOptional(out, attributes.rdmaReads(), XdrWriter::writeUint32);
    }

    private static ChannelAttributes readChannelAttributes(XdrReader in) {
        int headerPadBytes = readMaximum(in);
        int maxRequestBytes = readMaximum(in);
        int maxResponseBytes = readMaximum(in);
        int maxResponseCachedBytes = readMaximum(in);
        int maxOperations = readMaximum(in);
        int maxRequests = readMaximum(in);
        Optional<Integer> rdmaReads = readOptional(in, XdrReader::readUint32);
        return new ChannelAttributes(
                headerPadBytes,
                maxRequestBytes,
                maxResponseBytes,
                maxResponseCachedBytes,
                maxOperations,
                maxRequests,
                rdmaReads);
    }

    private static void writeCallbackSecurity(XdrWriter out, CallbackSecurity security) {
        switch (security) {
            case CallbackSecurity.None _ -> out.writeUint32(AUTH_NONE);
            case CallbackSecurity.Sys sys -> {
                out.writeUint32(AUTH_SYS);
                out.writeUint32(sys.stamp());
                out.writeString(sys.machine());
                out.writeUint32(sys.uid());
                out.writeUint32(sys.gid());
                writeList(out, sys.gids(), XdrWriter::writeUint32);
            }
            case CallbackSecurity.Gss gss -> {
                out.writeUint32(RPCSEC_GSS);
                out.writeUint32(gss.service());
                out.writeOpaque(gss.serverHandle());
                out.writeOpaque(gss.clientHandle());
            }
        }
    }

    private static CallbackSecurity readCallbackSecurity(XdrReader in) {
        int flavor = in.readUint32();
        return switch (flavor) {
            case AUTH_NONE -> new CallbackSecurity.None();
            case AUTH_SYS -> {
                int stamp = in.readUint32();
                var machine = in.readString(Nfs4Limits.MACHINE_NAME_BYTES);
                int uid = in.readUint32();
                int gid = in.readUint32();
                var gids = readList(in, Nfs4Limits.GROUPS, Integer.BYTES, XdrReader::readUint32);
                yield new CallbackSecurity.Sys(stamp, machine, uid, gid, gids);
            }
            case RPCSEC_GSS -> {
                int service = in.readUint32();
                var serverHandle = in.readOpaque(Nfs4Limits.GSS_BYTES);
                yield new CallbackSecurity.Gss(service, serverHandle, in.readOpaque(Nfs4Limits.GSS_BYTES));
            }
            default -> throw unknownArm("callback_sec_parms4", flavor);
        };
    }

    private static void writeStateProtection(XdrWriter out, StateProtection protection) {
        switch (protection) {
            case StateProtection.None _ -> out.writeUint32(SP4_NONE);
            case StateProtection.MachineCredential machine -> {
                out.writeUint32(SP4_MACH_CRED);
                writeBitmap(out, machine.mustEnforce());
                writeBitmap(out, machine.mustAllow());
            }
            case StateProtection.Ssv ssv -> {
                out.writeUint32(SP4_SSV);
                writeBitmap(out, ssv.mustEnforce());
                writeBitmap(out, ssv.mustAllow());
                writeList(out, ssv.hashes(), XdrWriter::writeOpaque);
                writeList(out, ssv.ciphers(), XdrWriter::writeOpaque);
                out.writeUint32(ssv.window());
                out.writeUint32(ssv.gssHandles());
            }
        }
    }

    private static StateProtection readStateProtection(XdrReader in) {
        int how = in.readUint32();
        return switch (how) {
            case SP4_NONE -> new StateProtection.None();
            case SP4_MACH_CRED -> {
                var mustEnforce = readBitmap(in);
                yield new StateProtection.MachineCredential(mustEnforce, readBitmap(in));
            }
            case SP4_SSV -> {
                var mustEnforce = readBitmap(in);
                var mustAllow = readBitmap(in);
                var hashes = readOpaques(in);
                var ciphers = readOpaques(in);
                int window = in.readUint32();
                yield new StateProtection.Ssv(mustEnforce, mustAllow, hashes, ciphers, window, in.readUint32());
            }
            default -> throw unknownArm("state_protect4_a", how);
        };
    }

    private static void writeGrantedProtection(XdrWriter out, GrantedProtection protection) {
        switch (protection) {
            case GrantedProtection.None _ -> out.writeUint32(SP4_NONE);
            case GrantedProtection.MachineCredential machine -> {
                out.writeUint32(SP4_MACH_CRED);
                writeBitmap(out, machine.mustEnforce());
                writeBitmap(out, machine.mustAllow());
            }
            case GrantedProtection.Ssv ssv -> {
                out.writeUint32(SP4_SSV);
                writeBitmap(out, ssv.mustEnforce());
                writeBitmap(out, ssv.mustAllow());
                out.writeUint32(ssv.hash());
                out.writeUint32(ssv.cipher());
                out.writeUint32(ssv.ssvBytes());
                out.writeUint32(ssv.window());
                writeList(out, ssv.gssHandles(), XdrWriter::writeOpaque);
            }
        }
    }

    private static GrantedProtection readGrantedProtection(XdrReader in) {
        int how = in.readUint32();
        return switch (how) {
            case SP4_NONE -> new GrantedProtection.None();
            case SP4_MACH_CRED -> {
                var mustEnforce = readBitmap(in);
                yield new GrantedProtection.MachineCredential(mustEnforce, readBitmap(in));
            }
            case SP4_SSV -> {
                var mustEnforce = readBitmap(in);
                var mustAllow = readBitmap(in);
                int hash = in.readUint32();
                int cipher = in.readUint32();
                int ssvBytes = in.readUint32();
                int window = in.readUint32();
                yield new GrantedProtection.Ssv(
                        mustEnforce, mustAllow, hash, cipher, ssvBytes, window, readOpaques(in));
            }
            default -> throw unknownArm("state_protect4_r", how);
        };
    }

    private static List<Opaque> readOpaques(XdrReader in) {
        return readList(in, Nfs4Limits.ALGORITHMS, Integer.BYTES, reader -> reader.readOpaque(Nfs4Limits.OWNER_BYTES));
    }

    private static void writeServerOwner(XdrWriter out, ServerOwner owner) {
        out.writeUint64(owner.minorId());
        out.writeOpaque(owner.majorId());
    }

    private static ServerOwner readServerOwner(XdrReader in) {
        long minorId = in.readUint64();
        return new ServerOwner(minorId, in.readOpaque(Nfs4Limits.OWNER_BYTES));
    }

    private static void writeImplementationId(XdrWriter out, ImplementationId implementation) {
        out.writeString(implementation.domain());
        out.writeString(implementation.name());
        writeTime(out, implementation.date());
    }

    private static ImplementationId readImplementationId(XdrReader in) {
        var domain = readText(in);
        var name = readText(in);
        return new ImplementationId(domain, name, readTime(in));
    }
}
