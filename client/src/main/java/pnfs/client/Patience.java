package pnfs.client;

import java.io.InterruptedIOException;
import java.time.Duration;

/// The time one call may spend asking again: pauses that double from 10 ms to one second, until the limit is
/// reached. Confined to one thread.
final class Patience {
    private static final Duration FIRST = Duration.ofMillis(10);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private final long endNanos;
    private Duration next = FIRST;

    Patience(Duration limit) {
        endNanos = System.nanoTime() + limit.toNanos();
    }

    /// Pauses and says true, or says false at once when the limit is reached.
    boolean pause() throws InterruptedIOException {
        if (System.nanoTime() - endNanos >= 0) {
            return false;
        }
        try {
            Thread.sleep(next);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to ask again");
        }
        Duration doubled = next.multipliedBy(2);
        next = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
        return true;
    }
}
