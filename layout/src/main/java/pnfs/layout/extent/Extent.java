package pnfs.layout.extent;

import pnfs.layout.device.DeviceId;

/// A piece of a file and the storage behind it. `volumeOffset` counts bytes from the start of the volume and is
/// 0 for a hole ([ExtentState#NONE_DATA]), which names a device all the same: Linux resolves it before it looks
/// at the state. Immutable.
public record Extent(DeviceId device, ByteRange file, long volumeOffset, ExtentState state) {
    public Extent {
        if (file.isEmpty() || file.isToEnd() || volumeOffset < 0 || volumeOffset > Long.MAX_VALUE - file.length()) {
            throw new IllegalArgumentException("extent " + file + " at " + volumeOffset);
        }
    }

    public static Extent hole(DeviceId device, ByteRange file) {
        return new Extent(device, file, 0, ExtentState.NONE_DATA);
    }

    /// The storage; meaningless for a hole.
    public ByteRange storage() {
        return ByteRange.ofLength(volumeOffset, file.length());
    }

    public Extent withState(ExtentState state) {
        return new Extent(device, file, volumeOffset, state);
    }

    /// The part of the extent that lies in `range`, which must overlap it.
    public Extent cutTo(ByteRange range) {
        if (range.covers(file)) {
            return this;
        }
        ByteRange part = file.intersect(range);
        long skipped = state == ExtentState.NONE_DATA ? 0 : part.offset() - file.offset();
        return new Extent(device, part, volumeOffset + skipped, state);
    }

    /// Whether `next` goes on where this one ends: in the file and, but for holes, on the same storage.
    public boolean joins(Extent next) {
        return file.end() == next.file.offset()
                && state == next.state
                && device.equals(next.device)
                && (state == ExtentState.NONE_DATA || storage().end() == next.volumeOffset);
    }

    /// This extent and `next`, which it joins, as one.
    public Extent joinedWith(Extent next) {
        return new Extent(device, new ByteRange(file.offset(), next.file.end()), volumeOffset, state);
    }
}
