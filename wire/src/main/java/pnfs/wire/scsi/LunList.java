package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// The answer to REPORT LUNS (SPC-4 §6.33): numbers as [Lun] has them. Immutable.
public record LunList(List<Integer> luns) {
    private static final int HEADER_BYTES = 8;

    public LunList {
        luns = List.copyOf(luns);
    }

    public byte[] toBytes() {
        var out = ByteBuffer.allocate(HEADER_BYTES + luns.size() * Long.BYTES);
        out.putInt(luns.size() * Long.BYTES).putInt(0);
        luns.forEach(lun -> out.putLong(Lun.toWire(lun)));
        return out.array();
    }

    /// What an answer of `in` holds, addresses of other forms left out. An answer cut at the allocation length
    /// tells through [#bytesWanted] how long it would have been.
    ///
    /// @throws ScsiFormatException when not even the length is there
    public static LunList read(ByteBuffer in) {
        int at = in.position();
        long end = Math.min(in.remaining(), bytesWanted(in));
        var luns = new ArrayList<Integer>();
        for (int i = HEADER_BYTES; i + Long.BYTES <= end; i += Long.BYTES) {
            int lun = Lun.fromWire(in.getLong(at + i));
            if (lun >= 0) {
                luns.add(lun);
            }
        }
        return new LunList(luns);
    }

    /// Bytes of the whole answer.
    public static long bytesWanted(ByteBuffer in) {
        if (in.remaining() < HEADER_BYTES) {
            throw new ScsiFormatException("REPORT LUNS answered " + in.remaining() + " bytes");
        }
        return HEADER_BYTES + (in.getInt(in.position()) & 0xffff_ffffL);
    }
}
