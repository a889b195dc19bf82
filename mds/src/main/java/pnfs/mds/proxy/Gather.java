package pnfs.mds.proxy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Waits for several transfers as one: the last to end tells the first failure, or that there was none.
final class Gather implements BlockIo.Done {
    private final AtomicInteger left;
    private final AtomicReference<BlockIo.@Nullable IoFailure> first = new AtomicReference<>();
    private final BlockIo.Done whole;

    /// @param parts how many times [#done] will be called, one at least
    Gather(int parts, BlockIo.Done whole) {
        this.left = new AtomicInteger(parts);
        this.whole = whole;
    }

    @Override
    public void done(BlockIo.@Nullable IoFailure failure) {
        if (failure != null) {
            first.accumulateAndGet(failure, (before, more) -> before == null ? more : before.and(more));
        }
        if (left.decrementAndGet() == 0) {
            whole.done(first.get());
        }
    }
}
