package pnfs.layout.space;

import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;

/// The ranges of a [FreeSpace] by how long they are, and those of one length by where they are; each found in
/// O(log n).
final class ByLength implements FreeSpace.Watcher {
    private final TreeSet<ByteRange> ranges = new TreeSet<>(ByLength::compare);

    private static int compare(ByteRange a, ByteRange b) {
        return a.length() == b.length() ? Long.compare(a.offset(), b.offset()) : Long.compare(a.length(), b.length());
    }

    @Override
    public void came(ByteRange range) {
        ranges.add(range);
    }

    @Override
    public void went(ByteRange range) {
        ranges.remove(range);
    }

    /// The shortest range of at least `length`, the first of them on the volume; where none is that long, the
    /// longest.
    @Nullable
    ByteRange bestFit(long length) {
        ByteRange fit = ranges.ceiling(new ByteRange(0, length));
        if (fit != null) {
            return fit;
        }
        return ranges.isEmpty() ? null : ranges.last();
    }
}
