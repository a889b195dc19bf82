package pnfs.layout.space;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;

/// Storage set aside on one volume: nobody else gets it, nothing of it is durable, a crash forgets it. What
/// becomes part of a file is acquired ([Allocator#acquire]); the rest must be forfeited. Guarded by the space
/// lock.
public final class Reservation {
    private final DeviceId volume;
    private final Deque<ByteRange> left;

    Reservation(DeviceId volume, List<ByteRange> ranges) {
        this.volume = volume;
        this.left = new ArrayDeque<>(ranges);
    }

    public DeviceId volume() {
        return volume;
    }

    /// What is still set aside, in the order in which it is acquired.
    public List<ByteRange> ranges() {
        return List.copyOf(left);
    }

    public boolean isEmpty() {
        return left.isEmpty();
    }

    public long bytes() {
        return left.stream().mapToLong(ByteRange::length).sum();
    }

    /// Takes up to `length` bytes off the first range.
    ByteRange take(long length) {
        ByteRange first = left.removeFirst();
        if (first.length() <= length) {
            return first;
        }
        long cut = first.offset() + length;
        left.addFirst(new ByteRange(cut, first.end()));
        return new ByteRange(first.offset(), cut);
    }
}
