package pnfs.wire.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// An initiator port of iSCSI as reservations name it (SPC-4 §7.6.4.6). Immutable.
///
/// @param initiatorName the iSCSI name
/// @param isid 48 bits that tell the initiator's sessions apart; [#ANY_SESSION] means all of its ports
public record TransportId(String initiatorName, long isid) {
    public static final long ANY_SESSION = -1;

    private static final int ISCSI_NAME = 0x05;
    private static final int ISCSI_PORT = 0x45;
    private static final String SEPARATOR = ",i,0x";
    private static final int HEADER_BYTES = 4;
    private static final int MIN_BYTES = 24;
    /// An iSCSI name has at most 223 bytes (RFC 7143 §4.2.7.1).
    private static final int MAX_NAME_BYTES = 223;

    private static final int MAX_TEXT_BYTES = MAX_NAME_BYTES + SEPARATOR.length() + 12;
    /// Most bytes of [#toBytes].
    static final int MAX_BYTES = HEADER_BYTES + ((MAX_TEXT_BYTES + 4) & ~3);

    /// The port of a name as [#name] has it; a name without a session means all of its ports.
    public static TransportId named(String name) {
        int separator = name.lastIndexOf(SEPARATOR);
        return separator < 0
                ? new TransportId(name, ANY_SESSION)
                : new TransportId(
                        name.substring(0, separator),
                        Long.parseLong(name.substring(separator + SEPARATOR.length()), 16));
    }

    /// How iSCSI writes it (RFC 7143 §4.3.2): `iqn…,i,0x00023d000001`.
    public String name() {
        return isid == ANY_SESSION ? initiatorName : initiatorName + SEPARATOR + "%012x".formatted(isid);
    }

    /// Padded with zero bytes to a multiple of four and at least 24.
    public byte[] toBytes() {
        byte[] bytes = name().getBytes(StandardCharsets.UTF_8);
        int length = Math.max(MIN_BYTES - HEADER_BYTES, (bytes.length + 4) & ~3);
        return ByteBuffer.allocate(HEADER_BYTES + length)
                .put((byte) (isid == ANY_SESSION ? ISCSI_NAME : ISCSI_PORT))
                .put((byte) 0)
                .putShort((short) length)
                .put(bytes)
                .array();
    }

    /// Takes one from `in`, moving its position.
    ///
    /// @throws ScsiException INVALID FIELD IN PARAMETER LIST when it is cut short, of another transport, or no
    ///     name
    public static TransportId take(ByteBuffer in) {
        if (in.remaining() < HEADER_BYTES) {
            throw invalid();
        }
        int format = in.get() & 0xff;
        in.get();
        int length = in.getShort() & 0xffff;
        if (length > in.remaining() || (format != ISCSI_NAME && format != ISCSI_PORT)) {
            throw invalid();
        }
        var bytes = new byte[length];
        in.get(bytes);
        int end = 0;
        while (end < length && bytes[end] != 0) {
            end++;
        }
        if (end > MAX_TEXT_BYTES) {
            throw invalid();
        }
        String text = new String(bytes, 0, end, StandardCharsets.UTF_8);
        if (format == ISCSI_NAME) {
            return new TransportId(text, ANY_SESSION);
        }
        int separator = text.indexOf(SEPARATOR);
        if (separator < 0) {
            throw invalid();
        }
        return new TransportId(text.substring(0, separator), isid(text.substring(separator + SEPARATOR.length())));
    }

    private static long isid(String hex) {
        boolean digits = !hex.isEmpty() && hex.length() <= 12 && hex.chars().allMatch(c -> Character.digit(c, 16) >= 0);
        if (!digits) {
            throw invalid();
        }
        return Long.parseLong(hex, 16);
    }

    private static ScsiException invalid() {
        return ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
    }
}
