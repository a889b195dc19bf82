package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// Commands that move or touch blocks, as views over the 16 bytes that carry a CDB (SBC-3 §5). Data path: static
/// accessors, `at` being the index of the first byte; the buffer must be big-endian.
///
///     READ, WRITE(6)    0 opcode | 1-3 block, 21 bits               | 4 count, 0 means 256 | 5 control
///     …(10)             0 opcode | 1 flags | 2-5 block | 6 group | 7-8 count               | 9 control
///     …(12)             0 opcode | 1 flags | 2-5 block | 6-9 count | 10 group              | 11 control
///     …(16)             0 opcode | 1 flags | 2-9 block | 10-13 count | 14 group            | 15 control
///     COMPARE AND WRITE 0 opcode | 1 flags | 2-9 block | 13 count | 14 group               | 15 control
///     WRITE ATOMIC(16)  0 opcode | 1 flags | 2-9 block | 10-11 boundary | 12-13 count | 14 group | 15 control
///     flags: RDPROTECT/WRPROTECT 7-5, DPO 4, FUA 3 · VERIFY: BYTCHK 2-1 · SYNCHRONIZE CACHE: IMMED 1
///            WRITE SAME: WRPROTECT 7-5, ANCHOR 4, UNMAP 3, NDOB 0 (16 only)
public final class Cdb {
    public static final int BYTES = 16;

    private static final int FLAGS_AT = 1;
    private static final int BLOCK_AT = 2;
    private static final int COUNT_10_AT = 7;
    private static final int COUNT_12_AT = 6;
    private static final int COUNT_16_AT = 10;
    private static final int COUNT_COMPARE_AND_WRITE_AT = 13;

    private static final int COUNT_WRITE_ATOMIC_AT = 12;

    private static final int FORCE_UNIT_ACCESS = 0x08;

    private Cdb() {}

    public static int opcode(ByteBuffer cdb, int at) {
        return cdb.get(at) & 0xff;
    }

    public static int serviceAction(ByteBuffer cdb, int at) {
        return cdb.get(at + FLAGS_AT) & 0x1f;
    }

    /// First block of any command above. Above 2^63-1 it is negative: a block that no unit has.
    public static long firstBlock(ByteBuffer cdb, int at) {
        return switch (opcode(cdb, at) >> 5) {
            case 0 -> cdb.getInt(at) & 0x1f_ffffL;
            case 4 -> cdb.getLong(at + BLOCK_AT);
            default -> cdb.getInt(at + BLOCK_AT) & 0xffff_ffffL;
        };
    }

    /// How many blocks. 0 means none, except that SYNCHRONIZE CACHE and WRITE SAME then mean "to the end".
    public static long blocks(ByteBuffer cdb, int at) {
        int opcode = opcode(cdb, at);
        return switch (opcode >> 5) {
            case 0 -> cdb.get(at + 4) == 0 ? 256 : cdb.get(at + 4) & 0xff;
            case 4 ->
                switch (opcode) {
                    case ScsiOpcode.COMPARE_AND_WRITE -> cdb.get(at + COUNT_COMPARE_AND_WRITE_AT) & 0xff;
                    case ScsiOpcode.WRITE_ATOMIC_16 -> cdb.getShort(at + COUNT_WRITE_ATOMIC_AT) & 0xffff;
                    default -> cdb.getInt(at + COUNT_16_AT) & 0xffff_ffffL;
                };
            case 5 -> cdb.getInt(at + COUNT_12_AT) & 0xffff_ffffL;
            default -> cdb.getShort(at + COUNT_10_AT) & 0xffffL;
        };
    }

    /// RDPROTECT, WRPROTECT or VRPROTECT: not 0 asks for protection information.
    public static int protection(ByteBuffer cdb, int at) {
        return opcode(cdb, at) >> 5 == 0 ? 0 : (cdb.get(at + FLAGS_AT) & 0xff) >> 5;
    }

    /// FUA of READ and WRITE: status only once the medium has it.
    public static boolean isForceUnitAccess(ByteBuffer cdb, int at) {
        return opcode(cdb, at) >> 5 != 0 && (cdb.get(at + FLAGS_AT) & FORCE_UNIT_ACCESS) != 0;
    }

    /// IMMED of SYNCHRONIZE CACHE and PRE-FETCH: status at once, work later.
    public static boolean isImmediate(ByteBuffer cdb, int at) {
        return (cdb.get(at + FLAGS_AT) & 0x02) != 0;
    }

    /// BYTCHK of VERIFY and WRITE AND VERIFY: 0 no data, 1 compare with as much data, 3 compare all with one
    /// block.
    public static int byteCheck(ByteBuffer cdb, int at) {
        return (cdb.get(at + FLAGS_AT) >> 1) & 3;
    }

    /// UNMAP of WRITE SAME.
    public static boolean isUnmap(ByteBuffer cdb, int at) {
        return (cdb.get(at + FLAGS_AT) & 0x08) != 0;
    }

    /// ANCHOR of WRITE SAME.
    public static boolean isAnchor(ByteBuffer cdb, int at) {
        return (cdb.get(at + FLAGS_AT) & 0x10) != 0;
    }

    /// NDOB of WRITE SAME(16): there is no block of data, zeros are meant.
    public static boolean isWithoutData(ByteBuffer cdb, int at) {
        return opcode(cdb, at) == ScsiOpcode.WRITE_SAME_16 && (cdb.get(at + FLAGS_AT) & 0x01) != 0;
    }

    public static void putRead16(ByteBuffer cdb, int at, long firstBlock, int blocks) {
        put16(cdb, at, ScsiOpcode.READ_16, 0, firstBlock, blocks);
    }

    public static void putWrite16(ByteBuffer cdb, int at, long firstBlock, int blocks) {
        put16(cdb, at, ScsiOpcode.WRITE_16, 0, firstBlock, blocks);
    }

    /// All of the blocks or none, over a crash too; without a boundary within.
    ///
    /// @param blocks at most 65,535
    public static void putWriteAtomic16(ByteBuffer cdb, int at, long firstBlock, int blocks) {
        if (blocks > 0xffff) {
            throw new IllegalArgumentException("WRITE ATOMIC of " + blocks + " blocks, may be 65535 at most");
        }
        put16(cdb, at, ScsiOpcode.WRITE_ATOMIC_16, 0, firstBlock, blocks); // its upper half is the boundary: none
    }

    /// All blocks from `firstBlock` if `blocks` is 0.
    public static void putSynchronizeCache16(ByteBuffer cdb, int at, long firstBlock, int blocks) {
        put16(cdb, at, ScsiOpcode.SYNCHRONIZE_CACHE_16, 0, firstBlock, blocks);
    }

    /// Writes zeros without a block of data to copy.
    public static void putWriteZeros16(ByteBuffer cdb, int at, long firstBlock, int blocks) {
        put16(cdb, at, ScsiOpcode.WRITE_SAME_16, 0x01, firstBlock, blocks);
    }

    private static void put16(ByteBuffer cdb, int at, int opcode, int flags, long firstBlock, int blocks) {
        cdb.put(at, (byte) opcode);
        cdb.put(at + FLAGS_AT, (byte) flags);
        cdb.putLong(at + BLOCK_AT, firstBlock);
        cdb.putInt(at + COUNT_16_AT, blocks);
        cdb.putShort(at + 14, (short) 0);
    }
}
