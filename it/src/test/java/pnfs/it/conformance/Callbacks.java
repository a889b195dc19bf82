package pnfs.it.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.CallbackCodec;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbSequenceArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.rpc.RpcCall;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcRejection;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The backchannel's end at a client: takes every CB_COMPOUND and answers it as the test says.
final class Callbacks {
    static final int PROGRAM = 0x4000_0000;
    private static final int COMPOUND = 1;
    private static final int VERSION = 1;

    /// A callback as it came, behind its CB_SEQUENCE.
    record Received(RpcCredential who, CbSequenceArgs sequence, CbArgs args) {}

    private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    private volatile Function<CbArgs, @Nullable CbResult> answers = args -> new CbResult.CbSuccess(args.op());

    RpcPrograms programs() {
        return RpcPrograms.none().with(PROGRAM, VERSION, this::call);
    }

    /// From now on these are the answers; null gives none at all.
    void answerWith(Function<CbArgs, @Nullable CbResult> how) {
        answers = how;
    }

    /// The next callback of this type; what comes before it is dropped. Waits a while.
    <A extends CbArgs> Received await(Class<A> type, int seconds) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        try {
            while (true) {
                Received next = received.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (next == null) {
                    throw new AssertionError("no " + type.getSimpleName() + " within " + seconds + " s");
                }
                if (type.isInstance(next.args())) {
                    return next;
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void call(RpcCall call, XdrReader in, RpcReply reply) {
        if (call.procedure() != COMPOUND) {
            reply.reject(new RpcRejection.ProcedureUnavailable());
            return;
        }
        CompoundCodec.CbHeader header = CompoundCodec.readCbHeader(in);
        var results = new ArrayList<CbResult>();
        CbSequenceArgs sequence = null;
        for (int i = 0; i < header.operations(); i++) {
            CbArgs args = CallbackCodec.readArgs(in);
            if (args instanceof CbSequenceArgs first) {
                sequence = first;
                results.add(new CbResult.CbSequenceResult(
                        first.session(), first.sequence(), first.slot(), first.slot(), first.slot()));
            } else if (sequence == null) {
                results.add(new CbResult.CbFailure(args.op(), NfsStatus.OP_NOT_IN_SESSION));
            } else {
                CbResult answer = answers.apply(args);
                received.add(new Received(call.credential(), sequence, args));
                if (answer == null) {
                    return;
                }
                results.add(answer);
            }
        }
        XdrWriter out = reply.success(256);
        CompoundCodec.writeCbResults(out, new CompoundCodec.CbResults(statusOf(results), header.tag(), results));
        reply.send(out);
    }

    private static NfsStatus statusOf(List<CbResult> results) {
        return results.isEmpty() ? NfsStatus.OK : results.getLast().status();
    }
}
