package pnfs.wire.xdr;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Reads XDR (RFC 4506) from a buffer, moving its position. Every length is checked against a limit of the
/// caller's and the bytes that are left before anything is allocated. Confined to one thread.
///
/// All methods throw [XdrException] where the bytes do not fit.
public final class XdrReader {
    private final ByteBuffer in;

    /// Reads from `in`'s position to its limit; the position moves with the reader.
    public XdrReader(ByteBuffer in) {
        this.in = in.order() == ByteOrder.BIG_ENDIAN ? in : in.duplicate().order(ByteOrder.BIG_ENDIAN);
    }

    public static XdrReader of(Opaque bytes) {
        return new XdrReader(ByteBuffer.wrap(bytes.toByteArray()));
    }

    public int remaining() {
        return in.remaining();
    }

    public int position() {
        return in.position();
    }

    /// Back to a [#position] of before.
    public void rewind(int position) {
        in.position(position);
    }

    /// What is left, as a view of the buffer; the position stays.
    public ByteBuffer unread() {
        return in.slice();
    }

    /// The 32 bits that [#readUint32] would read; the position stays.
    public int peekUint32() {
        need(Integer.BYTES);
        return in.getInt(in.position());
    }

    /// 32 bits as they stand; a value above 2^31-1 is negative in Java.
    public int readUint32() {
        need(Integer.BYTES);
        return in.getInt();
    }

    /// 64 bits as they stand; a value above 2^63-1 is negative in Java.
    public long readUint64() {
        need(Long.BYTES);
        return in.getLong();
    }

    /// An unsigned 64-bit number that must be at most 2^63-1: offsets, lengths.
    public long readInt63() {
        long value = readUint64();
        if (value < 0) {
            throw new XdrException("number " + Long.toUnsignedString(value) + " over 2^63-1");
        }
        return value;
    }

    public boolean readBool() {
        int value = readUint32();
        if (value != 0 && value != 1) {
            throw new XdrException("bool " + Integer.toUnsignedString(value));
        }
        return value == 1;
    }

    /// The count in front of an array: at most `max`, and small enough that so many elements of at least
    /// `minElementBytes` can follow.
    public int readCount(int max, int minElementBytes) {
        int count = readUint32();
        if (count < 0 || count > max) {
            throw new XdrException("count " + Integer.toUnsignedString(count) + " over " + max);
        }
        if ((long) count * minElementBytes > in.remaining()) {
            throw new XdrException("count " + count + " in " + in.remaining() + " bytes");
        }
        return count;
    }

    /// `length` bytes without a length in front, and the padding behind them.
    public byte[] readFixed(int length) {
        need(padded(length));
        var bytes = new byte[length];
        in.get(bytes);
        skipPadding(length);
        return bytes;
    }

    public Opaque readFixedOpaque(int length) {
        return Opaque.owning(readFixed(length));
    }

    public Opaque readOpaque(int maxBytes) {
        return Opaque.owning(readFixed(readCount(maxBytes, 1)));
    }

    /// The bytes of a variable-length opaque as a view of the buffer, valid as long as the buffer is: for
    /// payloads.
    public ByteBuffer readOpaqueView(int maxBytes) {
        int length = readCount(maxBytes, 1);
        need(padded(length));
        ByteBuffer view = in.slice(in.position(), length);
        in.position(in.position() + length);
        skipPadding(length);
        return view;
    }

    /// A string of at most `maxBytes` bytes that must be UTF-8.
    public String readString(int maxBytes) {
        ByteBuffer bytes = readOpaqueView(maxBytes);
        try {
            CharBuffer chars = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(bytes);
            return chars.toString();
        } catch (CharacterCodingException e) {
            throw new XdrException("string of " + bytes.limit() + " bytes is not UTF-8");
        }
    }

    public void expectEnd() {
        if (in.hasRemaining()) {
            throw new XdrException(in.remaining() + " bytes too many");
        }
    }

    private void skipPadding(int length) {
        // Content of the padding is not checked: RFC 4506 wants zeros, and receivers have always ignored it.
        in.position(in.position() + padded(length) - length);
    }

    private void need(int bytes) {
        if (bytes < 0 || in.remaining() < bytes) {
            throw new XdrException("needs " + Integer.toUnsignedString(bytes) + " bytes, has " + in.remaining());
        }
    }

    static int padded(int length) {
        return (length + 3) & ~3;
    }
}
