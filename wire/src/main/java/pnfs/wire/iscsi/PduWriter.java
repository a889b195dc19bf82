package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import pnfs.wire.net.Connection;

/// Puts PDUs together and sends them, many at a time, for either end. Data path, confined to its connection.
///
/// A PDU is begun, its header fields are put with [Bhs] into [#buffer], and it is ended with its data:
///
///     int at = out.begin(Opcode.NOP_OUT, Bhs.FINAL);
///     Bhs.putCmdSn(out.buffer(), at, cmdSn);
///     out.end(at);
///     ...
///     out.flush();
///
/// Headers and small data stand side by side in one buffer, which the connection copies, so a PDU costs no object.
public final class PduWriter {
    /// Header, two digests and padding.
    private static final int MAX_FRAME_BYTES = Bhs.BYTES + 4 + 3 + 4;
    /// Data up to this length is copied behind its header: cheaper than a piece of its own.
    private static final int COPIED_DATA_BYTES = 512;

    private final Connection connection;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer batch = ByteBuffer.allocate(Connection.COPIED_BYTES);
    private Digest headerDigest = Digest.NONE;
    private Digest dataDigest = Digest.NONE;

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
        if (batch.remaining() < MAX_FRAME_BYTES + COPIED_DATA_BYTES) {
            flush();
        }
        int at = batch.position();
        Bhs.begin(batch, at, opcode, flags);
        batch.position(at + Bhs.BYTES);
        return at;
    }

    /// Where the header of the PDU that was begun last stands, until it is ended.
    public ByteBuffer buffer() {
        return batch;
    }

    /// Ends a PDU without data.
    public void end(int at) {
        endHeader(at, 0);
    }

    /// Ends a PDU with `bytes` bytes at `dataAt` of `data`. The bytes must stay as they are until they have left,
    /// except for up to 512 of them, which are copied.
    public void end(int at, ByteBuffer data, int dataAt, int bytes) {
        endHeader(at, bytes);
        if (bytes > COPIED_DATA_BYTES) {
            flush();
            connection.send(List.of(data.slice(dataAt, bytes)));
            endData(data, dataAt, bytes);
        } else {
            endCopied(data, dataAt, bytes);
        }
    }

    /// As above, with bytes of one of few buffers that live long: see [Connection#send(ByteBuffer, int, int)].
    public void endLasting(int at, ByteBuffer data, int dataAt, int bytes) {
        endHeader(at, bytes);
        if (bytes > COPIED_DATA_BYTES) {
            flush();
            connection.send(data, dataAt, bytes);
            endData(data, dataAt, bytes);
        } else {
            endCopied(data, dataAt, bytes);
        }
    }

    /// Ends a PDU with data of its own.
    public void end(int at, byte[] data) {
        end(at, ByteBuffer.wrap(data), 0, data.length);
    }

    private void endHeader(int at, int dataBytes) {
        Bhs.putDataBytes(batch, at, dataBytes);
        if (headerDigest != Digest.NONE) {
            batch.putInt(Digest.sum(crc, batch.slice(at, Bhs.BYTES), 0));
        }
    }

    private void endCopied(ByteBuffer data, int dataAt, int bytes) {
        if (bytes > 0) {
            batch.put(batch.position(), data, dataAt, bytes);
            batch.position(batch.position() + bytes);
            endData(data, dataAt, bytes);
        }
    }

    private void endData(ByteBuffer data, int dataAt, int bytes) {
        int padding = Bhs.padding(bytes);
        for (int i = 0; i < padding; i++) {
            batch.put((byte) 0);
        }
        if (dataDigest != Digest.NONE) {
            batch.putInt(Digest.sum(crc, data.slice(dataAt, bytes), padding));
        }
    }

    /// Sends all that was ended since the last flush.
    public void flush() {
        if (batch.position() > 0) {
            connection.send(batch, 0, batch.position());
            batch.clear();
        }
    }
}
