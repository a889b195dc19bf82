package pnfs.client;

import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import pnfs.layout.extent.ByteRange;

/// Who may touch which blocks of one file just now. A write of half a block reads the other half first; two of
/// those in one block must not meet, while writes elsewhere go on. Safe for all threads.
final class RangeGate {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition left = lock.newCondition();
    private final List<ByteRange> inside = new ArrayList<>();

    /// Waits until nobody is inside who overlaps `blocks`, and enters; closing the pass leaves.
    Pass enter(ByteRange blocks) throws InterruptedIOException {
        lock.lock();
        try {
            while (inside.stream().anyMatch(blocks::overlaps)) {
                left.await();
            }
            inside.add(blocks);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while another write of the same block was under way");
        } finally {
            lock.unlock();
        }
        return () -> leave(blocks);
    }

    private void leave(ByteRange blocks) {
        lock.lock();
        try {
            inside.remove(blocks); // equal ranges overlap, so at most one of them is inside
            left.signalAll();
        } finally {
            lock.unlock();
        }
    }

    interface Pass extends AutoCloseable {
        @Override
        void close();
    }
}
