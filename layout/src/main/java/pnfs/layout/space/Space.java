package pnfs.layout.space;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;

/// The storage of all volumes, and the space lock, which comes after every file's lock in rank.
///
/// Who changes an allocator keeps the lock until the drained changes are appended to the store: the free ranges
/// that two files' changes leave behind depend on their order, so they must be stored in the order in which they
/// were made. That is never long, because neither deciding nor appending waits.
public final class Space {
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<DeviceId, Allocator> allocators = new HashMap<>();

    /// Takes the space lock until the result is closed. Taken again by the same thread it stays taken until the
    /// first is closed.
    public Held lock() {
        lock.lock();
        return lock::unlock;
    }

    /// Whether this thread has the space lock, after which it may take no other.
    public boolean isLockedByMe() {
        return lock.isHeldByCurrentThread();
    }

    /// The space lock, held.
    @FunctionalInterface
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /// A volume that is new: all of it is free but `withheld`, whole blocks in ascending order, which are never
    /// given out.
    public void format(Volume volume, List<ByteRange> withheld) {
        requireLocked();
        Allocator allocator = add(volume);
        long at = 0;
        for (ByteRange kept : withheld) {
            if (at < kept.offset()) {
                allocator.format(new ByteRange(at, kept.offset()));
            }
            at = kept.end();
        }
        long end = ByteRange.alignDown(volume.capacity());
        if (at < end) {
            allocator.format(new ByteRange(at, end));
        }
    }

    /// A volume whose free ranges were stored, in ascending order.
    ///
    /// @throws IllegalArgumentException where they are not whole blocks inside the volume
    /// @throws IllegalStateException where they overlap
    public void restore(Volume volume, Iterable<ByteRange> free) {
        requireLocked();
        add(volume).restore(free);
    }

    /// A volume is gone: no file has storage there, and nothing of it is given out or given back any more.
    public void forget(DeviceId volume) {
        requireLocked();
        allocators.remove(volume);
    }

    public boolean knows(DeviceId volume) {
        requireLocked();
        return allocators.containsKey(volume);
    }

    public Allocator allocator(DeviceId volume) {
        requireLocked();
        Allocator found = allocators.get(volume);
        if (found == null) {
            throw new IllegalStateException("volume " + volume + " has no allocator");
        }
        return found;
    }

    /// Gives up the storage of these extents, which the file has lost in the same change. It can be had again
    /// when both things have happened that [Freed] waits for.
    public Freed release(List<Extent> extents) {
        requireLocked();
        var ranges = new HashMap<DeviceId, List<ByteRange>>();
        for (Extent extent : extents) {
            if (extent.state() == ExtentState.NONE_DATA) {
                throw new IllegalArgumentException("a hole has no storage to release: " + extent);
            }
            ranges.computeIfAbsent(extent.device(), _ -> new ArrayList<>()).add(extent.storage());
        }
        ranges.forEach((volume, released) -> allocator(volume).release(released));
        return new Freed(this, ranges);
    }

    /// What changed since the last call, on all volumes: to be appended to the store before the lock is given
    /// back.
    public List<SpaceChange> drainChanges() {
        requireLocked();
        var changes = new ArrayList<SpaceChange>();
        allocators.values().forEach(allocator -> allocator.drainChangesInto(changes));
        return changes;
    }

    /// Bytes of all volumes together.
    public Totals totals() {
        try (var _ = lock()) {
            long capacity = 0;
            long free = 0;
            long allocatable = 0;
            for (Allocator allocator : allocators.values()) {
                capacity += allocator.capacity();
                free += allocator.freeBytes();
                allocatable += allocator.allocatableBytes();
            }
            return new Totals(capacity, free, allocatable);
        }
    }

    /// Sums over all volumes.
    ///
    /// @param freeBytes that belong to no file
    /// @param allocatableBytes of these, what can be given out now
    public record Totals(long capacityBytes, long freeBytes, long allocatableBytes) {}

    void requireLocked() {
        if (!lock.isHeldByCurrentThread()) {
            throw new IllegalStateException("the space lock is not held");
        }
    }

    private Allocator add(Volume volume) {
        var allocator = new Allocator(this, volume.id(), volume.capacity());
        @Nullable Allocator before = allocators.putIfAbsent(volume.id(), allocator);
        if (before != null) {
            throw new IllegalStateException("volume " + volume.id() + " has an allocator already");
        }
        return allocator;
    }
}
