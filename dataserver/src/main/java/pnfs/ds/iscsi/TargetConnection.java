package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.iscsi.PduReceiver.Landing;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.Digest;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Sink;

/// Cuts what a connection brings into PDUs (RFC 7143 §11.2). Belongs to the data path; confined to its loop.
///
/// A small data segment is waited for and handed on where it lies. A large one, [#IN_PLACE_BYTES] and up, is
/// received straight into the place that its header names: what has come with the header is copied, the rest
/// never passes through us. What breaks the protocol ends this connection and no other.
final class TargetConnection implements ConnectionHandler {
    /// Below, copying costs less than another system call.
    static final int IN_PLACE_BYTES = 16 << 10;

    private static final Logger log = LoggerFactory.getLogger(TargetConnection.class);
    private static final int MAX_AHS_BYTES = 255 * 4;
    private static final ByteBuffer NO_DATA = ByteBuffer.allocate(0);

    /// What comes next.
    private enum Step {
        HEADER,
        /// A small segment, with its padding and digest.
        DATA,
        /// A large segment, as far as it has a place.
        PLACED_DATA,
        /// The part of a large segment that nobody wants.
        SKIPPED_DATA,
        /// Padding and digest of a large segment.
        TRAILER
    }

    private final Connection connection;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer header = ByteBuffer.allocate(Bhs.BYTES + MAX_AHS_BYTES);
    private PduReceiver receiver;
    private boolean closed;

    private Step step = Step.HEADER;
    private int dataBytes;
    private ByteBuffer place = NO_DATA;
    private int skipBytes;

    /// @param first who understands the login
    TargetConnection(Connection connection, PduReceiver first) {
        this.connection = connection;
        this.receiver = first;
    }

    /// From the next PDU on somebody else listens.
    void handOver(PduReceiver next) {
        receiver = next;
    }

    @Override
    public void onBytes(ByteBuffer staged) {
        try {
            while (!closed && advance(staged)) {
                // Another PDU, or a part of one, is done.
            }
        } catch (IscsiException broken) {
            log.info("connection broke protocol peer={} why={}", connection.peer(), broken.getMessage());
            connection.close(String.valueOf(broken.getMessage()));
        } catch (InternalError poisoned) {
            // The volume's pages were readable when the command began, and one has failed since.
            log.warn("medium failed under arriving data peer={}", connection.peer(), poisoned);
            connection.close("medium failed under arriving data");
        }
    }

    /// False when there is too little to go on.
    private boolean advance(ByteBuffer staged) {
        return switch (step) {
            case HEADER -> takeHeader(staged);
            case DATA -> takeData(staged);
            case PLACED_DATA -> takePlacedData(staged);
            case SKIPPED_DATA -> skipData(staged);
            case TRAILER -> takeTrailer(staged);
        };
    }

    private boolean takeHeader(ByteBuffer staged) {
        if (staged.remaining() < Bhs.BYTES || connection.crowded()) {
            return false;
        }
        int at = staged.position();
        int headerBytes = Bhs.BYTES + Bhs.ahsBytes(staged, at);
        int wholeBytes = headerBytes + receiver.headerDigest().bytes();
        if (staged.remaining() < wholeBytes) {
            return false;
        }
        header.clear().put(0, staged, at, headerBytes).limit(headerBytes);
        if (receiver.headerDigest() != Digest.NONE && Digest.sum(crc, header, 0) != staged.getInt(at + headerBytes)) {
            throw new IscsiException("header digest does not match");
        }
        staged.position(at + wholeBytes);
        dataBytes = Bhs.dataBytes(header, 0);
        if (dataBytes > receiver.maxDataBytes()) {
            throw new IscsiException(Opcode.name(Bhs.opcode(header, 0)) + " with " + dataBytes + " bytes of data over "
                    + receiver.maxDataBytes());
        }
        receiver.begin(header, dataBytes);
        if (dataBytes == 0) {
            receiver.end(header, NO_DATA, Landing.STAGED);
        } else if (dataBytes < IN_PLACE_BYTES) {
            step = Step.DATA;
        } else {
            place(receiver.place(header, dataBytes));
        }
        return true;
    }

    private int trailerBytes() {
        return Bhs.padding(dataBytes) + receiver.dataDigest().bytes();
    }

    private boolean takeData(ByteBuffer staged) {
        if (staged.remaining() < dataBytes + trailerBytes()) {
            return false;
        }
        ByteBuffer data = staged.slice(staged.position(), dataBytes);
        staged.position(staged.position() + dataBytes);
        takeDigest(staged, data);
        step = Step.HEADER;
        receiver.end(header, data, Landing.STAGED);
        return true;
    }

    private void place(@Nullable ByteBuffer where) {
        place = where == null ? NO_DATA : where.limit(Math.min(where.limit(), where.position() + dataBytes));
        skipBytes = dataBytes - place.remaining();
        step = place.hasRemaining() ? Step.PLACED_DATA : Step.SKIPPED_DATA;
    }

    private boolean takePlacedData(ByteBuffer staged) {
        int here = Math.min(staged.remaining(), place.remaining());
        place.put(place.position(), staged, staged.position(), here).position(place.position() + here);
        staged.position(staged.position() + here);
        if (place.hasRemaining()) {
            connection.receiveInto(Sink.of(place));
            return false;
        }
        step = Step.SKIPPED_DATA;
        return true;
    }

    @Override
    public void onSinkFull(Sink sink) {
        step = Step.SKIPPED_DATA;
        // A PDU without padding and digest ends here, and nothing more need come to say so.
        onBytes(NO_DATA.duplicate());
    }

    private boolean skipData(ByteBuffer staged) {
        int here = Math.min(staged.remaining(), skipBytes);
        staged.position(staged.position() + here);
        skipBytes -= here;
        if (skipBytes > 0) {
            return false;
        }
        step = Step.TRAILER;
        return true;
    }

    private boolean takeTrailer(ByteBuffer staged) {
        if (staged.remaining() < trailerBytes()) {
            return false;
        }
        place.flip();
        takeDigest(staged, place);
        step = Step.HEADER;
        ByteBuffer data = place;
        place = NO_DATA;
        receiver.end(header, data, Landing.PLACED);
        return true;
    }

    private void takeDigest(ByteBuffer staged, ByteBuffer data) {
        int at = staged.position() + Bhs.padding(dataBytes);
        staged.position(at + receiver.dataDigest().bytes());
        // Skipped data was not kept, so its digest cannot be checked, and need not be.
        if (receiver.dataDigest() != Digest.NONE
                && data.remaining() == dataBytes
                && Digest.sum(crc, data, Bhs.padding(dataBytes)) != staged.getInt(at)) {
            throw new IscsiException("data digest does not match");
        }
    }

    @Override
    public void onClosed(String why) {
        closed = true;
        receiver.closed(why);
    }
}
