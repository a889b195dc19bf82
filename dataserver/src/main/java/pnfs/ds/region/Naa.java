package pnfs.ds.region;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.UUID;

/// The world-wide name of a region: an NAA type 6 designator of 16 bytes (SPC-4, VPD page 83h), which clients
/// see as `/dev/disk/by-id/wwn-0x<hex>`. Immutable.
///
/// The first nibble is 6; then comes a company id of 24 bits, for which we, having none, take one from the
/// locally administered range (bit 1 of its first byte is set). The rest, 100 bits, is the end of the region's
/// UUID, so that an operator recognises the one in the other.
///
/// @param high bytes 0 to 7, big-endian
/// @param low bytes 8 to 15, big-endian
public record Naa(long high, long low) {
    public static final int BYTES = 16;

    private static final long TYPE_6 = 0x6L << 60;
    private static final long LOCAL_COMPANY = 0x02_70_6eL << 36;
    private static final long UUID_HIGH_BITS = (1L << 36) - 1;

    public Naa {
        if (high >>> 60 != 6) {
            throw new IllegalArgumentException("NAA type " + (high >>> 60) + ", wanted 6");
        }
    }

    /// The name that belongs to a region's UUID: always the same one.
    public static Naa of(UUID uuid) {
        return new Naa(
                TYPE_6 | LOCAL_COMPANY | (uuid.getMostSignificantBits() & UUID_HIGH_BITS),
                uuid.getLeastSignificantBits());
    }

    public byte[] toBytes() {
        return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
    }

    /// 32 lower-case hex digits, as udev writes them.
    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
