package pnfs.layout.extent;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;

/// What one file is made of: its extents in the order of the file; what lies between them is holes.
///
/// **Invariants.** Extents are whole blocks of [ByteRange#BLOCK_BYTES] and never overlap. Neighbours that
/// [Extent#joins] are one extent, so a file written in one go stays one extent however many commits marked it
/// written. A hole is the absence of an extent and never stored. Each change that must become durable is in
/// [#drainChanges] exactly once; the changes of one operation, stored in one batch, take the stored form from
/// one state of the map to the next.
///
/// **Shape.** Rows of three longs in a B+-tree ([PackedRows]): first block in the file; first block on the
/// volume; length in blocks (40 bits), device (22 bits, an index into the devices this file uses) and state (2
/// bits). That is some 26 bytes of heap an extent. Every operation is O(log n) for each extent it touches.
///
/// **Concurrency.** Guarded by the file's lock; so are the lists it returns not views but copies.
///
/// **Failure.** An argument that is not aligned, or an insert over what is there, is a bug of ours
/// (`IllegalArgumentException`, `IllegalStateException`), thrown before anything changed. What a client asks
/// for is checked by whoever asks us.
///
/// **Not here.** Who may see or write an extent (`layout.grant`), whose storage is free (`layout.space`), the
/// size of the file: an extent may lie beyond it.
public final class ExtentMap {
    private static final int STATE_BITS = 2;
    private static final int DEVICE_BITS = 22;
    private static final int LENGTH_SHIFT = STATE_BITS + DEVICE_BITS;
    private static final long MAX_BLOCKS = (1L << (Long.SIZE - LENGTH_SHIFT)) - 1;
    private static final ExtentState[] STATES = ExtentState.values();

    private final PackedRows rows = new PackedRows();
    private final List<DeviceId> devices = new ArrayList<>(1);
    private final TreeSet<Long> touched = new TreeSet<>();
    private long allocatedBlocks;

    /// The map that was stored as these extents, one for each key, in ascending order.
    ///
    /// @throws IllegalArgumentException where they overlap or cannot have been stored by us
    public static ExtentMap restore(Iterable<Extent> stored) {
        var map = new ExtentMap();
        long end = 0;
        for (Extent extent : stored) {
            if (extent.file().offset() < end) {
                throw new IllegalArgumentException("stored extent " + extent + " overlaps one that ends at " + end);
            }
            end = extent.file().end();
            // As it stands, not joined with its neighbour: the stored form has a key for each.
            map.putRow(map.rowOf(extent));
        }
        map.touched.clear();
        return map;
    }

    /// How many extents there are.
    public int count() {
        return rows.size();
    }

    /// Storage behind the file, written or not.
    public long allocatedBytes() {
        return allocatedBlocks * ByteRange.BLOCK_BYTES;
    }

    /// A device that the file is on.
    public Optional<DeviceId> anyDevice() {
        PackedRows.Cursor first = cursorEndingAfter(0);
        return first.onRow()
                ? Optional.of(extentOf(new Row(first.first(), first.second(), first.third()))
                        .device())
                : Optional.empty();
    }

    /// Adds storage where there was a hole.
    ///
    /// @throws IllegalStateException where the file has storage already
    public void insert(Extent extent) {
        Row row = rowOf(extent);
        Row next = rowEndingAfter(row.block);
        if (next != null && next.block < row.end()) {
            throw new IllegalStateException(extent + " inserted over " + extentOf(next));
        }
        putRow(row);
        joinAt(row.end());
        joinAt(row.block);
    }

    /// The extent that holds the byte at `offset`; null in a hole.
    public @Nullable Extent lookup(long offset) {
        Row row = rowEndingAfter(blockOf(offset));
        return row == null || row.block > blockOf(offset) ? null : extentOf(row);
    }

    /// The extents in `range`, cut to it, in ascending order; holes are left out.
    public List<Extent> extents(ByteRange range) {
        var found = new ArrayList<Extent>();
        visit(range, found::add);
        return found;
    }

    /// A tiling of `range` without gaps: the extents cut to it, and holes as [ExtentState#NONE_DATA] of
    /// `holeDevice`. The range must have an end.
    public List<Extent> cover(ByteRange range, DeviceId holeDevice) {
        var tiles = new ArrayList<Extent>();
        cover(range, holeDevice, tiles::add);
        return tiles;
    }

    /// Shows the tiles of [#cover(ByteRange, DeviceId)] in ascending order until the visitor says false: who needs
    /// a few tiles of a file with a million does not pay for the others. The visitor must not change the map.
    public void cover(ByteRange range, DeviceId holeDevice, Predicate<Extent> visitor) {
        var gaps = new Gaps(range.offset(), holeDevice, visitor);
        if (visit(range, gaps)) {
            gaps.closeAt(range.end());
        }
    }

    /// False where the visitor said so.
    private boolean visit(ByteRange range, Predicate<Extent> visitor) {
        requireAligned(range);
        if (range.isEmpty()) {
            return true;
        }
        long end = blockOf(range.end());
        PackedRows.Cursor at = cursorEndingAfter(blockOf(range.offset()));
        while (at.onRow() && at.first() < end) {
            if (!visitor.test(
                    extentOf(new Row(at.first(), at.second(), at.third())).cutTo(range))) {
                return false;
            }
            at.next();
        }
        return true;
    }

    /// Shows the hole in front of each extent before the extent.
    private static final class Gaps implements Predicate<Extent> {
        private final DeviceId holeDevice;
        private final Predicate<Extent> visitor;
        private long end;

        Gaps(long start, DeviceId holeDevice, Predicate<Extent> visitor) {
            this.end = start;
            this.holeDevice = holeDevice;
            this.visitor = visitor;
        }

        @Override
        public boolean test(Extent extent) {
            boolean goOn = closeAt(extent.file().offset());
            end = extent.file().end();
            return goOn && visitor.test(extent);
        }

        /// Shows the hole that ends at `start`, if there is one.
        boolean closeAt(long start) {
            return end == start || visitor.test(Extent.hole(holeDevice, new ByteRange(end, start)));
        }
    }

    /// Makes a hole of `range` and returns the extents, cut to it, that were there: their storage is the
    /// caller's now.
    public List<Extent> punch(ByteRange range) {
        requireAligned(range);
        if (range.isEmpty()) {
            return List.of();
        }
        long end = blockOf(range.end());
        splitAt(blockOf(range.offset()));
        splitAt(end);
        // Both edges fall between extents now, so the loop meets whole extents only.
        var punched = new ArrayList<Extent>();
        Row row = rowEndingAfter(blockOf(range.offset()));
        while (row != null && row.block < end) {
            punched.add(extentOf(row));
            removeRow(row);
            row = rowEndingAfter(row.end());
        }
        return punched;
    }

    /// Takes away all storage wholly beyond the block that holds the last of `size` bytes; see [#punch].
    public List<Extent> truncate(long size) {
        return punch(ByteRange.toEnd(ByteRange.alignUp(size)));
    }

    /// Turns INVALID_DATA inside `written` into READ_WRITE_DATA (LAYOUTCOMMIT, RFC 5663 §2.3.2).
    /// Other states stay: a client that retries commits the same range twice.
    /// Returns how many bytes changed; 0 means there is nothing to journal.
    public long markWritten(ByteRange written) {
        requireAligned(written);
        if (written.isEmpty()) {
            return 0;
        }
        long first = blockOf(written.offset());
        long end = blockOf(written.end());
        long changed = 0;
        Row row = rowEndingAfter(first);
        while (row != null && row.block < end) {
            long next = row.end();
            if (row.state() == ExtentState.INVALID_DATA) {
                // Cut only what changes: a commit over what is written already must leave no trace in the journal.
                Row part = isolate(row, Math.max(row.block, first), Math.min(next, end));
                putRow(part.withState(ExtentState.READ_WRITE_DATA));
                joinAt(part.block);
                joinAt(part.end());
                changed += part.blocks();
            }
            row = rowEndingAfter(next);
        }
        return changed * ByteRange.BLOCK_BYTES;
    }

    /// What changed since the last call, in ascending order of offset: to be stored in one batch, whole.
    public List<ExtentChange> drainChanges() {
        if (touched.isEmpty()) {
            return List.of();
        }
        var changes = new ArrayList<ExtentChange>(touched.size());
        for (long block : touched) {
            PackedRows.Cursor at = rows.floor(block);
            boolean there = at.onRow() && at.first() == block;
            changes.add(
                    there
                            ? new ExtentChange.Put(extentOf(new Row(block, at.second(), at.third())))
                            : new ExtentChange.Delete(block * ByteRange.BLOCK_BYTES));
        }
        touched.clear();
        return changes;
    }

    /// Cuts `row` so that `from` to `end` is a row of its own, and returns that.
    private Row isolate(Row row, long from, long end) {
        splitAt(from);
        splitAt(end);
        return new Row(from, row.volumeBlock + (from - row.block), row.tail(end - from));
    }

    /// Makes an extent boundary at `block`, if it is not in a hole.
    private void splitAt(long block) {
        Row row = rowEndingAfter(block);
        if (row != null && row.block < block) {
            long kept = block - row.block;
            putRow(new Row(row.block, row.volumeBlock, row.tail(kept)));
            putRow(new Row(block, row.volumeBlock + kept, row.tail(row.blocks() - kept)));
        }
    }

    /// Makes one extent of the two that meet at `block`, if they join.
    private void joinAt(long block) {
        PackedRows.Cursor at = rows.floor(block - 1);
        if (!at.onRow()) {
            return;
        }
        var left = new Row(at.first(), at.second(), at.third());
        at.next();
        if (!at.onRow() || at.first() != block) {
            return;
        }
        var right = new Row(at.first(), at.second(), at.third());
        if (left.joins(right)) {
            removeRow(right);
            putRow(new Row(left.block, left.volumeBlock, left.tail(left.blocks() + right.blocks())));
        }
    }

    private void putRow(Row row) {
        PackedRows.Cursor at = rows.floor(row.block);
        if (at.onRow() && at.first() == row.block) {
            allocatedBlocks -= at.third() >>> LENGTH_SHIFT;
        }
        rows.put(row.block, row.volumeBlock, row.tail);
        allocatedBlocks += row.blocks();
        touched.add(row.block);
    }

    private void removeRow(Row row) {
        rows.remove(row.block);
        allocatedBlocks -= row.blocks();
        touched.add(row.block);
    }

    /// The first row that ends after `block`: the one that holds it, or the next.
    private @Nullable Row rowEndingAfter(long block) {
        PackedRows.Cursor at = cursorEndingAfter(block);
        return at.onRow() ? new Row(at.first(), at.second(), at.third()) : null;
    }

    private PackedRows.Cursor cursorEndingAfter(long block) {
        PackedRows.Cursor at = rows.floor(block);
        if (!at.onRow() || at.first() + (at.third() >>> LENGTH_SHIFT) <= block) {
            at.next();
        }
        return at;
    }

    private Row rowOf(Extent extent) {
        requireAligned(extent.file());
        requireAligned(extent.storage());
        long blocks = extent.file().length() / ByteRange.BLOCK_BYTES;
        if (extent.state() == ExtentState.NONE_DATA || blocks > MAX_BLOCKS) {
            throw new IllegalArgumentException(extent + " cannot be stored");
        }
        int device = devices.indexOf(extent.device());
        if (device < 0) {
            device = devices.size();
            if (device >> DEVICE_BITS != 0) {
                throw new IllegalStateException("file on more than " + device + " volumes");
            }
            devices.add(extent.device());
        }
        long tail = (blocks << LENGTH_SHIFT)
                | ((long) device << STATE_BITS)
                | extent.state().wire();
        return new Row(blockOf(extent.file().offset()), blockOf(extent.volumeOffset()), tail);
    }

    private Extent extentOf(Row row) {
        return new Extent(
                devices.get(row.device()),
                ByteRange.ofLength(row.block * ByteRange.BLOCK_BYTES, row.blocks() * ByteRange.BLOCK_BYTES),
                row.volumeBlock * ByteRange.BLOCK_BYTES,
                row.state());
    }

    private static long blockOf(long offset) {
        return offset / ByteRange.BLOCK_BYTES;
    }

    private static void requireAligned(ByteRange range) {
        if (!range.isAligned()) {
            throw new IllegalArgumentException("range " + range + " is not whole blocks");
        }
    }

    /// One row, unpacked as far as the operations need it. Units are blocks.
    private record Row(long block, long volumeBlock, long tail) {
        long blocks() {
            return tail >>> LENGTH_SHIFT;
        }

        long end() {
            return block + blocks();
        }

        int device() {
            return (int) (tail >>> STATE_BITS) & ((1 << DEVICE_BITS) - 1);
        }

        ExtentState state() {
            return STATES[(int) tail & ((1 << STATE_BITS) - 1)];
        }

        /// Device and state of this row with another length.
        long tail(long blocks) {
            return (blocks << LENGTH_SHIFT) | (tail & ((1L << LENGTH_SHIFT) - 1));
        }

        Row withState(ExtentState state) {
            return new Row(block, volumeBlock, (tail & ~((1L << STATE_BITS) - 1)) | state.wire());
        }

        boolean joins(Row next) {
            return end() == next.block
                    && volumeBlock + blocks() == next.volumeBlock
                    && (tail & ((1L << LENGTH_SHIFT) - 1)) == (next.tail & ((1L << LENGTH_SHIFT) - 1))
                    && blocks() + next.blocks() <= MAX_BLOCKS;
        }
    }
}
