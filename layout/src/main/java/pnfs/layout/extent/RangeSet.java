package pnfs.layout.extent;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A set of bytes, kept as ranges that neither overlap nor touch. Every operation is O(log n) for each range it
/// meets. Guarded by whoever guards its owner.
public final class RangeSet {
    private final TreeMap<Long, Long> endByOffset = new TreeMap<>();

    public boolean isEmpty() {
        return endByOffset.isEmpty();
    }

    /// How many ranges there are.
    public int count() {
        return endByOffset.size();
    }

    public void add(ByteRange range) {
        if (range.isEmpty()) {
            return;
        }
        long offset = range.offset();
        long end = range.end();
        Map.Entry<Long, Long> before = endByOffset.floorEntry(offset);
        if (before != null && before.getValue() >= offset) {
            offset = before.getKey();
            end = Math.max(end, before.getValue());
        }
        Map.Entry<Long, Long> next = endByOffset.ceilingEntry(offset);
        while (next != null && next.getKey() <= end) {
            end = Math.max(end, next.getValue());
            endByOffset.remove(next.getKey());
            next = endByOffset.ceilingEntry(offset);
        }
        endByOffset.put(offset, end);
    }

    public void remove(ByteRange range) {
        for (ByteRange part : intersect(range)) {
            Map.Entry<Long, Long> whole = endByOffset.floorEntry(part.offset());
            endByOffset.remove(whole.getKey());
            if (whole.getKey() < part.offset()) {
                endByOffset.put(whole.getKey(), part.offset());
            }
            if (part.end() < whole.getValue()) {
                endByOffset.put(part.end(), whole.getValue());
            }
        }
    }

    /// The ranges of the set, cut to `range`, in ascending order.
    public List<ByteRange> intersect(ByteRange range) {
        if (range.isEmpty()) {
            return List.of();
        }
        var parts = new ArrayList<ByteRange>();
        Map.Entry<Long, Long> at = endByOffset.floorEntry(range.offset());
        if (at == null || at.getValue() <= range.offset()) {
            at = endByOffset.higherEntry(range.offset());
        }
        while (at != null && at.getKey() < range.end()) {
            parts.add(new ByteRange(at.getKey(), at.getValue()).intersect(range));
            at = endByOffset.higherEntry(at.getKey());
        }
        return parts;
    }

    /// The parts of `range` that are not in the set, in ascending order.
    public List<ByteRange> outside(ByteRange range) {
        var parts = new ArrayList<ByteRange>();
        long at = range.offset();
        for (ByteRange inside : intersect(range)) {
            if (at < inside.offset()) {
                parts.add(new ByteRange(at, inside.offset()));
            }
            at = inside.end();
        }
        if (at < range.end()) {
            parts.add(new ByteRange(at, range.end()));
        }
        return parts;
    }

    public boolean overlaps(ByteRange range) {
        return firstIn(range) < range.end();
    }

    /// The first byte of the set in `range`; the end of `range` where there is none.
    public long firstIn(ByteRange range) {
        Map.Entry<Long, Long> at = endByOffset.floorEntry(range.offset());
        if (at != null && at.getValue() > range.offset()) {
            return range.offset();
        }
        Long next = endByOffset.higherKey(range.offset());
        return next == null ? range.end() : Math.min(next, range.end());
    }

    public List<ByteRange> ranges() {
        return intersect(ByteRange.all());
    }

    @Override
    public String toString() {
        return ranges().toString();
    }
}
