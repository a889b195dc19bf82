package pnfs.mds.callback;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.session.Backchannel;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CbResult.CbFailure;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.ReferringCall;
import pnfs.wire.nfs4.ReferringCalls;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcOutcome;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Sends callbacks: CB_SEQUENCE and one operation behind it, which is what Linux takes. A reply that does not
/// come in time costs the connection its place in the backchannel; the callback goes out again over the
/// client's next connection, in the same slot, and then over its next session. Nothing here waits, and nothing
/// is sent from within [#send]: it may be called under any lock.
public final class Callbacks {
    private static final Logger log = LoggerFactory.getLogger(Callbacks.class);
    private static final int CB_COMPOUND = 1;
    private static final int EXPECTED_BYTES = 256;
    /// How often a slot is tried with the next sequence because the client had seen this one.
    private static final int RESENDS = 3;

    private final Clients clients;
    private final Executor later;
    private final Duration patience;

    /// @param later runs what was given to it, soon and without locks
    /// @param patience how long a client may take to answer
    public Callbacks(Clients clients, Executor later, Duration patience) {
        this.clients = clients;
        this.later = later;
        this.patience = patience;
    }

    /// Calls a client back.
    ///
    /// @param after the call whose answer the client has to have before it can understand this one; named only
    ///     while that is the last of its slot
    /// @param then gets the outcome, once, on any thread and without locks
    public void send(long clientId, CbArgs operation, Optional<SessionRef> after, Consumer<CallbackOutcome> then) {
        later.execute(() -> new Sending(clients.backchannels(clientId), operation, referring(after), then).start());
    }

    /// Calls a client back over this session, which `operation` is about, or not at all. What it answers does not
    /// matter.
    void send(Backchannel session, CbArgs operation) {
        later.execute(() -> new Sending(List.of(session), operation, List.of(), _ -> {}).start());
    }

    private List<ReferringCalls> referring(Optional<SessionRef> after) {
        return after.filter(clients::isLatest)
                .map(call -> List.of(new ReferringCalls(
                        call.sessionId(), List.of(new ReferringCall(call.sequenceId(), call.slotId())))))
                .orElse(List.of());
    }

    /// One callback on its way. Never on two threads at once: each step follows the outcome of the one before.
    private final class Sending {
        private final Queue<Backchannel> channels;
        private final CbArgs operation;
        private final List<ReferringCalls> referring;
        private final Consumer<CallbackOutcome> then;
        private int resends;

        Sending(
                List<Backchannel> channels,
                CbArgs operation,
                List<ReferringCalls> referring,
                Consumer<CallbackOutcome> then) {
            this.channels = new ArrayDeque<>(channels);
            this.operation = operation;
            this.referring = referring;
            this.then = then;
        }

        /// Over the next session that has room.
        void start() {
            Backchannel channel = channels.poll();
            if (channel == null) {
                then.accept(new CallbackOutcome.Unreachable("no backchannel has room for " + operation.op()));
                return;
            }
            channel.begin().ifPresentOrElse(turn -> send(channel, turn), this::start);
        }

        private void send(Backchannel channel, Backchannel.Turn turn) {
            var sequence = new CbArgs.CbSequenceArgs(
                    channel.session(), turn.sequence(), turn.slot(), channel.highestSlot(), false, referring);
            XdrWriter request = RpcConnection.request(
                    turn.program(), Backchannel.PROGRAM_VERSION, CB_COMPOUND, turn.credential(), EXPECTED_BYTES);
            CompoundCodec.writeCbCall(request, Opaque.EMPTY, channel.minorVersion(), List.of(sequence, operation));
            var settled = new AtomicBoolean();
            Runnable ended = () -> {
                if (settled.compareAndSet(false, true)) {
                    later.execute(this::start);
                }
            };
            channel.waits(ended);
            turn.connection().call(request, patience, outcome -> {
                channel.stopsWaiting(ended);
                if (settled.compareAndSet(false, true)) {
                    arrived(channel, turn, outcome);
                }
            });
        }

        private void arrived(Backchannel channel, Backchannel.Turn turn, RpcOutcome outcome) {
            switch (outcome) {
                case RpcOutcome.Success(XdrReader results) -> {
                    try {
                        answered(
                                channel,
                                turn,
                                CompoundCodec.readCbResults(results).operations());
                    } catch (XdrException | NfsException malformed) {
                        fault(channel, turn, "reply malformed: " + malformed.getMessage());
                    }
                }
                case RpcOutcome.Rejected(var why) -> fault(channel, turn, "call rejected: " + why);
                case RpcOutcome.Failed(var reason, var detail) -> {
                    if (reason == RpcOutcome.Reason.TOO_MANY_CALLS) {
                        channel.end(turn, false);
                        start();
                        return;
                    }
                    log.info("callback lost op={} reason={} why={}", operation.op(), reason, detail);
                    channel.unbind(turn.connection());
                    channel.again(turn).ifPresentOrElse(next -> send(channel, next), this::start);
                }
            }
        }

        private void answered(Backchannel channel, Backchannel.Turn turn, List<CbResult> results) {
            if (results.isEmpty()) {
                fault(channel, turn, "reply without CB_SEQUENCE");
                return;
            }
            NfsStatus sequenced = results.getFirst().status();
            if (sequenced == NfsStatus.DELAY) {
                channel.end(turn, false);
                then.accept(new CallbackOutcome.Answered(new CbFailure(operation.op(), NfsStatus.DELAY)));
            } else if (sequenced != NfsStatus.OK || results.size() < 2) {
                fault(channel, turn, "CB_SEQUENCE answered " + sequenced);
            } else if (results.get(1).status() == NfsStatus.RETRY_UNCACHED_REP && resends++ < RESENDS) {
                // The client has seen this sequence, with this callback or with the one before: what we send may come
                // twice.
                channel.next(turn).ifPresentOrElse(next -> send(channel, next), this::start);
            } else {
                channel.end(turn, true);
                then.accept(new CallbackOutcome.Answered(results.get(1)));
            }
        }

        private void fault(Backchannel channel, Backchannel.Turn turn, String why) {
            log.info("backchannel faulty session={} op={} why={}", channel.session(), operation.op(), why);
            channel.becomeFaulty();
            channel.end(turn, false);
            start();
        }
    }
}
