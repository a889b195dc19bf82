package pnfs.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackCodec;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbIllegalArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbNotifyArgs;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.CbArgs.CbNotifyLockArgs;
import pnfs.wire.nfs4.CbArgs.CbOffloadArgs;
import pnfs.wire.nfs4.CbArgs.CbPushDelegArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallAnyArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallSlotArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallableObjAvailArgs;
import pnfs.wire.nfs4.CbArgs.CbSequenceArgs;
import pnfs.wire.nfs4.CbArgs.CbWantsCancelledArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CbResult.CbFailure;
import pnfs.wire.nfs4.CbResult.CbSequenceResult;
import pnfs.wire.nfs4.CbResult.CbSuccess;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.CbHeader;
import pnfs.wire.nfs4.CompoundCodec.CbResults;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.rpc.RpcCall;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcRejection;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Our end of the backchannel: CB_COMPOUND (RFC 8881 §20), one at a time. What came before, under the same
/// sequence, gets the same answer again. Runs on the loops of connections and never waits; guarded by its own
/// lock.
final class Backchannel {
    /// Any number will do; the server calls what CREATE_SESSION named.
    static final int PROGRAM = 0x4000_0000;

    static final int MESSAGE_BYTES = 4096;
    static final int MAX_OPERATIONS = 2;
    static final int SLOTS = 1;

    private static final int VERSION = 1;
    private static final int COMPOUND = 1;
    private static final int ANSWER_BYTES = 256;

    private final Recalls recalls;
    /// Null until there is a session.
    private volatile @Nullable Subjects subjects;

    private final ReentrantLock lock = new ReentrantLock();
    /// The session whose callback came last, and how it went.
    private @Nullable Opaque session;

    private int sequence;
    private List<CbResult> answer = List.of();

    /// What callbacks are about, beside layouts.
    private record Subjects(MdsSession session, Volumes volumes) {}

    Backchannel(Recalls recalls) {
        this.recalls = recalls;
    }

    /// From now on callbacks about slots and devices are for these; until now they were put off.
    void serve(MdsSession session, Volumes volumes) {
        subjects = new Subjects(session, volumes);
    }

    RpcPrograms programs() {
        return RpcPrograms.none().with(PROGRAM, VERSION, this::call);
    }

    private void call(RpcCall call, XdrReader in, RpcReply reply) {
        if (call.procedure() != COMPOUND) {
            reply.reject(new RpcRejection.ProcedureUnavailable());
            return;
        }
        CbHeader header = CompoundCodec.readCbHeader(in);
        List<CbResult> results = results(header, in);
        NfsStatus status = results.isEmpty() ? NfsStatus.OK : results.getLast().status();
        XdrWriter out = reply.success(ANSWER_BYTES);
        CompoundCodec.writeCbResults(out, new CbResults(status, header.tag(), results));
        reply.send(out);
    }

    /// The results of a CB_COMPOUND whose operations are still to be read.
    List<CbResult> results(CbHeader header, XdrReader in) {
        if (header.operations() == 0) {
            return List.of();
        }
        CbArgs first = CallbackCodec.readArgs(in);
        if (!(first instanceof CbSequenceArgs args)) {
            return List.of(new CbFailure(first.op(), NfsStatus.OP_NOT_IN_SESSION));
        }
        if (header.operations() > MAX_OPERATIONS) {
            return List.of(new CbFailure(first.op(), NfsStatus.TOO_MANY_OPS));
        }
        lock.lock();
        try {
            boolean known = session != null && args.session().equals(session);
            if (args.slot() >= SLOTS) {
                return List.of(new CbFailure(first.op(), NfsStatus.BADSLOT));
            }
            if (known && args.sequence() == sequence) {
                return answer;
            }
            if (args.sequence() != (known ? sequence + 1 : 1)) {
                return List.of(new CbFailure(first.op(), NfsStatus.SEQ_MISORDERED));
            }
            answer = run(header, args, in);
            session = args.session();
            sequence = args.sequence();
            return answer;
        } finally {
            lock.unlock();
        }
    }

    private List<CbResult> run(CbHeader header, CbSequenceArgs first, XdrReader in) {
        var results = new ArrayList<CbResult>(MAX_OPERATIONS);
        results.add(new CbSequenceResult(first.session(), first.sequence(), first.slot(), SLOTS - 1, SLOTS - 1));
        if (header.operations() == MAX_OPERATIONS) {
            CbArgs args = CallbackCodec.readArgs(in);
            NfsStatus status = answer(first.session(), args);
            results.add(status == NfsStatus.OK ? new CbSuccess(args.op()) : new CbFailure(args.op(), status));
        }
        return List.copyOf(results);
    }

    private NfsStatus answer(Opaque of, CbArgs args) {
        return switch (args) {
            case CbLayoutRecallArgs recall -> recalls.answer(recall);
            case CbRecallAnyArgs(int keep, Bitmap types) -> recalls.answerAny(keep, types);
            case CbRecallSlotArgs(int highest) -> about(it -> it.session.recallSlots(of, highest));
            case CbNotifyDeviceIdArgs(List<DeviceNotice> notices) -> about(it -> notices.forEach(it.volumes::heard));
            // What we never wait for has come all the same, and is no news.
            case CbNotifyLockArgs _, CbRecallableObjAvailArgs _, CbWantsCancelledArgs _ -> NfsStatus.OK;
            // Of delegations and of copies that go on behind our back: we ask for none.
            case CbGetAttrArgs _ -> NfsStatus.BADHANDLE;
            case CbRecallArgs _, CbNotifyArgs _, CbOffloadArgs _ -> NfsStatus.BAD_STATEID;
            case CbPushDelegArgs _ -> NfsStatus.REJECT_DELEG;
            case CbSequenceArgs _ -> NfsStatus.SEQUENCE_POS;
            case CbIllegalArgs _ -> NfsStatus.OP_ILLEGAL;
        };
    }

    private NfsStatus about(Consumer<Subjects> work) {
        Subjects those = subjects;
        if (those == null) {
            return NfsStatus.DELAY;
        }
        work.accept(those);
        return NfsStatus.OK;
    }
}
