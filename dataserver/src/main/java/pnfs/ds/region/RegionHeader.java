package pnfs.ds.region;

import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;

/// What a region's file says about itself. Immutable; the class that reads and writes the format.
///
/// ```
/// file    := header pad header pad memo pad data journal; the two headers are equal; all integers big-endian
///   at 0        header, 4096 bytes
///   at 524288   header, 4096 bytes: the copy, for when the first is damaged
///   at 532480   memo, 294912 bytes: what [Memo] keeps
///   at 1048576  data, sizeBytes bytes: the bytes of the logical unit; a new one has pnfs.layout's DiskSignature
///               at its start, and zeros
///   behind it   journal, 1052672 bytes: what [Journal] keeps; a file without one gets it when it is opened
/// header  := magic version blockBytes uuid naa dataOffset sizeBytes zeros crc32c
///   at 0     magic       8 bytes  "PNFSREGN"
///   at 8     version     u32      1
///   at 12    blockBytes  u32      logical block: 512 or 4096
///   at 16    uuid        16 bytes who this region is, for ever
///   at 32    naa         16 bytes the name by which SCSI initiators know it; begins with the nibble 6
///   at 48    dataOffset  u64      1048576
///   at 56    sizeBytes   u64      a multiple of blockBytes
///   at 64    zeros
///   at 4092  crc32c      u32      over the 4092 bytes before it
/// ```
/// Magic and version keep their places in every version, so that an older server can say what it met.
///
/// @param uuid the region's identity
/// @param naa its SCSI name
/// @param blockBytes logical block size, 512 or 4096
/// @param sizeBytes size of the data, a multiple of the block size
public record RegionHeader(UUID uuid, Naa naa, int blockBytes, long sizeBytes) {
    static final int BYTES = 4096;
    static final long COPY_OFFSET = 512 << 10;
    static final long MEMO_OFFSET = 520 << 10;
    static final int MEMO_SLOT_BYTES = 144 << 10;
    /// What a region keeps for its owner, as [Memo] lays it out.
    public static final int MEMO_BYTES = 2 * MEMO_SLOT_BYTES;
    /// Where in its file the first byte of a region stands.
    public static final long DATA_OFFSET = 1 << 20;
    static final int JOURNAL_BYTES = (1 << 20) + 4096;
    /// Smaller would hold no file worth a layout.
    public static final long MIN_SIZE_BYTES = 1 << 20;
    /// 64 TiB: far above any module of persistent memory, far below where arithmetic could overflow.
    public static final long MAX_SIZE_BYTES = 1L << 46;

    private static final int VERSION = 1;
    private static final long MAGIC = 0x504e4653_5245474eL; // "PNFSREGN"
    private static final int CRC_AT = BYTES - Integer.BYTES;

    public RegionHeader {
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("block size " + blockBytes + ", wanted 512 or 4096");
        }
        if (sizeBytes < MIN_SIZE_BYTES || sizeBytes > MAX_SIZE_BYTES || sizeBytes % blockBytes != 0) {
            throw new IllegalArgumentException("region size " + sizeBytes + ", wanted a multiple of " + blockBytes
                    + " between " + MIN_SIZE_BYTES + " and " + MAX_SIZE_BYTES);
        }
    }

    /// The header of a new region, named after its UUID.
    public static RegionHeader of(UUID uuid, int blockBytes, long sizeBytes) {
        return new RegionHeader(uuid, Naa.of(uuid), blockBytes, sizeBytes);
    }

    /// How long the file is.
    public long fileBytes() {
        return journalOffset() + JOURNAL_BYTES;
    }

    long journalOffset() {
        return DATA_OFFSET + sizeBytes;
    }

    ByteBuffer toPage() {
        var page = ByteBuffer.allocate(BYTES);
        page.putLong(MAGIC);
        page.putInt(VERSION);
        page.putInt(blockBytes);
        page.putLong(uuid.getMostSignificantBits());
        page.putLong(uuid.getLeastSignificantBits());
        page.putLong(naa.high());
        page.putLong(naa.low());
        page.putLong(DATA_OFFSET);
        page.putLong(sizeBytes);
        page.putInt(CRC_AT, checksum(page));
        return page.clear();
    }

    /// Reads a page of [#BYTES] bytes from the start of the buffer.
    static Page fromPage(ByteBuffer page) {
        if (page.getLong(0) != MAGIC) {
            return new Page.Foreign();
        }
        if (page.getInt(8) != VERSION) {
            return new Page.OtherVersion(page.getInt(8));
        }
        if (page.getInt(CRC_AT) != checksum(page)) {
            return new Page.Damaged("its checksum does not match");
        }
        if (page.getLong(48) != DATA_OFFSET) {
            return new Page.Damaged("its data begins at " + page.getLong(48) + ", wanted " + DATA_OFFSET);
        }
        try {
            return new Page.Valid(new RegionHeader(
                    new UUID(page.getLong(16), page.getLong(24)),
                    new Naa(page.getLong(32), page.getLong(40)),
                    page.getInt(12),
                    page.getLong(56)));
        } catch (IllegalArgumentException outOfRange) {
            return new Page.Damaged(String.valueOf(outOfRange.getMessage()));
        }
    }

    private static int checksum(ByteBuffer page) {
        var crc = new CRC32C();
        crc.update(page.duplicate().position(0).limit(CRC_AT));
        return (int) crc.getValue();
    }

    /// What a header page turned out to be.
    sealed interface Page {
        record Valid(RegionHeader header) implements Page {}

        /// Not one of ours, or never written.
        record Foreign() implements Page {}

        record OtherVersion(int version) implements Page {}

        record Damaged(String why) implements Page {}
    }
}
