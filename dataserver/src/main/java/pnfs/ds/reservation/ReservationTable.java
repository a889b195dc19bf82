package pnfs.ds.reservation;

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
        /// preempted nexuses can touch the medium any more.
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
    /// Replaced as a whole, under the lock.
    private volatile Reservations current;

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

    public Reservations current() {
        return current;
    }

    /// The conflict table: whether a command of this nexus may go on.
    public boolean permits(Nexus nexus, Access access) {
        return current.permits(nexus, access);
    }

    /// Runs one service action against the table and tells the answer, from any thread.
    public void change(Function<Reservations, Outcome> action, Consumer<Answer> answer) {
        Outcome outcome;
        List<Listener> told = List.of();
        lock.lock();
        try {
            Reservations before = current;
            outcome = action.apply(before);
            if (outcome instanceof Done done && !done.next().equals(before)) {
                current = done.next();
                told = List.copyOf(listeners);
                if (before.persistent() || done.next().persistent()) {
                    // Under the lock, so that records are kept in the order of the changes.
                    var whom = told;
                    keeper.keep(
                            ReservationRecord.write(done.next().afterPowerLoss()),
                            result -> tell(whom, done, answerOf(done, result), answer));
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
        if (outcome instanceof Done done) {
            tell(told, done, new Answer.Decided(done), answer);
        } else {
            answer.accept(new Answer.Decided(outcome));
        }
    }

    private static Answer answerOf(Done done, Keeper.Result result) {
        return switch (result) {
            case DURABLE -> new Answer.Decided(done);
            case FAILED -> new Answer.NotKept();
        };
    }

    /// One listener after the other, then the answer.
    private static void tell(List<Listener> listeners, Done done, Answer text, Consumer<Answer> answer) {
        if (listeners.isEmpty()) {
            answer.accept(text);
            return;
        }
        List<Listener> rest = listeners.subList(1, listeners.size());
        listeners.getFirst().changed(done, () -> tell(rest, done, text, answer));
    }
}
