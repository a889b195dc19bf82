package pnfs.layout.space;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;

/// Gives out the storage of one volume: reserve, then acquire, then forfeit what is left; and takes it back.
///
/// It knows two sets. The *ledger* is what belongs to no file: the stored form. The *allocatable* set is the
/// ledger without what is reserved and without what was freed but must not be given out yet ([Freed]); it is
/// never stored, because a crash ends every reservation and every hold.
///
/// It looks for long runs: first where the file's last extent ends, then the best fit, so that files stay in
/// few extents and long free ranges stay long. Every step is O(log n) in the number of free ranges.
///
/// Guarded by the space lock ([Space#lock]); each call that changes something insists on it. All ranges are
/// whole blocks.
public final class Allocator {
    /// Stands for no goal in [#reserve].
    public static final long NO_GOAL = -1;

    /// A reservation ends short of what was asked rather than consist of more pieces.
    static final int MAX_PIECES = 128;

    private final Space space;
    private final DeviceId volume;
    private final long capacity;
    private final TreeSet<Long> touched = new TreeSet<>();
    private final FreeSpace ledger = new FreeSpace(new FreeSpace.Watcher() {
        @Override
        public void came(ByteRange range) {
            touched.add(range.offset());
        }

        @Override
        public void went(ByteRange range) {
            touched.add(range.offset());
        }
    });
    private final ByLength byLength = new ByLength();
    private final FreeSpace allocatable = new FreeSpace(byLength);

    Allocator(Space space, DeviceId volume, long capacity) {
        this.space = space;
        this.volume = volume;
        this.capacity = capacity;
    }

    public DeviceId volume() {
        return volume;
    }

    public long capacity() {
        return capacity;
    }

    /// Bytes that belong to no file, whether they can be given out now or not.
    public long freeBytes() {
        return ledger.bytes();
    }

    /// Bytes that can be reserved now.
    public long allocatableBytes() {
        return allocatable.bytes();
    }

    /// The free ranges as the stored form has them, once all changes are stored.
    public List<ByteRange> freeRanges() {
        return ledger.ranges();
    }

    /// Sets `length` bytes aside, or less where there is not that much: in one run from `goal` on if that is
    /// free, else in as few runs as there are.
    public Reservation reserve(long length, long goal) {
        space.requireLocked();
        requireBlocks(ByteRange.ofLength(0, length));
        var pieces = new ArrayList<ByteRange>();
        long missing = length;
        ByteRange next = runFrom(goal);
        while (missing > 0 && pieces.size() < MAX_PIECES) {
            if (next == null) {
                next = byLength.bestFit(missing);
            }
            if (next == null) {
                break;
            }
            var piece = ByteRange.ofLength(next.offset(), Math.min(missing, next.length()));
            allocatable.remove(piece);
            pieces.add(piece);
            missing -= piece.length();
            next = null;
        }
        return new Reservation(volume, pieces);
    }

    /// Makes the next run of the reservation, up to `length` bytes of it, a file's own.
    public ByteRange acquire(Reservation reservation, long length) {
        space.requireLocked();
        requireBlocks(ByteRange.ofLength(0, length));
        ByteRange acquired = reservation.take(length);
        ledger.remove(acquired);
        return acquired;
    }

    /// Gives back what is left of the reservation.
    public void forfeit(Reservation reservation) {
        space.requireLocked();
        while (!reservation.isEmpty()) {
            allocatable.add(reservation.take(Long.MAX_VALUE));
        }
    }

    /// What changed in the ledger since the last call.
    void drainChangesInto(List<SpaceChange> changes) {
        for (long offset : touched) {
            ByteRange free = ledger.startingAt(offset);
            changes.add(free == null ? new SpaceChange.Delete(volume, offset) : new SpaceChange.Put(volume, free));
        }
        touched.clear();
    }

    /// Takes back storage of a file; it stays out of reach until [#readmit].
    void release(List<ByteRange> ranges) {
        ranges.forEach(range -> {
            requireInside(range);
            ledger.add(range);
        });
    }

    void readmit(List<ByteRange> ranges) {
        ranges.forEach(allocatable::add);
    }

    /// What the stored form says is free, in ascending order; nothing is yet. A start waits for this, with a
    /// million ranges perhaps, so it is no sum of single steps.
    void restore(Iterable<ByteRange> free) {
        free.forEach(range -> {
            requireInside(range);
            ledger.restore(range);
        });
        allocatable.copy(ledger);
    }

    /// Makes a range free for the first time.
    void format(ByteRange free) {
        requireInside(free);
        ledger.add(free);
        allocatable.add(free);
    }

    private @Nullable ByteRange runFrom(long goal) {
        ByteRange free = goal < 0 ? null : allocatable.holding(goal);
        return free == null ? null : new ByteRange(goal, free.end());
    }

    private void requireInside(ByteRange range) {
        requireBlocks(range);
        if (range.end() > capacity) {
            throw new IllegalArgumentException("range " + range + " outside volume " + volume + " of " + capacity);
        }
    }

    private static void requireBlocks(ByteRange range) {
        if (!range.isAligned() || range.isEmpty()) {
            throw new IllegalArgumentException("range " + range + " is not whole blocks");
        }
    }
}
