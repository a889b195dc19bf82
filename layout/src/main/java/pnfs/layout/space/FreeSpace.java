package pnfs.layout.space;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;

/// Free ranges of one volume, found by where they are and by how long they are, each in O(log n). Ranges never
/// overlap and never touch. Confined to its [Allocator].
final class FreeSpace {
    private static final Comparator<ByteRange> BY_LENGTH =
            Comparator.comparingLong(ByteRange::length).thenComparingLong(ByteRange::offset);

    private final TreeMap<Long, ByteRange> byOffset = new TreeMap<>();
    private final TreeSet<ByteRange> byLength = new TreeSet<>(BY_LENGTH);
    private final LongConsumer onChange;
    private long bytes;

    /// Tells `onChange` the offset of each range that came, went or changed its length.
    FreeSpace(LongConsumer onChange) {
        this.onChange = onChange;
    }

    long bytes() {
        return bytes;
    }

    List<ByteRange> ranges() {
        return List.copyOf(byOffset.values());
    }

    @Nullable
    ByteRange startingAt(long offset) {
        return byOffset.get(offset);
    }

    /// The free range that holds the byte at `offset`.
    @Nullable
    ByteRange holding(long offset) {
        Map.Entry<Long, ByteRange> at = byOffset.floorEntry(offset);
        return at != null && at.getValue().contains(offset) ? at.getValue() : null;
    }

    /// The shortest range of at least `length`, the first of them on the volume; where none is that long, the
    /// longest.
    @Nullable
    ByteRange bestFit(long length) {
        ByteRange fit = byLength.ceiling(new ByteRange(0, length));
        if (fit != null) {
            return fit;
        }
        return byLength.isEmpty() ? null : byLength.last();
    }

    /// Adds what is not free yet, and joins it with its neighbours.
    void add(ByteRange range) {
        Map.Entry<Long, ByteRange> before = byOffset.lowerEntry(range.end());
        if (before != null && before.getValue().overlaps(range)) {
            throw new IllegalStateException("range " + range + " is free already: " + before.getValue());
        }
        bytes += range.length();
        long offset = range.offset();
        long end = range.end();
        if (before != null && before.getValue().end() == offset) {
            offset = before.getKey();
            drop(before.getValue());
        }
        ByteRange next = byOffset.get(end);
        if (next != null) {
            end = next.end();
            drop(next);
        }
        put(new ByteRange(offset, end));
    }

    /// Takes out what is wholly free.
    void remove(ByteRange range) {
        ByteRange whole = holding(range.offset());
        if (whole == null || !whole.covers(range)) {
            throw new IllegalStateException("range " + range + " is not free");
        }
        bytes -= range.length();
        drop(whole);
        for (ByteRange rest : without(whole, range)) {
            put(rest);
        }
    }

    private static List<ByteRange> without(ByteRange whole, ByteRange part) {
        var rest = new ArrayList<ByteRange>(2);
        if (whole.offset() < part.offset()) {
            rest.add(new ByteRange(whole.offset(), part.offset()));
        }
        if (part.end() < whole.end()) {
            rest.add(new ByteRange(part.end(), whole.end()));
        }
        return rest;
    }

    private void put(ByteRange range) {
        byOffset.put(range.offset(), range);
        byLength.add(range);
        onChange.accept(range.offset());
    }

    private void drop(ByteRange range) {
        byOffset.remove(range.offset());
        byLength.remove(range);
        onChange.accept(range.offset());
    }
}
