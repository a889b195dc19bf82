package pnfs.mds.proxy;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Operations that wait for another one of ours on the same file to end. Each file's part is guarded by that
/// file's lock.
final class Turnstile {
    private final Map<Long, ArrayDeque<Runnable>> waiting = new HashMap<>();

    /// Under the file's lock: `again` runs when the next operation of ours on that file has ended.
    void await(long inode, Runnable again) {
        synchronized (waiting) {
            waiting.computeIfAbsent(inode, _ -> new ArrayDeque<>()).add(again);
        }
    }

    /// Without the lock, after an operation has ended under it: lets all who wait try again.
    void pass(long inode) {
        ArrayDeque<Runnable> ready = take(inode);
        if (ready != null) {
            ready.forEach(Runnable::run);
        }
    }

    private @Nullable ArrayDeque<Runnable> take(long inode) {
        synchronized (waiting) {
            return waiting.remove(inode);
        }
    }
}
