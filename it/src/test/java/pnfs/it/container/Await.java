package pnfs.it.container;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/// Waiting for what another process does.
final class Await {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Duration POLL = Duration.ofMillis(50);

    private Await() {}

    /// Asked until it is so.
    @FunctionalInterface
    interface Condition {
        boolean holds() throws IOException;
    }

    /// Returns when `condition` holds; a server that cannot be asked at the moment is asked again.
    static void until(String what, Condition condition) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String trouble = "it is not so";
        while (System.nanoTime() < deadline) {
            try {
                if (condition.holds()) {
                    return;
                }
            } catch (IOException e) {
                trouble = e.toString();
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
        throw new AssertionError("waited " + LIMIT.toSeconds() + " s until " + what + ": " + trouble);
    }
}
