package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.Arrays;

/// Joins the data segments of login or text PDUs with the C bit (RFC 7143 §6.2): a pair may begin in one PDU and
/// end in the next. Confined to its connection.
public final class TextAssembler {
    /// Most bytes that the PDUs of one request or response may bring together.
    public static final int MAX_BYTES = 64 * 1024;

    private byte[] bytes = new byte[0];

    /// Takes a segment from position to limit; the position stays.
    ///
    /// @throws IscsiException when all of them together are over [#MAX_BYTES]
    public void add(ByteBuffer segment) {
        int length = segment.remaining();
        if (length > MAX_BYTES - bytes.length) {
            throw new IscsiException("text of more than " + MAX_BYTES + " bytes");
        }
        int joinedFrom = bytes.length;
        bytes = Arrays.copyOf(bytes, joinedFrom + length);
        segment.get(segment.position(), bytes, joinedFrom, length);
    }

    /// The pairs of all segments since the last call.
    ///
    /// @throws IscsiException as [LoginKeys#parse] does
    public LoginKeys take(int maxPairs) {
        var text = ByteBuffer.wrap(bytes);
        bytes = new byte[0];
        return LoginKeys.parse(text, maxPairs);
    }
}
