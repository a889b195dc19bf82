package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Standard inquiry data (SPC-4 §6.6.2). Immutable.
///
/// @param peripheral qualifier and type: [#DISK] or [#NO_UNIT]
/// @param version of the standard claimed: 6 is SPC-4
/// @param targetPortGroups TPGS, 0 for none
/// @param vendor up to 8 ASCII characters
/// @param product up to 16
/// @param revision up to 4
/// @param versionDescriptors codes of standards claimed, at most 8
public record InquiryData(
        int peripheral,
        int version,
        int targetPortGroups,
        String vendor,
        String product,
        String revision,
        List<Integer> versionDescriptors) {
    /// A direct-access block device that is there.
    public static final int DISK = 0x00;
    /// No device can be at this LUN.
    public static final int NO_UNIT = 0x7f;

    public static final int SPC_4 = 6;

    /// Bytes that every unit answers at least.
    public static final int SHORT_BYTES = 36;

    private static final int RESPONSE_FORMAT = 0x02;
    private static final int HIERARCHICAL_LUNS = 0x10;
    private static final int COMMAND_QUEUE = 0x02;
    private static final int ADDITIONAL_LENGTH_AT = 4;
    private static final int VERSION_DESCRIPTORS_AT = 58;
    private static final int MAX_VERSION_DESCRIPTORS = 8;

    public InquiryData {
        versionDescriptors = List.copyOf(versionDescriptors);
        if (versionDescriptors.size() > MAX_VERSION_DESCRIPTORS) {
            throw new IllegalArgumentException(versionDescriptors.size() + " version descriptors over 8");
        }
    }

    public byte[] toBytes() {
        int length = versionDescriptors.isEmpty()
                ? SHORT_BYTES
                : VERSION_DESCRIPTORS_AT + MAX_VERSION_DESCRIPTORS * Short.BYTES;
        var out = ByteBuffer.allocate(length);
        out.put((byte) peripheral);
        out.put((byte) 0); // not removable
        out.put((byte) version);
        out.put((byte) (HIERARCHICAL_LUNS | RESPONSE_FORMAT));
        out.put((byte) (length - ADDITIONAL_LENGTH_AT - 1));
        out.put((byte) (targetPortGroups << 4));
        out.put((byte) 0);
        out.put((byte) COMMAND_QUEUE);
        out.put(Ascii.padded(vendor, 8));
        out.put(Ascii.padded(product, 16));
        out.put(Ascii.padded(revision, 4));
        for (int i = 0; i < versionDescriptors.size(); i++) {
            out.putShort(
                    VERSION_DESCRIPTORS_AT + i * Short.BYTES,
                    versionDescriptors.get(i).shortValue());
        }
        return out.array();
    }

    /// Reads what [#toBytes] wrote, from position to limit.
    ///
    /// @throws ScsiFormatException when there are less than 36 bytes
    public static InquiryData read(ByteBuffer in) {
        int at = in.position();
        if (in.remaining() < SHORT_BYTES) {
            throw new ScsiFormatException("INQUIRY answered " + in.remaining() + " bytes");
        }
        int end = Math.min(in.remaining(), ADDITIONAL_LENGTH_AT + 1 + (in.get(at + ADDITIONAL_LENGTH_AT) & 0xff));
        var versions = new ArrayList<Integer>();
        for (int i = 0; i < MAX_VERSION_DESCRIPTORS; i++) {
            int descriptorAt = VERSION_DESCRIPTORS_AT + i * Short.BYTES;
            int code = descriptorAt + Short.BYTES <= end ? in.getShort(at + descriptorAt) & 0xffff : 0;
            if (code != 0) {
                versions.add(code);
            }
        }
        return new InquiryData(
                in.get(at) & 0xff,
                in.get(at + 2) & 0xff,
                (in.get(at + 5) >> 4) & 3,
                Ascii.read(in, at + 8, 8),
                Ascii.read(in, at + 16, 16),
                Ascii.read(in, at + 32, 4),
                versions);
    }

    /// Text fields of SPC: ASCII, left-aligned, padded with spaces.
    static final class Ascii {
        private Ascii() {}

        static byte[] padded(String text, int length) {
            if (text.length() > length) {
                throw new IllegalArgumentException("'" + text + "' has over " + length + " characters");
            }
            return (text + " ".repeat(length - text.length())).getBytes(StandardCharsets.US_ASCII);
        }

        static String read(ByteBuffer in, int at, int length) {
            var bytes = new byte[length];
            in.get(at, bytes);
            return new String(bytes, StandardCharsets.US_ASCII).stripTrailing();
        }
    }
}
