package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// The answer to REPORT TARGET PORT GROUPS (SPC-4 §6.37) of a target with one group of one port, which is
/// always active and optimized. Immutable.
///
/// @param group TARGET PORT GROUP
/// @param relativePort RELATIVE TARGET PORT IDENTIFIER of its port
public record TargetPortGroups(int group, int relativePort) {
    private static final int ACTIVE_OPTIMIZED = 0x00;
    private static final int ACTIVE_OPTIMIZED_SUPPORTED = 0x01;
    private static final int EXTENDED_FORMAT = 0x10;
    private static final int GROUP_BYTES = 12;

    /// Which of the two headers the answer has.
    public enum Header {
        SHORT,
        /// With an implicit transition time, here none.
        EXTENDED
    }

    public byte[] toBytes(Header header) {
        int moreBytes = header == Header.EXTENDED ? Integer.BYTES : 0;
        var out = ByteBuffer.allocate(Integer.BYTES + moreBytes + GROUP_BYTES);
        out.putInt(moreBytes + GROUP_BYTES);
        if (header == Header.EXTENDED) {
            out.putInt(EXTENDED_FORMAT << 24);
        }
        out.put((byte) ACTIVE_OPTIMIZED).put((byte) ACTIVE_OPTIMIZED_SUPPORTED);
        out.putShort((short) group);
        out.put((byte) 0).put((byte) 0).put((byte) 0).put((byte) 1); // no status code, one port
        return out.putShort((short) 0).putShort((short) relativePort).array();
    }
}
