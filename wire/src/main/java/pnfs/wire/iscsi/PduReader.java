package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.Sink;

/// Cuts the bytes of a connection into PDUs, for either end. Data path, confined to its connection; its owner
/// hands it every call of [pnfs.wire.net.ConnectionHandler] that brings bytes.
///
/// A data segment of [#IN_PLACE_BYTES] or more whose place the owner knows goes there straight from the socket.
/// Smaller ones are shown where they were staged. With data digests nothing goes in place: bytes are shown only
/// after their digest was right.
///
/// At most one segment of the negotiated length is buffered for a connection. Additional header segments are
/// passed over: nothing that we support has any.
public final class PduReader {
    /// Data segments this long are worth a receive of their own.
    public static final int IN_PLACE_BYTES = 16 * 1024;

    /// The owner's end. Buffers are valid during the call only; nothing may be written to them.
    public interface Receiver {
        /// A header has come, its data segment of `bytes` bytes follows. Returns a sink for exactly so many bytes,
        /// or null to have them shown. Asked only from [#IN_PLACE_BYTES] up and without data digests.
        @Nullable
        Sink place(ByteBuffer header, int at, int bytes);

        /// The data of the PDU for which [#place] gave a sink is there.
        void placed(ByteBuffer header, int at);

        /// A whole PDU: header at `at` of `header`, `dataBytes` of data at `dataAt` of `data`.
        void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes);
    }

    private enum State {
        /// Between PDUs, or within one that is taken as a whole.
        STAGED,
        /// The data segment goes to a sink.
        FILLING,
        /// Padding and digest behind such a segment.
        TRAILER
    }

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Connection connection;
    private final Receiver receiver;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer header = ByteBuffer.allocate(Bhs.BYTES);
    private State state = State.STAGED;
    private SessionParameters parameters = SessionParameters.LOGIN;
    private ByteBuffer data = NOTHING;
    private boolean inPlace;

    public PduReader(Connection connection, Receiver receiver) {
        this.connection = connection;
        this.receiver = receiver;
    }

    /// From the next PDU on digests and limits are these.
    public void use(SessionParameters settled) {
        parameters = settled;
    }

    /// Takes PDUs until there is no whole one left, or the connection is crowded.
    ///
    /// @throws IscsiException on a length over the limit or a wrong digest: nothing after it can be trusted
    public void onBytes(ByteBuffer staged) {
        boolean more = true;
        while (more && state != State.FILLING && !connection.crowded()) {
            more = state == State.TRAILER ? takeTrailer(staged) : takePdu(staged);
        }
    }

    /// The sink of the last `receiveInto` is full.
    public void onSinkFull() {
        state = State.TRAILER;
        if (trailerBytes(header, 0) == 0) {
            takeTrailer(NOTHING);
        }
    }

    private boolean takePdu(ByteBuffer staged) {
        if (staged.remaining() < Bhs.BYTES) {
            return false;
        }
        int at = staged.position();
        int ahsBytes = Bhs.ahsBytes(staged, at);
        int dataBytes = Bhs.dataBytes(staged, at);
        if (dataBytes > parameters.maxReceiveBytes()) {
            throw new IscsiException(Opcode.name(Bhs.opcode(staged, at)) + " with a data segment of " + dataBytes
                    + " bytes over " + parameters.maxReceiveBytes());
        }
        int headerBytes = Bhs.BYTES + ahsBytes + parameters.headerDigest().bytes();
        boolean large = dataBytes >= IN_PLACE_BYTES;
        int wanted = large ? headerBytes : headerBytes + dataBytes + trailerBytes(staged, at);
        if (staged.remaining() < wanted) {
            return false;
        }
        if (parameters.headerDigest() != Digest.NONE) {
            check(staged.slice(at, Bhs.BYTES + ahsBytes), 0, staged.getInt(at + Bhs.BYTES + ahsBytes), "header");
        }
        staged.position(at + wanted);
        if (large) {
            header.put(0, staged, at, Bhs.BYTES);
            fill(dataBytes);
        } else {
            int dataAt = at + headerBytes;
            if (dataBytes > 0 && parameters.dataDigest() != Digest.NONE) {
                check(
                        staged.slice(dataAt, dataBytes),
                        Bhs.padding(dataBytes),
                        digestAt(staged, dataAt, dataBytes),
                        "data");
            }
            receiver.pdu(staged, at, staged, dataAt, dataBytes);
        }
        return true;
    }

    private void fill(int dataBytes) {
        Sink place = parameters.dataDigest() == Digest.NONE ? receiver.place(header, 0, dataBytes) : null;
        inPlace = place != null;
        if (place == null) {
            data = ByteBuffer.allocate(dataBytes);
            place = Sink.of(data);
        }
        state = State.FILLING;
        connection.receiveInto(place);
    }

    private boolean takeTrailer(ByteBuffer staged) {
        int trailerBytes = trailerBytes(header, 0);
        if (staged.remaining() < trailerBytes) {
            return false;
        }
        int at = staged.position();
        staged.position(at + trailerBytes);
        state = State.STAGED;
        if (inPlace) {
            receiver.placed(header, 0);
            return true;
        }
        ByteBuffer filled = data;
        int dataBytes = filled.capacity();
        data = NOTHING;
        if (parameters.dataDigest() != Digest.NONE) {
            int padding = Bhs.padding(dataBytes);
            check(filled.slice(0, dataBytes), padding, staged.getInt(at + padding), "data");
        }
        receiver.pdu(header, 0, filled, 0, dataBytes);
        return true;
    }

    /// Padding and digest behind the data segment of the header at `at`.
    private int trailerBytes(ByteBuffer pdu, int at) {
        int dataBytes = Bhs.dataBytes(pdu, at);
        return dataBytes == 0
                ? 0
                : Bhs.padding(dataBytes) + parameters.dataDigest().bytes();
    }

    private static int digestAt(ByteBuffer staged, int dataAt, int dataBytes) {
        return staged.getInt(dataAt + dataBytes + Bhs.padding(dataBytes));
    }

    private void check(ByteBuffer bytes, int padding, int expected, String what) {
        int sum = Digest.sum(crc, bytes, padding);
        if (sum != expected) {
            throw new IscsiException(what + " digest is " + Integer.toHexString(expected) + ", but the bytes have "
                    + Integer.toHexString(sum));
        }
    }
}
