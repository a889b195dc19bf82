package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;

/// Moves bytes between a buffer and the extents under a range of a file. Whole blocks; `extents` tile the range.
final class Transfer {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;

    private Transfer() {}

    /// Reads a range: written extents from their storage, zeros for the rest (I4: what is not written to the
    /// file never shows what lies in its block).
    ///
    /// @param into as long as the range, all zeros
    static void read(BlockIo io, List<Extent> extents, ByteRange range, ByteBuffer into, BlockIo.Done done) {
        List<Extent> written = extents.stream()
                .filter(extent -> extent.state() == ExtentState.READ_WRITE_DATA)
                .toList();
        if (written.isEmpty()) {
            done.done(null);
            return;
        }
        var end = new Gather(written.size(), done);
        for (Extent extent : written) {
            io.read(extent.device(), extent.volumeOffset(), slice(into, range, extent.file()), end);
        }
    }

    /// Writes a range whose blocks all have storage.
    static void write(BlockIo io, List<Extent> extents, ByteRange range, ByteBuffer from, BlockIo.Done done) {
        var end = new Gather(extents.size(), done);
        for (Extent extent : extents) {
            io.write(extent.device(), extent.volumeOffset(), slice(from, range, extent.file()), end);
        }
    }

    /// Widens `data`, which begins at `offset`, to whole blocks: what it does not cover of its first and last
    /// block comes from storage where that was written, and is zeros where not.
    ///
    /// @param whole told with the widened buffer, or null with the failure
    static void widen(BlockIo io, List<Extent> extents, ByteRange blocks, long offset, ByteBuffer data, Widened whole) {
        long end = offset + data.remaining();
        if (offset == blocks.offset() && end == blocks.end()) {
            whole.done(data, null);
            return;
        }
        ByteBuffer wide = ByteBuffer.allocate((int) blocks.length());
        var first = new ByteRange(blocks.offset(), blocks.offset() + BLOCK);
        var last = new ByteRange(blocks.end() - BLOCK, blocks.end());
        boolean readFirst = offset > blocks.offset();
        boolean readLast = end < blocks.end() && !(readFirst && last.equals(first));
        BlockIo.Done afterReads = failure -> {
            if (failure == null) {
                wide.put((int) (offset - blocks.offset()), data, data.position(), data.remaining());
            }
            whole.done(wide, failure);
        };
        var both = new Gather((readFirst ? 1 : 0) + (readLast ? 1 : 0), afterReads);
        if (readFirst) {
            readBlock(io, extents, first, slice(wide, blocks, first), both);
        }
        if (readLast) {
            readBlock(io, extents, last, slice(wide, blocks, last), both);
        }
    }

    /// Reads one block of a range that `extents` cover in part: zeros where they do not.
    static void readBlock(BlockIo io, List<Extent> extents, ByteRange block, ByteBuffer into, BlockIo.Done done) {
        read(io, within(extents, block), block, into, done);
    }

    /// The parts of `extents` that lie in `range`.
    static List<Extent> within(List<Extent> extents, ByteRange range) {
        return extents.stream()
                .filter(extent -> extent.file().overlaps(range))
                .map(extent -> extent.cutTo(range))
                .toList();
    }

    /// Hears of a widened buffer.
    interface Widened {
        void done(ByteBuffer whole, BlockIo.@Nullable IoFailure failure);
    }

    private static ByteBuffer slice(ByteBuffer whole, ByteRange range, ByteRange part) {
        return whole.slice(whole.position() + (int) (part.offset() - range.offset()), (int) part.length());
    }
}
