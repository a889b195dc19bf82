package pnfs.layout.space;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;

/// Free ranges of one volume, found by where they are in O(log n). Ranges never overlap and never touch.
/// Confined to its [Allocator].
final class FreeSpace {
    private final TreeMap<Long, ByteRange> byOffset = new TreeMap<>();
    private final Watcher watcher;
    private long bytes;

    /// Hears of each range that comes or goes; one that changes its length goes and comes.
    interface Watcher {
        void came(ByteRange range);

        void went(ByteRange range);
    }

    FreeSpace(Watcher watcher) {
        this.watcher = watcher;
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

    /// Adds a range that was stored, behind all that are here. Nobody hears of it: the stored form is as it
    /// was, unless two of its ranges touch.
    void restore(ByteRange range) {
        Map.Entry<Long, ByteRange> last = byOffset.lastEntry();
        if (last != null && last.getValue().end() >= range.offset()) {
            add(range);
            return;
        }
        byOffset.put(range.offset(), range);
        bytes += range.length();
    }

    /// Becomes as `other`. Nothing is here yet.
    void copy(FreeSpace other) {
        byOffset.putAll(other.byOffset);
        bytes = other.bytes;
        byOffset.values().forEach(watcher::came);
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
        watcher.came(range);
    }

    private void drop(ByteRange range) {
        byOffset.remove(range.offset());
        watcher.went(range);
    }
}
