package pnfs.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Work that several threads need done and one does: the others wait for its end without holding anything. Safe
/// for all threads.
final class SharedWork {
    private final AtomicReference<@Nullable CompletableFuture<Void>> underWay = new AtomicReference<>();

    interface Work {
        void run() throws IOException;
    }

    /// Does `work`, or waits until the thread that is at it has ended, well or not. Only who did it hears of
    /// its failure; the others look again at what they needed it for.
    void run(Work work) throws IOException {
        var mine = new CompletableFuture<Void>();
        CompletableFuture<Void> theirs = underWay.compareAndExchange(null, mine);
        if (theirs != null) {
            await(theirs);
            return;
        }
        try {
            work.run();
        } finally {
            underWay.set(null);
            mine.complete(null);
        }
    }

    private static void await(CompletableFuture<Void> theirs) throws InterruptedIOException {
        try {
            theirs.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while another thread did what was needed");
        } catch (ExecutionException e) {
            throw new IllegalStateException("never completed exceptionally", e);
        }
    }
}
