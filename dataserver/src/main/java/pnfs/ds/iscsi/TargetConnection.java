package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.PduReader;
import pnfs.wire.iscsi.PduWriter;
import pnfs.wire.iscsi.SessionParameters;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Sink;

/// One connection of an initiator: its PDUs go to the login first and then to the session. Belongs to the data
/// path; confined to its loop.
///
/// What breaks the protocol ends this connection and no other.
final class TargetConnection implements ConnectionHandler, PduReader.Receiver {
    private static final Logger log = LoggerFactory.getLogger(TargetConnection.class);

    /// Who understands the PDUs at the moment. Each method may throw [IscsiException].
    interface Phase {
        /// A header has come with a large data segment behind it: aims at where that goes. False to have it shown
        /// with the whole PDU.
        boolean place(ByteBuffer header, int at, int bytes, DataSink sink);

        /// That segment is where it should be.
        void placed(ByteBuffer header, int at);

        /// A whole PDU: header at `at`, `dataBytes` of data at `dataAt` of `data`, valid during the call.
        void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes);

        /// The connection is gone.
        void closed(String why);
    }

    private final Connection connection;
    private final PduReader reader;
    private final PduWriter out;
    private final DataSink sink = new DataSink();
    private Phase phase;
    private boolean closed;

    TargetConnection(IscsiTarget target, Connection connection) {
        this.connection = connection;
        this.reader = new PduReader(connection, this);
        this.out = new PduWriter(connection);
        this.phase = new LoginPhase(target, this);
    }

    Connection connection() {
        return connection;
    }

    Loop loop() {
        return connection.loop();
    }

    /// Where PDUs to the initiator are put together. What is ended while a PDU is handled leaves with it; whoever
    /// ends one at another time has to flush.
    PduWriter out() {
        return out;
    }

    /// From the next PDU on somebody else listens, and these parameters hold.
    void goOn(Phase next, SessionParameters settled) {
        phase = next;
        reader.use(settled);
        out.use(settled);
    }

    /// Closes behind what was ended so far.
    void close(String why) {
        out.flush();
        connection.close(why);
    }

    @Override
    public void onBytes(ByteBuffer staged) {
        try {
            reader.onBytes(staged);
            out.flush();
        } catch (IscsiException broken) {
            dropped(broken);
        }
    }

    @Override
    public void onSinkFull(Sink full) {
        try {
            reader.onSinkFull();
            out.flush();
        } catch (IscsiException broken) {
            dropped(broken);
        }
    }

    private void dropped(IscsiException broken) {
        log.info("connection broke protocol peer={} why={}", connection.peer(), broken.getMessage());
        close(String.valueOf(broken.getMessage()));
    }

    @Override
    public @Nullable Sink place(ByteBuffer header, int at, int bytes) {
        return phase.place(header, at, bytes, sink) ? sink : null;
    }

    @Override
    public void placed(ByteBuffer header, int at) {
        if (!closed) {
            phase.placed(header, at);
        }
    }

    @Override
    public void pdu(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        if (!closed) {
            phase.pdu(header, at, data, dataAt, dataBytes);
        }
    }

    @Override
    public void onClosed(String why) {
        closed = true;
        phase.closed(why);
    }
}
