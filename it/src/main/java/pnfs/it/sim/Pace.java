package pnfs.it.sim;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/// How long a disk takes to make something durable. One thread.
final class Pace {
    private static final long FASTEST_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
    private static final int KINDS = 10; // the slowest has the fastest one's time 500 times
    private static final int SLOWER = 500;

    private final RandomGenerator random;
    private final long usualNanos;
    private boolean slow;

    /// @param random also decides how fast the disk is
    Pace(RandomGenerator random) {
        this.random = random;
        this.usualNanos = FASTEST_NANOS << random.nextInt(KINDS);
    }

    void slow(boolean now) {
        slow = now;
    }

    long nanos() {
        return 1_000 + random.nextLong(slow ? usualNanos * SLOWER : usualNanos);
    }
}
