package pnfs.mds.compound;

import java.util.EnumSet;

/// The order in which one thread may take locks, so that no two can wait for each other: a client's, then those
/// of its files (all at once, through [FileLocks]), then that of the space they are made of, which lives in the
/// layout module and is a leaf. Checked where assertions are on, as they are in tests: `assert FILE.enter()`
/// before taking one, `assert FILE.leave()` after giving it back.
public enum LockRank {
    CLIENT,
    FILE;

    private static final ThreadLocal<EnumSet<LockRank>> HELD =
            ThreadLocal.withInitial(() -> EnumSet.noneOf(LockRank.class));

    /// Always true; throws when this thread holds a lock of this rank or a later one.
    public boolean enter() {
        for (LockRank rank : HELD.get()) {
            if (rank.compareTo(this) >= 0) {
                throw new IllegalStateException(
                        "lock of rank " + this + " wanted while one of rank " + rank + " is held");
            }
        }
        return HELD.get().add(this);
    }

    /// Always true.
    public boolean leave() {
        return HELD.get().remove(this);
    }
}
