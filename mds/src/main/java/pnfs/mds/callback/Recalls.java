package pnfs.mds.callback;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.NfsStatus;

/// What clients are asked to give back, until they have or their time is up. A recall that did not reach its
/// client, or came at a bad time, is sent again at the next tick. Safe for any thread.
public final class Recalls {
    private static final Logger log = LoggerFactory.getLogger(Recalls.class);

    private final Clients clients;
    private final Callbacks callbacks;
    private final long patienceNanos;
    private volatile long nowNanos;
    /// In the order in which they began.
    private final Set<Pending> pending = new ConcurrentSkipListSet<>(Comparator.comparingLong(each -> each.number));

    private final AtomicLong count = new AtomicLong();

    /// Something that is to be given back. Its methods are called without locks.
    public interface Recall {
        long clientId();

        CbArgs callback();

        /// The call by which the client got it.
        Optional<SessionRef> grantedBy();

        /// Whether there is nothing to wait for any more.
        boolean isOver();

        /// The client answered with an error, which may mean that it does not have it.
        ///
        /// @return false to ask again
        boolean isSettledBy(NfsStatus status);

        /// The client did not give it back in time, or fell silent. It loses this, and goes on with the rest
        /// if it comes back: a Linux machine that stood still goes on under its session.
        void revoke();

        /// The client has answered, whatever it was.
        default void heard(NfsStatus status) {}

        /// Nothing is waited for any more: it is over, or taken, or the client is gone.
        default void ended(boolean isClientGone) {}
    }

    /// Where a recall stands.
    private enum Progress {
        /// To be sent at the next tick.
        DUE,
        /// Sent, not answered.
        SENT,
        /// The client is about to give it back.
        ACCEPTED
    }

    private static final class Pending {
        final long number;
        final Recall recall;
        final long deadlineNanos;
        volatile Progress progress = Progress.SENT;

        Pending(long number, Recall recall, long deadlineNanos) {
            this.number = number;
            this.recall = recall;
            this.deadlineNanos = deadlineNanos;
        }
    }

    /// @param nowNanos the time until the first tick
    /// @param patienceNanos how long a client has to give back what is recalled: a lease
    public Recalls(Clients clients, Callbacks callbacks, long nowNanos, long patienceNanos) {
        this.clients = clients;
        this.callbacks = callbacks;
        this.nowNanos = nowNanos;
        this.patienceNanos = patienceNanos;
    }

    /// Asks for something back; once for each thing. May be called under any lock.
    public void begin(Recall recall) {
        var begun = new Pending(count.incrementAndGet(), recall, nowNanos + patienceNanos);
        pending.add(begun);
        send(begun);
    }

    /// As of the last tick.
    public long nowNanos() {
        return nowNanos;
    }

    /// How many are waited for.
    public int count() {
        return pending.size();
    }

    /// To be called several times a second.
    public void tick(long nowNanos) {
        this.nowNanos = nowNanos;
        for (Pending each : List.copyOf(pending)) {
            if (each.recall.isOver()) {
                end(each, false);
                continue;
            }
            long clientId = each.recall.clientId();
            // Somebody waits, and so a client whose lease is over has no courtesy left for this, whatever it answered.
            if (!clients.isLive(clientId)) {
                end(each, true);
            } else if (nowNanos - each.deadlineNanos >= 0 || clients.isLapsed(clientId, nowNanos)) {
                each.recall.revoke();
                end(each, false);
            } else if (each.progress == Progress.DUE) {
                send(each);
            }
        }
    }

    private void end(Pending each, boolean isClientGone) {
        pending.remove(each);
        each.recall.ended(isClientGone);
    }

    private void send(Pending each) {
        each.progress = Progress.SENT;
        Recall recall = each.recall;
        callbacks.send(recall.clientId(), recall.callback(), recall.grantedBy(), outcome -> {
            switch (outcome) {
                case CallbackOutcome.Answered(var result) -> answered(each, result.status());
                case CallbackOutcome.Unreachable _ -> each.progress = Progress.DUE;
            }
        });
    }

    private void answered(Pending each, NfsStatus status) {
        log.debug("recall answered op={} status={}", each.recall.callback().op(), status);
        each.recall.heard(status);
        each.progress = switch (status) {
            case OK, RETRY_UNCACHED_REP -> Progress.ACCEPTED;
            case DELAY -> Progress.DUE;
            default -> each.recall.isSettledBy(status) ? Progress.ACCEPTED : Progress.DUE;
        };
    }
}
