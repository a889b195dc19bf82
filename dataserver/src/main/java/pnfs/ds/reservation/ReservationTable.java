package pnfs.ds.reservation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import pnfs.ds.reservation.Outcome.Done;

/// The registrations of one volume, for all protocols that reach it. Data-path readers ask [#permits], which
/// takes no lock; changes run one after the other.
///
/// A change goes in this order: the new table is in force (no command of a preempted nexus is admitted from
/// here on), it is durable if it is to survive a power loss, listeners hear of it (they end what the preempted
/// still have under way and queue unit attentions), the caller hears of it and answers. So a fence that was
/// answered holds, also after a restart.
///
/// Answers are given in the order of their questions, those that change nothing and [#read] included: who
/// repeats a fence, or looks whether it is there, must not hear of it before it holds.
public final class ReservationTable {
    /// Keeps the bytes of [ReservationRecord], the last ones it was given. Tells the waiter when they are
    /// durable, from a thread of its own or at once.
    public interface Keeper {
        void keep(byte[] record, Consumer<Result> waiter);

        enum Result {
            DURABLE,
            FAILED
        }
    }

    /// A protocol's end: learns what its nexuses lose.
    public interface Listener {
        /// Called before the initiator of the change gets its answer. `finished` must run once no command of the
        /// nexuses that it [Done#ends] can touch the medium any more.
        void changed(Done change, Runnable finished);
    }

    /// What the caller of a change is told.
    public sealed interface Answer {
        /// The table's own answer; a [Done] is in force and, where it is to be, durable.
        record Decided(Outcome outcome) implements Answer {}

        /// The change is in force but could not be made durable; the medium is failing.
        record NotKept() implements Answer {}
    }

    private final Keeper keeper;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Listener> listeners = new ArrayList<>();
    /// Guarded by the lock: those who asked and have not been answered, in order.
    private final ArrayDeque<Asked> unanswered = new ArrayDeque<>();
    /// Replaced as a whole, under the lock.
    private volatile Reservations current;
    /// Something that is in force could not be kept: asked for again it changes nothing, and is not durable for
    /// that.
    private volatile boolean failed;

    /// @param restored what the last run left: [ReservationRecord#read] of what its keeper kept
    public ReservationTable(Reservations restored, Keeper keeper) {
        this.current = restored.afterPowerLoss();
        this.keeper = keeper;
    }

    public void listen(Listener listener) {
        lock.lock();
        try {
            listeners.add(listener);
        } finally {
            lock.unlock();
        }
    }

    /// What is in force, be it durable or not.
    public Reservations current() {
        return current;
    }

    /// The conflict table: whether a command of this nexus may go on.
    public boolean permits(Nexus nexus, Access access) {
        return current.permits(nexus, access);
    }

    /// Tells what is in force now, once all of it is durable and everybody has heard of it. From any thread.
    public void read(Consumer<Reservations> reader) {
        Asked asked;
        lock.lock();
        try {
            Reservations now = current;
            asked = new Asked(() -> reader.accept(now));
            asked.ready = true;
            unanswered.addLast(asked);
        } finally {
            lock.unlock();
        }
        answerReady();
    }

    /// Runs one service action against the table and tells the answer, from any thread.
    public void change(Function<Reservations, Outcome> action, Consumer<Answer> answer) {
        Outcome outcome;
        Asked asked;
        List<Listener> told = List.of();
        lock.lock();
        try {
            Reservations before = current;
            outcome = action.apply(before);
            asked = new Asked(() -> answer.accept(
                    failed && outcome instanceof Done ? new Answer.NotKept() : new Answer.Decided(outcome)));
            unanswered.addLast(asked);
            boolean changes = outcome instanceof Done done && !done.next().equals(before);
            if (outcome instanceof Done done && (changes || done.endsTasks())) {
                told = List.copyOf(listeners);
            }
            if (changes && outcome instanceof Done done) {
                current = done.next();
                if (before.persistent() || done.next().persistent()) {
                    // Under the lock, so that records are kept in the order of the changes.
                    var whom = told;
                    keeper.keep(ReservationRecord.write(done.next().afterPowerLoss()), result -> {
                        failed |= result == Keeper.Result.FAILED;
                        tell(whom, done, asked);
                    });
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
        if (outcome instanceof Done done) {
            tell(told, done, asked);
        } else {
            settled(asked);
        }
    }

    /// One listener after the other, then the answer.
    private void tell(List<Listener> whom, Done done, Asked asked) {
        if (whom.isEmpty()) {
            settled(asked);
            return;
        }
        List<Listener> rest = whom.subList(1, whom.size());
        whom.getFirst().changed(done, () -> tell(rest, done, asked));
    }

    private void settled(Asked asked) {
        lock.lock();
        try {
            asked.ready = true;
        } finally {
            lock.unlock();
        }
        answerReady();
    }

    /// Answers those at the head of the line for whom everything is done.
    private void answerReady() {
        while (true) {
            Asked next;
            lock.lock();
            try {
                next = unanswered.peekFirst();
                if (next == null || !next.ready) {
                    return;
                }
                unanswered.removeFirst();
            } finally {
                lock.unlock();
            }
            next.answer.run();
        }
    }

    /// Somebody who waits for an answer.
    private static final class Asked {
        private final Runnable answer;
        /// Guarded by the table's lock.
        private boolean ready;

        Asked(Runnable answer) {
            this.answer = answer;
        }
    }
}
