package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import pnfs.wire.net.Connection;

/// Puts PDUs together and sends them, many at a time. Data path, confined to its connection.
///
/// A PDU is begun, its header fields are put with [Bhs] into [#buffer], and it is ended with its data:
///
///     int at = out.begin(Opcode.NOP_OUT, Bhs.FINAL);
///     Bhs.putCmdSn(out.buffer(), at, cmdSn);
///     out.end(at);
///     ...
///     out.flush();
///
/// Headers stand side by side in chunks that are given away piece by piece, so a PDU costs 48 bytes and no object.
public final class PduWriter {
    private static final int CHUNK_BYTES = 16 * 1024;
    /// Header, two digests, padding, and data up to [#COPIED_DATA_BYTES].
    private static final int MAX_CHUNKED_BYTES = Bhs.BYTES + 4 + 3 + 4;
    /// Data up to this length is copied behind its header: cheaper than a piece of its own.
    private static final int COPIED_DATA_BYTES = 512;

    private final Connection connection;
    private final CRC32C crc = new CRC32C();
    private final List<ByteBuffer> pieces = new ArrayList<>();
    private Digest headerDigest = Digest.NONE;
    private Digest dataDigest = Digest.NONE;
    private ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
    /// From here to the chunk's position nothing is among the pieces yet.
    private int unsentFrom;

    public PduWriter(Connection connection) {
        this.connection = connection;
    }

    /// From the next PDU on there are these digests.
    public void use(SessionParameters settled) {
        headerDigest = settled.headerDigest();
        dataDigest = settled.dataDigest();
    }

    /// Begins a PDU: a clean header with opcode and flags. Returns its index in [#buffer].
    public int begin(int opcode, int flags) {
        if (chunk.remaining() < MAX_CHUNKED_BYTES + COPIED_DATA_BYTES) {
            cut();
            chunk = ByteBuffer.allocate(CHUNK_BYTES);
            unsentFrom = 0;
        }
        int at = chunk.position();
        Bhs.begin(chunk, at, opcode, flags);
        chunk.position(at + Bhs.BYTES);
        return at;
    }

    /// Where the header of the PDU that was begun last stands.
    public ByteBuffer buffer() {
        return chunk;
    }

    /// Ends a PDU without data.
    public void end(int at) {
        endHeader(at, 0);
    }

    /// Ends a PDU with `bytes` bytes at `dataAt` of `data`. The bytes must stay as they are until they have left,
    /// except for up to 512 of them, which are copied.
    public void end(int at, ByteBuffer data, int dataAt, int bytes) {
        endHeader(at, bytes);
        if (bytes == 0) {
            return;
        }
        if (bytes <= COPIED_DATA_BYTES) {
            chunk.put(chunk.position(), data, dataAt, bytes);
            chunk.position(chunk.position() + bytes);
        } else {
            cut();
            pieces.add(data.slice(dataAt, bytes));
        }
        int padding = Bhs.padding(bytes);
        for (int i = 0; i < padding; i++) {
            chunk.put((byte) 0);
        }
        if (dataDigest != Digest.NONE) {
            chunk.putInt(Digest.sum(crc, data.slice(dataAt, bytes), padding));
        }
    }

    /// Ends a PDU with data of its own.
    public void end(int at, byte[] data) {
        end(at, ByteBuffer.wrap(data), 0, data.length);
    }

    private void endHeader(int at, int dataBytes) {
        Bhs.putDataBytes(chunk, at, dataBytes);
        if (headerDigest != Digest.NONE) {
            chunk.putInt(Digest.sum(crc, chunk.slice(at, Bhs.BYTES), 0));
        }
    }

    /// Sends all that was ended since the last flush.
    public void flush() {
        cut();
        if (!pieces.isEmpty()) {
            connection.send(List.copyOf(pieces));
            pieces.clear();
        }
    }

    private void cut() {
        if (chunk.position() > unsentFrom) {
            pieces.add(chunk.slice(unsentFrom, chunk.position() - unsentFrom));
            unsentFrom = chunk.position();
        }
    }
}
