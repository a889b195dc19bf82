package pnfs.wire.xdr;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Writes XDR (RFC 4506) into a buffer that grows. A payload can be put in as a view, without a copy, with
/// [#writeOpaqueView]; [#buffers] then gives the pieces in order for one gathering write.
/// Confined to one thread.
public final class XdrWriter {
    private static final int SMALLEST = 256;

    private ByteBuffer out;
    /// Pieces that are finished, position 0 to limit: our own bytes so far and, read-only, foreign views
    /// between them. Empty until a view was written.
    private final List<ByteBuffer> finished = new ArrayList<>(0);
    private int finishedBytes;

    public XdrWriter() {
        this(SMALLEST);
    }

    public XdrWriter(int expectedBytes) {
        out = ByteBuffer.allocate(Math.max(expectedBytes, SMALLEST));
    }

    /// How many bytes were written so far.
    public int position() {
        return finishedBytes + out.position();
    }

    public void writeUint32(int value) {
        room(Integer.BYTES).putInt(value);
    }

    public void writeUint64(long value) {
        room(Long.BYTES).putLong(value);
    }

    public void writeBool(boolean value) {
        writeUint32(value ? 1 : 0);
    }

    /// Bytes without a length in front, padded with zeros.
    public void writeFixed(byte[] bytes) {
        room(XdrReader.padded(bytes.length)).put(bytes);
        pad(bytes.length);
    }

    public void writeFixed(Opaque bytes) {
        bytes.writeTo(this);
    }

    public void writeOpaque(byte[] bytes) {
        writeUint32(bytes.length);
        writeFixed(bytes);
    }

    public void writeOpaque(Opaque bytes) {
        writeUint32(bytes.length());
        bytes.writeTo(this);
    }

    /// Copies `bytes` from its position to its limit; its position stays.
    public void writeOpaque(ByteBuffer bytes) {
        int length = bytes.remaining();
        writeUint32(length);
        room(XdrReader.padded(length)).put(bytes.duplicate());
        pad(length);
    }

    /// Like [#writeOpaque] without the copy: `bytes` must stay as they are until the message is sent.
    public void writeOpaqueView(ByteBuffer bytes) {
        int length = bytes.remaining();
        writeUint32(length);
        finish();
        finished.add(bytes.slice().asReadOnlyBuffer());
        finishedBytes += length;
        room(Integer.BYTES);
        pad(length);
    }

    public void writeString(String text) {
        writeOpaque(text.getBytes(StandardCharsets.UTF_8));
    }

    /// Writes `value` over the four bytes at `at`, a [#position] of before at which [#writeUint32] wrote.
    public void patchUint32(int at, int value) {
        int start = finishedBytes;
        ByteBuffer piece = out;
        for (int i = finished.size(); at < start; ) {
            piece = finished.get(--i);
            start -= piece.limit();
        }
        if (piece.isReadOnly()) {
            throw new IllegalArgumentException("position " + at + " lies in a view");
        }
        piece.putInt(at - start, value);
    }

    /// Takes back everything written after `position`, views too. It must not lie within a view.
    public void truncate(int position) {
        while (position < finishedBytes) {
            ByteBuffer piece = finished.removeLast();
            finishedBytes -= piece.limit();
            if (position <= finishedBytes) {
                continue; // the whole piece goes
            }
            if (piece.isReadOnly()) {
                throw new IllegalArgumentException("position " + position + " lies in a view");
            }
            out = piece;
        }
        out.position(position - finishedBytes);
    }

    /// Everything written, in order, as views for a gathering write. The writer is finished after that.
    public List<ByteBuffer> buffers() {
        finish();
        return List.copyOf(finished);
    }

    /// A copy of everything written.
    public byte[] toByteArray() {
        var all = ByteBuffer.allocate(position());
        finished.forEach(piece -> all.put(piece.duplicate()));
        all.put(out.duplicate().flip());
        return all.array();
    }

    /// A copy of everything written after `position`.
    public byte[] toByteArray(int position) {
        byte[] all = toByteArray();
        return Arrays.copyOfRange(all, position, all.length);
    }

    public Opaque toOpaque() {
        return Opaque.owning(toByteArray());
    }

    private void finish() {
        if (out.position() > 0) {
            ByteBuffer written = out.duplicate().flip();
            finished.add(written.slice());
            finishedBytes += written.limit();
            out = out.slice(out.position(), out.capacity() - out.position());
        }
    }

    private void pad(int length) {
        for (int i = length; i < XdrReader.padded(length); i++) {
            out.put((byte) 0);
        }
    }

    private ByteBuffer room(int bytes) {
        if (out.remaining() < bytes) {
            int capacity = Math.max(Math.max(out.capacity() * 2, SMALLEST), out.position() + bytes);
            out = ByteBuffer.allocate(capacity).put(out.flip());
        }
        return out;
    }
}
