package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.Digest;
import pnfs.wire.net.Connection;

/// PDUs on their way to the initiator: put together, with digests if the login settled on any. Belongs to the
/// data path; confined to its connection's loop, which sends what one turn brings as one batch.
///
/// Data is a view of the volume or of a reply, never a copy.
final class Outbox {
    private final Connection connection;
    private final CRC32C crc = new CRC32C();
    private Digest headerDigest = Digest.NONE;
    private Digest dataDigest = Digest.NONE;

    Outbox(Connection connection) {
        this.connection = connection;
    }

    /// From the next PDU on.
    void useDigests(Digest header, Digest data) {
        headerDigest = header;
        dataDigest = data;
    }

    /// Starts a PDU: 48 bytes to be filled in, at index 0.
    ByteBuffer begin(int opcode, int flags) {
        var header = ByteBuffer.allocate(Bhs.BYTES + headerDigest.bytes());
        Bhs.begin(header, 0, opcode, flags);
        return header;
    }

    /// Ends a PDU without data.
    void end(ByteBuffer header) {
        connection.send(List.of(finished(header, 0)));
    }

    /// Ends a PDU whose data segment is what remains of a buffer.
    void end(ByteBuffer header, ByteBuffer data) {
        int bytes = data.remaining();
        if (bytes == 0) {
            end(header);
            return;
        }
        int padding = Bhs.padding(bytes);
        if (padding + dataDigest.bytes() == 0) {
            connection.send(List.of(finished(header, bytes), data));
            return;
        }
        var trailer = ByteBuffer.allocate(padding + dataDigest.bytes());
        if (dataDigest != Digest.NONE) {
            trailer.putInt(padding, Digest.sum(crc, data, padding));
        }
        connection.send(List.of(finished(header, bytes), data, trailer));
    }

    private ByteBuffer finished(ByteBuffer header, int dataBytes) {
        Bhs.putDataBytes(header, 0, dataBytes);
        if (headerDigest != Digest.NONE) {
            int sum = Digest.sum(crc, header.limit(Bhs.BYTES), 0);
            header.clear().putInt(Bhs.BYTES, sum);
        }
        return header.clear();
    }
}
