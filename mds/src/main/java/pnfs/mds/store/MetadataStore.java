package pnfs.mds.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Everything the metadata server must not forget, as ordered keys and values. A change is appended and at once
/// visible to every reader here; a ticket says when it is durable.
///
/// # Invariants
/// - A batch is seen whole or not at all: by [#scan], after a crash, and by the engine.
/// - Batches become durable in the order of their tickets. What a crash leaves is a prefix of the appended
///   batches that contains every batch whose ticket was reported durable (I5).
/// - What one thread appends in one [#together] is written all at once: a crash leaves all of it or none, unless
///   it was parted.
/// - [#get] and [#scan] name the youngest ticket their answer depends on, absence included, so that no reply
///   shows what a crash could still take back (I3).
/// - Tickets count from 1 in each run of the server and mean nothing to the next.
///
/// # Concurrency
/// Any thread may call anything. Nothing here waits for the engine's commits: an append puts the batch into the
/// overlay, a sorted map of what is not yet durable, and into the engine's queue, under one short lock that
/// fixes the order of tickets. [#get] takes no lock: a key that is not in the overlay is in the engine or
/// nowhere, because an entry leaves the overlay only when it is durable, after the engine shows it. [#scan]
/// copies its part of the overlay and opens the engine's snapshot under the lock: together they are the state
/// at that moment. Two threads that change the same keys settle their order with a lock of their own, the
/// file's or the client's.
///
/// Nobody waits for a [#together] to end either: its batches, and what was appended after them, stay here until
/// then, and go to the engine as one batch each with what they cannot be parted from. So the work in it has to
/// be short, and is asked before it goes to the disk for a read whether it can be parted there.
///
/// Callbacks of [#whenDurable] and [#whenWritten] run on the engine's committer, one after the other, in ticket
/// order; they hand their work over to a loop and return.
///
/// # Failure
/// When the engine cannot commit, nothing after the last durable ticket will ever be durable. The failure goes
/// to the handler given at construction, once; waiting callbacks never run, so no reply leaves that could be
/// lost. What is appended afterwards, until the process has ended, gets a ticket like any other, so that nobody
/// is told of a defect: clients wait, and go on with the next run. The only cure is a restart.
///
/// # Not here
/// No limit is enforced on what is pending, because an append in the middle of an operation cannot be refused
/// without leaving half of it. [#isCongested] tells the executor, which answers DELAY before it starts an
/// operation.
public final class MetadataStore implements AutoCloseable {
    private static final Comparator<byte[]> UNSIGNED = Arrays::compareUnsigned;

    private final StoreEngine engine;
    private final long congestedBytes;
    private final Consumer<Throwable> onFailure;
    private final DamagedRecords damaged = new DamagedRecords();

    /// The latest appended, not yet durable state of each key. Changed under the lock, read without.
    private final ConcurrentSkipListMap<byte[], Stored> overlay = new ConcurrentSkipListMap<>(UNSIGNED);

    private final ReentrantLock lock = new ReentrantLock();
    /// Batches on their way, oldest first. Guarded by the lock, as are the waiters and the ticket counter.
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();

    /// Those of them that the engine does not have yet: the first, if any, is of a step that goes on, or cannot be
    /// parted from one that does.
    private final ArrayDeque<Pending> held = new ArrayDeque<>();
    /// The [#together] that the thread is in.
    private final ScopedValue<Course> current = ScopedValue.newInstance();

    private final PriorityQueue<Waiter> waiters = new PriorityQueue<>(Comparator.comparingLong(Waiter::ticket));
    private final PriorityQueue<Waiter> writtenWaiters = new PriorityQueue<>(Comparator.comparingLong(Waiter::ticket));
    private long lastTicket;
    private boolean failed;
    private final AtomicLong pendingBytes = new AtomicLong();
    private volatile long durableTicket;
    private volatile long writtenTicket;

    private record Pending(
            long ticket, Batch batch, @Nullable Step step) {}

    private record Waiter(long ticket, Runnable then) {}

    /// What belongs together. Guarded by the lock; its own thread, which alone appends to it, reads without.
    private static final class Step {
        @Nullable
        Pending youngest;

        boolean over;
    }

    /// One [#together], a step after the other. Confined to its thread.
    private static final class Course {
        final BooleanSupplier mayPart;
        Step step = new Step();
        long youngest;

        Course(BooleanSupplier mayPart) {
            this.mayPart = mayPart;
        }
    }

    /// Receives the entries of a [#scan].
    @FunctionalInterface
    public interface Visitor {
        /// Returns false to stop. Neither array is to be changed.
        boolean visit(byte[] key, byte[] value);
    }

    /// Takes over `engine`, which no one else has started or will close.
    ///
    /// @param congestedBytes bytes of pending batches from which on the store is congested
    /// @param onFailure hears of an engine that can no longer commit, once, on the engine's thread
    public MetadataStore(StoreEngine engine, long congestedBytes, Consumer<Throwable> onFailure) {
        this.engine = engine;
        this.congestedBytes = congestedBytes;
        this.onFailure = onFailure;
        engine.start(new StoreEngine.Listener() {
            @Override
            public void written(long ticket) {
                onWritten(ticket);
            }

            @Override
            public void durable(long ticket) {
                onDurable(ticket);
            }

            @Override
            public void failed(Throwable cause) {
                onFailed(cause);
            }
        });
    }

    /// What of it was found damaged while it was served from.
    public DamagedRecords damaged() {
        return damaged;
    }

    /// What is under `key` now, appended or durable.
    public Stored get(byte[] key) {
        Stored appended = overlay.get(key);
        if (appended != null) {
            return appended;
        }
        byte[] value = holdsBack() ? engine.get(key, this::part) : engine.get(key);
        return value == null ? Stored.NOTHING : new Stored(value, 0);
    }

    /// Visits the entries from `fromInclusive` to `toExclusive`, in the order of their keys, as of one moment.
    ///
    /// @return the youngest ticket among the changes in the part of the range that was walked, removals
    ///     included; 0 when all of it is durable
    public long scan(byte[] fromInclusive, byte[] toExclusive, Visitor visitor) {
        List<Map.Entry<byte[], Stored>> appended;
        StoreEngine.Cursor committed;
        lock.lock();
        try {
            appended = List.copyOf(overlay.subMap(fromInclusive, toExclusive).entrySet());
            committed = holdsBack()
                    ? engine.open(fromInclusive, toExclusive, this::part)
                    : engine.open(fromInclusive, toExclusive);
        } finally {
            lock.unlock();
        }
        try (committed) {
            return merge(appended, committed, visitor);
        }
    }

    private static long merge(List<Map.Entry<byte[], Stored>> appended, StoreEngine.Cursor committed, Visitor visitor) {
        long youngest = 0;
        boolean more = committed.next();
        int i = 0;
        while (more || i < appended.size()) {
            int order = !more
                    ? -1
                    : i == appended.size()
                            ? 1
                            : Arrays.compareUnsigned(appended.get(i).getKey(), committed.key());
            if (order > 0) {
                if (!visitor.visit(committed.key(), committed.value())) {
                    return youngest;
                }
                more = committed.next();
                continue;
            }
            if (order == 0) {
                more = committed.next(); // the appended state hides it
            }
            Map.Entry<byte[], Stored> entry = appended.get(i++);
            youngest = Math.max(youngest, entry.getValue().ticket());
            byte[] value = entry.getValue().value();
            if (value != null && !visitor.visit(entry.getKey(), value)) {
                return youngest;
            }
        }
        return youngest;
    }

    /// Makes `batch` visible and sends it on its way to durability; returns its ticket without waiting. An
    /// empty batch has nothing to wait for: its ticket is 0.
    public long append(Batch batch) {
        if (batch.isEmpty()) {
            return 0;
        }
        Step step = step();
        lock.lock();
        try {
            batch.seal();
            var appended = new Pending(++lastTicket, batch, step);
            show(batch, appended.ticket());
            if (step != null) {
                step.youngest = appended;
                current.get().youngest = appended.ticket();
            }
            if (failed) {
                return appended.ticket();
            }
            pending.add(appended);
            held.add(appended);
            pendingBytes.addAndGet(batch.bytes());
            if (step == null) {
                handOver();
            }
            return appended.ticket();
        } finally {
            lock.unlock();
        }
    }

    /// Does `work`; what this thread appends meanwhile is written all at once. To be short, since nothing that
    /// anybody appends later is written before it ends. One in another is a step of its own.
    ///
    /// @param mayPart asked before the thread goes to the disk for a read, with something appended: whether
    ///     that is whole by itself, so that it need not wait for what comes. It may amend it
    /// @return the ticket of what it appended last; 0 where it appended nothing
    public long together(Runnable work, BooleanSupplier mayPart) {
        var course = new Course(mayPart);
        try {
            ScopedValue.where(current, course).run(work);
        } finally {
            end(course.step);
        }
        return course.youngest;
    }

    /// In [#together]: the ticket of what was appended last; 0 where nothing was.
    public long youngest() {
        return current.get().youngest;
    }

    private boolean holdsBack() {
        Step step = step();
        return step != null && step.youngest != null;
    }

    private void part() {
        Course course = current.get();
        if (holdsBack() && course.mayPart.getAsBoolean()) {
            Step whole = course.step;
            course.step = new Step();
            end(whole);
        }
    }

    /// In [#together]: appends `more`, whose keys nobody else reads or writes, so that it does not matter when
    /// they are written. Where it can, it makes `more` part of what was appended there last, and nothing behind
    /// that has to wait for it.
    ///
    /// @param after the youngest ticket that `more` depends on
    /// @return the ticket of `more`
    public long amend(Batch more, long after) {
        Step step = step();
        lock.lock();
        try {
            Pending youngest = step == null ? null : step.youngest;
            if (youngest == null || youngest.ticket() < after) {
                return append(more);
            }
            youngest.batch().addAll(more);
            show(more, youngest.ticket());
            pendingBytes.addAndGet(more.bytes());
            return youngest.ticket();
        } finally {
            lock.unlock();
        }
    }

    /// The one that the thread is in; a callback of [#whenDurable] may run at the end of one that is over.
    private @Nullable Step step() {
        Step step = current.isBound() ? current.get().step : null;
        return step == null || step.over ? null : step;
    }

    private void show(Batch batch, long ticket) {
        for (Batch.Change change : batch.changes()) {
            overlay.put(change.key(), new Stored(change.value(), ticket));
        }
    }

    private void end(Step step) {
        lock.lock();
        try {
            step.over = true;
            if (step.youngest != null) {
                handOver();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Gives the engine what is whole, in the order of tickets. Under the lock.
    private void handOver() {
        for (int whole = firstWhole(); whole > 0; whole = firstWhole()) {
            Pending next = held.remove();
            Batch batch = next.batch();
            if (whole > 1) {
                batch = new Batch();
                batch.addAll(next.batch());
                for (int i = 1; i < whole; i++) {
                    next = held.remove();
                    batch.addAll(next.batch());
                }
            }
            engine.commit(next.ticket(), batch);
        }
    }

    /// How many of those that are held, from the first on, have nothing behind them that belongs to them; 0 where
    /// that is still open.
    private int firstWhole() {
        long end = 0;
        int count = 0;
        for (Pending next : held) {
            Step step = next.step();
            if (step != null && !step.over) {
                return 0;
            }
            Pending youngest = step == null ? null : step.youngest;
            end = Math.max(end, youngest == null ? next.ticket() : youngest.ticket());
            count++;
            if (end == next.ticket()) {
                return count;
            }
        }
        return 0;
    }

    /// The ticket of the last append; 0 before the first.
    public long lastTicket() {
        lock.lock();
        try {
            return lastTicket;
        } finally {
            lock.unlock();
        }
    }

    /// Every ticket up to this one is durable.
    public long durableTicket() {
        return durableTicket;
    }

    /// Runs `then` once `ticket` is durable: at once in the caller if it is already, on the committer otherwise.
    public void whenDurable(long ticket, Runnable then) {
        if (ticket > durableTicket && waits(waiters, ticket, then, () -> durableTicket)) {
            return;
        }
        then.run();
    }

    /// The same once `ticket` survives the end of this process, if not that of the machine.
    public void whenWritten(long ticket, Runnable then) {
        if (ticket > writtenTicket && waits(writtenWaiters, ticket, then, () -> writtenTicket)) {
            return;
        }
        then.run();
    }

    private boolean waits(PriorityQueue<Waiter> among, long ticket, Runnable then, LongSupplier reached) {
        lock.lock();
        try {
            if (ticket > lastTicket) {
                throw new IllegalArgumentException("ticket " + ticket + " was never given; last is " + lastTicket);
            }
            if (ticket <= reached.getAsLong()) {
                return false;
            }
            if (!failed) {
                among.add(new Waiter(ticket, then));
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Whether more is pending than should be: time to refuse new work.
    public boolean isCongested() {
        return pendingBytes.get() > congestedBytes;
    }

    /// Waits until everything appended is durable, and closes the engine.
    @Override
    public void close() {
        engine.close();
    }

    private void onDurable(long ticket) {
        var ready = new ArrayList<Runnable>();
        lock.lock();
        try {
            while (!pending.isEmpty() && pending.getFirst().ticket() <= ticket) {
                Pending done = pending.removeFirst();
                for (Batch.Change change : done.batch().changes()) {
                    // A later batch may have changed the key again; then its entry stays.
                    overlay.remove(change.key(), new Stored(change.value(), done.ticket()));
                }
                pendingBytes.addAndGet(-done.batch().bytes());
            }
            durableTicket = ticket;
            take(waiters, ticket, ready);
        } finally {
            lock.unlock();
        }
        ready.forEach(Runnable::run);
    }

    private void onWritten(long ticket) {
        var ready = new ArrayList<Runnable>();
        lock.lock();
        try {
            writtenTicket = ticket;
            take(writtenWaiters, ticket, ready);
        } finally {
            lock.unlock();
        }
        ready.forEach(Runnable::run);
    }

    private static void take(PriorityQueue<Waiter> among, long ticket, List<Runnable> ready) {
        for (Waiter next = among.peek(); next != null && next.ticket() <= ticket; next = among.peek()) {
            among.remove();
            ready.add(next.then());
        }
    }

    private void onFailed(Throwable cause) {
        lock.lock();
        try {
            failed = true;
            waiters.clear();
            writtenWaiters.clear();
        } finally {
            lock.unlock();
        }
        onFailure.accept(cause);
    }
}
