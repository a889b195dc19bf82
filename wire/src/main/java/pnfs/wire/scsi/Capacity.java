package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// How large a unit is: the answer to READ CAPACITY (SBC-3 §5.15, §5.16). Immutable.
///
/// @param blocks how many there are, at least 1
/// @param blockBytes 512 or 4096, a power of two
/// @param physicalExponent log2 of how many logical blocks a physical one holds
/// @param lowestAligned first block that starts a physical one
/// @param provisioned whether blocks can be unmapped (LBPME)
/// @param unmappedReadsZeros whether unmapped blocks read as zeros (LBPRZ)
public record Capacity(
        long blocks,
        int blockBytes,
        int physicalExponent,
        int lowestAligned,
        boolean provisioned,
        boolean unmappedReadsZeros) {
    /// Bytes of the answer to READ CAPACITY(10).
    public static final int SHORT_BYTES = 8;
    /// Bytes of the answer to READ CAPACITY(16).
    public static final int LONG_BYTES = 32;

    private static final long TOO_MANY_FOR_SHORT = 0xffff_ffffL;
    private static final int LBPME = 0x8000;
    private static final int LBPRZ = 0x4000;

    public Capacity {
        if (blocks < 1 || blockBytes < 512 || Integer.bitCount(blockBytes) != 1) {
            throw new IllegalArgumentException(blocks + " blocks of " + blockBytes + " bytes");
        }
    }

    /// Fully provisioned blocks.
    public static Capacity of(long blocks, int blockBytes, int physicalExponent) {
        return new Capacity(blocks, blockBytes, physicalExponent, 0, false, false);
    }

    public long bytes() {
        return blocks * blockBytes;
    }

    /// For READ CAPACITY(10); a unit that is too large for it shows ffffffff as its last block.
    public byte[] toShortBytes() {
        return ByteBuffer.allocate(SHORT_BYTES)
                .putInt((int) Math.min(blocks - 1, TOO_MANY_FOR_SHORT))
                .putInt(blockBytes)
                .array();
    }

    public byte[] toBytes() {
        int flags = (provisioned ? LBPME : 0) | (unmappedReadsZeros ? LBPRZ : 0);
        return ByteBuffer.allocate(LONG_BYTES)
                .putLong(blocks - 1)
                .putInt(blockBytes)
                .put((byte) 0) // no protection information
                .put((byte) physicalExponent)
                .putShort((short) (flags | lowestAligned))
                .array();
    }

    /// Reads what [#toBytes] wrote.
    ///
    /// @throws ScsiFormatException when it is cut short, or no unit has this size
    public static Capacity read(ByteBuffer in) {
        if (in.remaining() < 16) {
            throw new ScsiFormatException("READ CAPACITY(16) answered " + in.remaining() + " bytes");
        }
        int at = in.position();
        long lastBlock = in.getLong(at);
        int blockBytes = in.getInt(at + 8);
        boolean power = blockBytes >= 512 && Integer.bitCount(blockBytes) == 1;
        if (!power || lastBlock < 0 || lastBlock >= Long.MAX_VALUE / blockBytes) {
            throw new ScsiFormatException("last block " + Long.toUnsignedString(lastBlock) + " of "
                    + Integer.toUnsignedString(blockBytes) + " bytes");
        }
        int flags = in.getShort(at + 14);
        return new Capacity(
                lastBlock + 1,
                blockBytes,
                in.get(at + 13) & 0x0f,
                flags & 0x3fff,
                (flags & LBPME) != 0,
                (flags & LBPRZ) != 0);
    }
}
