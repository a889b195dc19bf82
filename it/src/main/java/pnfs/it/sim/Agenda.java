package pnfs.it.sim;

import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// What is to happen, in the order of simulated time, and the log of what has: its hash tells whether two runs
/// were the same, event for event. One thread.
final class Agenda {
    /// Something that happens once, unless it is cancelled or its host is dead by then.
    static final class Event implements Comparable<Event> {
        private final long dueNanos;
        private final long number;
        private final @Nullable Host host;
        private @Nullable Runnable task;

        Event(long dueNanos, long number, @Nullable Host host, Runnable task) {
            this.dueNanos = dueNanos;
            this.number = number;
            this.host = host;
            this.task = task;
        }

        void cancel() {
            task = null;
        }

        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(dueNanos, other.dueNanos);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>(256);
    private long nowNanos;
    private long lastNumber;
    private long steps;
    private long hash;

    long nowNanos() {
        return nowNanos;
    }

    /// How many events have happened.
    long steps() {
        return steps;
    }

    /// Of all that has happened until now.
    long hash() {
        return hash;
    }

    /// Adds something to the log.
    void log(long what) {
        hash = (hash ^ what) * 0x9e37_79b9_7f4a_7c15L;
        hash ^= hash >>> 29;
    }

    /// Whatever the hosts do.
    Event after(long delayNanos, Runnable task) {
        return after(delayNanos, null, task);
    }

    /// If this host is alive then.
    Event after(long delayNanos, @Nullable Host host, Runnable task) {
        var event = new Event(nowNanos + delayNanos, ++lastNumber, host, task);
        events.add(event);
        return event;
    }

    /// Lets the next event happen; false when there is none.
    boolean step() {
        while (true) {
            Event next = events.poll();
            if (next == null) {
                return false;
            }
            Runnable task = next.task;
            if (task == null || (next.host != null && next.host.isDead())) {
                continue;
            }
            nowNanos = next.dueNanos;
            steps++;
            log(next.dueNanos);
            log(next.number);
            if (next.host == null) {
                task.run();
            } else {
                next.host.happens(task);
            }
            return true;
        }
    }
}
