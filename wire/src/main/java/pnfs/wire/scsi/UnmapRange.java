package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// One piece that UNMAP gives back (SBC-3 §5.28). Immutable.
///
/// @param firstBlock negative if it is over 2^63-1: a block that no unit has
public record UnmapRange(long firstBlock, long blocks) {
    private static final int HEADER_BYTES = 8;
    private static final int ENTRY_BYTES = 16;

    /// The parameter list.
    public static byte[] toBytes(List<UnmapRange> ranges) {
        int entryBytes = ranges.size() * ENTRY_BYTES;
        var out = ByteBuffer.allocate(HEADER_BYTES + entryBytes);
        out.putShort((short) (HEADER_BYTES - 2 + entryBytes));
        out.putShort((short) entryBytes).putInt(0);
        for (UnmapRange range : ranges) {
            out.putLong(range.firstBlock).putInt((int) range.blocks).putInt(0);
        }
        return out.array();
    }

    /// Reads a parameter list; an empty one asks for nothing.
    ///
    /// @throws ScsiException PARAMETER LIST LENGTH ERROR when it is cut short, INVALID FIELD IN PARAMETER LIST
    ///     when it has more than `maxRanges`
    public static List<UnmapRange> read(ByteBuffer in, int maxRanges) {
        if (!in.hasRemaining()) {
            return List.of();
        }
        int at = in.position();
        if (in.remaining() < HEADER_BYTES) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int entryBytes = in.getShort(at + 2) & 0xffff;
        if (entryBytes > in.remaining() - HEADER_BYTES) {
            throw ScsiException.check(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int count = entryBytes / ENTRY_BYTES;
        if (count > maxRanges) {
            throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        }
        var ranges = new ArrayList<UnmapRange>(count);
        for (int i = 0; i < count; i++) {
            int entryAt = at + HEADER_BYTES + i * ENTRY_BYTES;
            ranges.add(new UnmapRange(in.getLong(entryAt), in.getInt(entryAt + 8) & 0xffff_ffffL));
        }
        return ranges;
    }
}
