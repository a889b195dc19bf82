package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// Header and data digests (RFC 7143 §13.1): nothing, or CRC32C. The sum goes onto the wire lowest byte first,
/// unlike every other number of iSCSI.
public enum Digest {
    NONE("None", 0),
    CRC32C("CRC32C", 4);

    private final String text;
    private final int bytes;

    Digest(String text, int bytes) {
        this.text = text;
        this.bytes = bytes;
    }

    /// As the keys HeaderDigest and DataDigest spell it.
    public String text() {
        return text;
    }

    /// Bytes that the digest takes on the wire.
    public int bytes() {
        return bytes;
    }

    /// The sum over `from` position to limit (both stay) and then `padding` zero bytes, as `ByteBuffer.putInt`
    /// of a big-endian buffer has to be given it.
    public static int sum(CRC32C crc, ByteBuffer from, int padding) {
        crc.reset();
        int start = from.position();
        crc.update(from);
        from.position(start);
        for (int i = 0; i < padding; i++) {
            crc.update(0);
        }
        return Integer.reverseBytes((int) crc.getValue());
    }
}
