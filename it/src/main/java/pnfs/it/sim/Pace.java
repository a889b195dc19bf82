package pnfs.it.sim;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/// How long a disk takes to make something durable. One thread.
final class Pace {
    private static final long USUAL_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int SLOWER = 2_000;

    private final RandomGenerator random;
    private boolean slow;

    Pace(RandomGenerator random) {
        this.random = random;
    }

    void slow(boolean now) {
        slow = now;
    }

    long nanos() {
        return 1_000 + random.nextLong(slow ? USUAL_NANOS * SLOWER : USUAL_NANOS);
    }
}
