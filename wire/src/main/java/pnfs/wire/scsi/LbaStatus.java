package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// One piece of the answer to GET LBA STATUS (SBC-3 §5.8). Immutable.
public record LbaStatus(long firstBlock, long blocks, int state) {
    public static final int MAPPED = 0;
    public static final int DEALLOCATED = 1;
    public static final int ANCHORED = 2;

    private static final int HEADER_BYTES = 8;
    private static final int ENTRY_BYTES = 16;

    public static byte[] toBytes(List<LbaStatus> pieces) {
        int entryBytes = pieces.size() * ENTRY_BYTES;
        var out = ByteBuffer.allocate(HEADER_BYTES + entryBytes);
        out.putInt(HEADER_BYTES - Integer.BYTES + entryBytes).putInt(0);
        for (LbaStatus piece : pieces) {
            out.putLong(piece.firstBlock).putInt((int) piece.blocks).putInt(piece.state << 24);
        }
        return out.array();
    }

    /// Reads what [#toBytes] wrote, from position to limit.
    ///
    /// @throws ScsiFormatException when not even the header is there
    public static List<LbaStatus> read(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < HEADER_BYTES) {
            throw new ScsiFormatException("GET LBA STATUS answered " + in.remaining() + " bytes");
        }
        long end = Math.min(in.remaining(), Integer.BYTES + (in.getInt(at) & 0xffff_ffffL));
        var pieces = new ArrayList<LbaStatus>();
        for (int i = HEADER_BYTES; i + ENTRY_BYTES <= end; i += ENTRY_BYTES) {
            pieces.add(new LbaStatus(
                    in.getLong(at + i), in.getInt(at + i + 8) & 0xffff_ffffL, in.get(at + i + 12) & 0x0f));
        }
        return pieces;
    }
}
