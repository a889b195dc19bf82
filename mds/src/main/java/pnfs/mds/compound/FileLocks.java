package pnfs.mds.compound;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/// The files' locks: who holds an inode's may change its records, its open state and its layouts. Striped by
/// inode number, so two files may share one. An operation takes all it needs in one call, which orders them; a
/// second call while one is held is a defect that [LockRank] reports in tests. Never held over I/O.
public final class FileLocks {
    private static final int STRIPES = 1024;
    private static final int SHIFT = Long.SIZE - Integer.numberOfTrailingZeros(STRIPES);
    private static final long GOLDEN = 0x9e3779b97f4a7c15L; // 2^64 / φ: neighbours spread over all stripes

    private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];

    /// With nobody's locks taken.
    public FileLocks() {
        Arrays.setAll(stripes, _ -> new ReentrantLock());
    }

    /// Locks that are given back together.
    public final class Held implements AutoCloseable {
        private final int[] ordered;

        private Held(int... ordered) {
            this.ordered = ordered;
        }

        @Override
        public void close() {
            for (int i = ordered.length - 1; i >= 0; i--) {
                stripes[ordered[i]].unlock();
            }
            assert LockRank.FILE.leave();
        }
    }

    /// Takes the locks of `inodes`; a number may occur twice.
    public Held lock(long... inodes) {
        assert LockRank.FILE.enter();
        int[] ordered = new int[inodes.length];
        for (int i = 0; i < inodes.length; i++) {
            ordered[i] = (int) ((inodes[i] * GOLDEN) >>> SHIFT);
        }
        if (ordered.length > 1) {
            ordered = Arrays.stream(ordered).sorted().distinct().toArray();
        }
        for (int stripe : ordered) {
            stripes[stripe].lock();
        }
        return new Held(ordered);
    }
}
