package pnfs.ds.region;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Durability through `msync`, which is slow, so that it is shared: one thread forces, and whoever asks while
/// it does is served together by the next force (group commit). No I/O loop ever blocks here.
///
/// A group is forced as the hull of its ranges: the kernel writes back only what is dirty inside, and one call
/// means one flush of the disk.
///
/// After one failure every later request fails too: Linux reports a write-back error once and then counts the
/// pages as clean, so a second force would lie.
///
/// The queue is bounded by what may wait in it: each connection's commands, and those are limited.
final class Flusher implements Persistence {
    private static final Logger log = LoggerFactory.getLogger(Flusher.class);

    private final String name;
    private final Force force;
    private final Timer duration;
    private final DistributionSummary waitersPerForce;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition asked = lock.newCondition();
    // Guarded by the lock, down to `closing`.
    private List<Waiter> waiters = new ArrayList<>();
    private long from = Long.MAX_VALUE;
    private long end;
    private boolean closing;

    // Written by whoever runs flushOnce: the thread, or a test.
    private List<Waiter> served = new ArrayList<>();
    private volatile boolean failed;

    /// Does not start its thread: see [#start].
    Flusher(String name, Force force, MeterRegistry meters) {
        this.name = name;
        this.force = force;
        this.duration = Timer.builder("pnfs.ds.region.flush")
                .description("one forced write-back")
                .register(meters);
        this.waitersPerForce = DistributionSummary.builder("pnfs.ds.region.flush.waiters")
                .description("writes made durable by one forced write-back")
                .baseUnit("writes")
                .register(meters);
        this.thread = new Thread(this::run, "flusher-" + name);
    }

    Flusher start() {
        thread.start();
        return this;
    }

    @Override
    public void persist(long offset, long length, Waiter waiter) {
        if (!enqueued(offset, length, waiter)) {
            waiter.persisted(false);
        }
    }

    private boolean enqueued(long offset, long length, Waiter waiter) {
        lock.lock();
        try {
            if (closing) {
                return false;
            }
            waiters.add(waiter);
            from = Math.min(from, offset);
            end = Math.max(end, offset + length);
            asked.signal();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        while (awaitWork()) {
            flushOnce();
        }
    }

    /// Returns false once the flusher is closing and nobody waits any more.
    private boolean awaitWork() {
        lock.lock();
        try {
            while (waiters.isEmpty() && !closing) {
                asked.awaitUninterruptibly();
            }
            return !waiters.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /// Forces what is asked for at this moment, then tells those who asked before it, and nobody else.
    void flushOnce() {
        long groupFrom;
        long groupEnd;
        lock.lock();
        try {
            var empty = served;
            served = waiters;
            waiters = empty;
            groupFrom = from;
            groupEnd = end;
            from = Long.MAX_VALUE;
            end = 0;
        } finally {
            lock.unlock();
        }
        if (!served.isEmpty()) {
            boolean durable = forced(groupFrom, groupEnd - groupFrom);
            for (int i = 0; i < served.size(); i++) {
                tell(served.get(i), durable);
            }
            served.clear();
        }
    }

    private boolean forced(long offset, long length) {
        if (failed) {
            return false;
        }
        long startNanos = System.nanoTime();
        try {
            force.force(offset, length);
        } catch (UncheckedIOException | InternalError damage) {
            failed = true;
            log.error(
                    "region failed name={} offset={} length={}: no write is acknowledged from here on; check the disk"
                            + " under it, then restart",
                    name,
                    offset,
                    length,
                    damage);
            return false;
        }
        duration.record(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS);
        waitersPerForce.record(served.size());
        return true;
    }

    /// A waiter that throws is a bug of ours, but not a reason to leave the others without an answer.
    private void tell(Waiter waiter, boolean durable) {
        try {
            waiter.persisted(durable);
        } catch (RuntimeException bug) {
            log.error("waiter failed name={}", name, bug);
        }
    }

    @Override
    public Durability durability() {
        return Durability.MSYNC;
    }

    @Override
    public boolean hasFailed() {
        return failed;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            asked.signal();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
