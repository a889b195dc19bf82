package pnfs.wire.rpc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// RPC with one peer, in both directions: runs the peer's calls, and makes calls of ours, which for a server
/// are callbacks. A reply is matched by this connection and its xid among our own calls, so nobody else's reply
/// can take its place. Data path, confined to its loop; methods that any thread may call say so.
public final class RpcConnection implements ConnectionHandler {
    private static final Logger log = LoggerFactory.getLogger(RpcConnection.class);
    /// How often calls are checked for having waited too long.
    private static final Duration TICK = Duration.ofMillis(100);
    /// How many times its limit a peer may exceed while it owes us replies.
    private static final int PATIENCE = 8;

    private record Outstanding(long deadlineNanos, Duration timeout, Consumer<RpcOutcome> then) {}

    private final Connection connection;
    private final RpcPrograms programs;
    private final RpcLimits limits;
    private final RpcCounters counters;
    private final RecordReader records;
    private final RpcCredential.Reader credentials = new RpcCredential.Reader();
    private final Map<Integer, Outstanding> outstanding = new LinkedHashMap<>();
    private final Set<Consumer<String>> whenClosed = new LinkedHashSet<>();
    private int lastXid;
    private int callsInProgress;
    private boolean paused;
    private boolean endAfterAnswers;
    private Loop.@Nullable Timer tick;
    private @Nullable String closed;

    RpcConnection(Connection connection, RpcPrograms programs, RpcLimits limits, RpcCounters counters) {
        this.connection = connection;
        this.programs = programs;
        this.limits = limits;
        this.counters = counters;
        this.records = new RecordReader(limits.maxRecordBytes());
    }

    /// The stream below: its peer, its loop.
    public Connection connection() {
        return connection;
    }

    /// The header of a call, for its arguments to follow; [#call] sends it.
    public static XdrWriter request(
            int program, int version, int procedure, RpcCredential credential, int expectedArgumentBytes) {
        return RpcMessage.call(program, version, procedure, credential, expectedArgumentBytes);
    }

    /// Sends what [#request] gave; `then` gets the outcome on the loop, once. The timeout is kept to a tenth of
    /// a second. Any thread.
    public void call(XdrWriter request, Duration timeout, Consumer<RpcOutcome> then) {
        if (connection.loop().inLoop()) {
            start(request, timeout, then);
            return;
        }
        try {
            connection.loop().execute(() -> start(request, timeout, then));
        } catch (RejectedExecutionException e) {
            then.accept(new RpcOutcome.Failed(RpcOutcome.Reason.CONNECTION_LOST, "the network is closed"));
        }
    }

    /// The same for those who want a future: of a copy of the results, or an [RpcException]. Any thread.
    public CompletableFuture<XdrReader> call(XdrWriter request, Duration timeout) {
        var future = new CompletableFuture<XdrReader>();
        call(request, timeout, outcome -> {
            switch (outcome) {
                case RpcOutcome.Success(XdrReader results) ->
                    future.complete(new XdrReader(ByteBuffer.wrap(results.readFixed(results.remaining()))));
                case RpcOutcome.Rejected rejected -> future.completeExceptionally(new RpcException(rejected));
                case RpcOutcome.Failed failed -> future.completeExceptionally(new RpcException(failed));
            }
        });
        return future;
    }

    /// `then` gets the reason, on the loop, when the connection is gone; at once if it is. Any thread.
    public void whenClosed(Consumer<String> then) {
        try {
            connection.loop().execute(() -> {
                if (closed != null) {
                    then.accept(closed);
                } else {
                    whenClosed.add(then);
                }
            });
        } catch (RejectedExecutionException e) {
            then.accept("the network is closed");
        }
    }

    /// `then`, which was given to [#whenClosed], does not have to hear any more. Any thread.
    public void forget(Consumer<String> then) {
        try {
            connection.loop().execute(() -> whenClosed.remove(then));
        } catch (RejectedExecutionException e) {
            log.debug("network closed before a listener was forgotten peer={}", connection.peer(), e);
        }
    }

    /// Any thread.
    public void close(String why) {
        connection.close(why);
    }

    @Override
    public void onBytes(ByteBuffer staged) {
        try {
            while (!connection.crowded()) {
                ByteBuffer record = records.next(staged);
                if (record == null) {
                    return;
                }
                onRecord(record);
            }
        } catch (XdrException e) {
            counters.malformedRecords.increment();
            log.info("record refused peer={} why={}", connection.peer(), e.getMessage());
            connection.close(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public boolean onEnd() {
        endAfterAnswers = true;
        failOutstanding("peer closed");
        return callsInProgress > 0;
    }

    @Override
    public void onClosed(String why) {
        closed = why;
        if (tick != null) {
            tick.cancel();
        }
        failOutstanding(why);
        whenClosed.forEach(then -> then.accept(why));
    }

    private void failOutstanding(String why) {
        var lost = List.copyOf(outstanding.values());
        outstanding.clear();
        lost.forEach(call -> call.then.accept(new RpcOutcome.Failed(RpcOutcome.Reason.CONNECTION_LOST, why)));
    }

    private void onRecord(ByteBuffer record) {
        var in = new XdrReader(record);
        int xid = in.readUint32();
        int type = in.readUint32();
        switch (type) {
            case RpcMessage.CALL -> onCall(xid, in);
            case RpcMessage.REPLY -> onReply(xid, in);
            default -> throw new XdrException("RPC message type " + Integer.toUnsignedString(type));
        }
    }

    private void onCall(int xid, XdrReader in) {
        counters.calls.increment();
        int program;
        int version;
        int procedure;
        RpcCredential credential;
        try {
            if (in.readUint32() != RpcMessage.RPC_VERSION) {
                reject(xid, new RpcRejection.RpcMismatch(RpcMessage.RPC_VERSION, RpcMessage.RPC_VERSION));
                return;
            }
            program = in.readUint32();
            version = in.readUint32();
            procedure = in.readUint32();
            credential = credentials.read(in, procedure);
        } catch (XdrException e) {
            reject(xid, new RpcRejection.GarbageArguments());
            return;
        } catch (RpcCredential.AuthRefusal e) {
            reject(xid, new RpcRejection.AuthError(e.status()));
            return;
        }
        RpcProgram body = programs.find(program, version);
        if (body == null) {
            reject(xid, programs.rejectionOf(program));
        } else if (procedure == RpcProgram.NULL_PROCEDURE) {
            connection.send(marked(RpcMessage.success(xid, 0)));
        } else {
            run(body, new RpcCall(xid, program, version, procedure, credential, this), in);
        }
    }

    private void run(RpcProgram body, RpcCall call, XdrReader args) {
        var reply = new Reply(call.xid());
        callsInProgress++;
        if (callsInProgress > PATIENCE * limits.maxCallsInProgress()) {
            connection.close("peer has " + callsInProgress + " calls in progress");
            return;
        }
        pauseOrResume();
        try {
            body.call(call, args, reply);
        } catch (XdrException e) {
            log.debug(
                    "arguments refused peer={} procedure={} why={}",
                    connection.peer(),
                    call.procedure(),
                    e.getMessage());
            reply.rejectUnlessAnswered(new RpcRejection.GarbageArguments());
        } catch (RuntimeException e) {
            // A shore between the wire and a program: its bug is this call's failure and nobody else's.
            counters.systemErrors.increment();
            log.error("call failed program={} procedure={} xid={}", call.program(), call.procedure(), call.xid(), e);
            reply.rejectUnlessAnswered(new RpcRejection.SystemError());
        }
    }

    private void reject(int xid, RpcRejection why) {
        counters.rejected.increment();
        connection.send(marked(RpcMessage.rejected(xid, why)));
    }

    private void answered(List<ByteBuffer> message) {
        connection.send(message);
        callsInProgress--;
        pauseOrResume();
        if (endAfterAnswers && callsInProgress == 0) {
            connection.close("peer closed");
        }
    }

    /// The peer's further calls wait unread, unless we wait for a reply of the peer's: that stands behind them,
    /// and the calls in progress may be waiting for it.
    private void pauseOrResume() {
        boolean pause = callsInProgress >= limits.maxCallsInProgress() && outstanding.isEmpty();
        if (pause && !paused) {
            paused = true;
            connection.pauseReading();
        } else if (paused && !pause) {
            paused = false;
            connection.resumeReading();
        }
    }

    private void start(XdrWriter request, Duration timeout, Consumer<RpcOutcome> then) {
        if (closed != null) {
            then.accept(new RpcOutcome.Failed(RpcOutcome.Reason.CONNECTION_LOST, closed));
            return;
        }
        if (outstanding.size() >= limits.maxCallsOutstanding()) {
            String detail = outstanding.size() + " calls wait for replies of " + connection.peer();
            then.accept(new RpcOutcome.Failed(RpcOutcome.Reason.TOO_MANY_CALLS, detail));
            return;
        }
        do {
            lastXid++;
        } while (outstanding.containsKey(lastXid));
        long deadlineNanos = connection.loop().nowNanos() + timeout.toNanos();
        outstanding.put(lastXid, new Outstanding(deadlineNanos, timeout, then));
        if (tick == null) {
            tick = connection.loop().schedule(TICK.toNanos(), this::expire);
        }
        List<ByteBuffer> message = marked(request);
        message.getFirst().putInt(RpcMessage.XID_AT, lastXid);
        connection.send(message);
        pauseOrResume();
    }

    private void onReply(int xid, XdrReader in) {
        Outstanding call = outstanding.remove(xid);
        if (call == null) {
            counters.unknownReplies.increment();
            log.debug("reply to no call ignored peer={} xid={}", connection.peer(), Integer.toHexString(xid));
            return;
        }
        RpcOutcome outcome;
        try {
            outcome = RpcMessage.readOutcome(in);
        } catch (XdrException e) {
            outcome = new RpcOutcome.Failed(RpcOutcome.Reason.MALFORMED_REPLY, String.valueOf(e.getMessage()));
        }
        call.then.accept(outcome);
        pauseOrResume();
    }

    private void expire() {
        long now = connection.loop().nowNanos();
        var late = new ArrayList<Outstanding>();
        outstanding.values().removeIf(call -> call.deadlineNanos - now <= 0 && late.add(call));
        tick = outstanding.isEmpty() ? null : connection.loop().schedule(TICK.toNanos(), this::expire);
        late.forEach(call -> call.then.accept(new RpcOutcome.Failed(
                RpcOutcome.Reason.TIMEOUT, "no reply from " + connection.peer() + " in " + call.timeout)));
        pauseOrResume();
    }

    /// The finished message with its record mark: one fragment.
    private static List<ByteBuffer> marked(XdrWriter message) {
        int bytes = message.position() - Integer.BYTES;
        List<ByteBuffer> pieces = message.buffers();
        pieces.getFirst().putInt(0, RpcMessage.LAST_FRAGMENT | bytes);
        return pieces;
    }

    private final class Reply implements RpcReply {
        private final int xid;
        private final AtomicBoolean answered = new AtomicBoolean();

        Reply(int xid) {
            this.xid = xid;
        }

        @Override
        public XdrWriter success(int expectedResultBytes) {
            return RpcMessage.success(xid, expectedResultBytes);
        }

        @Override
        public void send(XdrWriter success) {
            answer(success);
        }

        @Override
        public void reject(RpcRejection why) {
            counters.rejected.increment();
            answer(RpcMessage.rejected(xid, why));
        }

        void rejectUnlessAnswered(RpcRejection why) {
            if (!answered.get()) {
                reject(why);
            }
        }

        private void answer(XdrWriter message) {
            if (!answered.compareAndSet(false, true)) {
                throw new IllegalStateException("xid " + Integer.toHexString(xid) + " was answered already");
            }
            List<ByteBuffer> pieces = marked(message);
            if (connection.loop().inLoop()) {
                answered(pieces);
                return;
            }
            try {
                connection.loop().execute(() -> answered(pieces));
            } catch (RejectedExecutionException e) {
                log.trace("answer came after the end of the network xid={}", xid);
            }
        }
    }
}
