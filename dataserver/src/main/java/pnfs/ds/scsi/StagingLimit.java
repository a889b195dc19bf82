package pnfs.ds.scsi;

import java.util.concurrent.atomic.AtomicLong;

/// How much memory the data of commands may take that cannot go straight into a volume, over all sessions. Safe
/// for use by many threads.
final class StagingLimit {
    private final long bytes;
    private final AtomicLong taken = new AtomicLong();

    StagingLimit(long bytes) {
        this.bytes = bytes;
    }

    /// False when there is not so much left.
    boolean take(int length) {
        if (taken.addAndGet(length) <= bytes) {
            return true;
        }
        taken.addAndGet(-length);
        return false;
    }

    void give(int length) {
        taken.addAndGet(-length);
    }

    /// How much is taken at the moment.
    long taken() {
        return taken.get();
    }
}
