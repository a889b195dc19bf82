package pnfs.mds.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Sink;
import pnfs.wire.nfs4.CallbackCodec;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbSequenceArgs;
import pnfs.wire.nfs4.CbOpCode;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CbResult.CbFailure;
import pnfs.wire.nfs4.CbResult.CbSequenceResult;
import pnfs.wire.nfs4.CbResult.CbSuccess;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.CbHeader;
import pnfs.wire.nfs4.CompoundCodec.CbResults;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// A client's end of one connection to a [TestServer]: bytes in, bytes out, and nothing in between that the
/// test does not do.
public final class TestPeer implements Connection {
    private static final int PROGRAM = 100003;
    private static final int LAST_FRAGMENT = 0x8000_0000;
    private static final int CALL = 0;
    private static final int SUCCESS = 0;

    private final ManualLoop loop;
    private final List<Reply> replies = new ArrayList<>();
    private final List<Callback> callbacks = new ArrayList<>();
    private @Nullable ConnectionHandler handler;
    private RpcCredential credential = new RpcCredential.Sys(0, "test", 0, 0, List.of());
    private int xid;
    private @Nullable String closed;

    /// A reply as it came: whether and how the call was accepted, and the results behind that.
    private record Reply(int xid, int acceptStat, ByteBuffer body) {}

    TestPeer(ManualLoop loop) {
        this.loop = loop;
    }

    void attach(ConnectionHandler made) {
        handler = made;
    }

    /// Whose calls follow.
    public TestPeer as(RpcCredential who) {
        credential = who;
        return this;
    }

    /// Calls and takes the reply, which must be there at once.
    public Results call(int minorVersion, OpArgs... operations) {
        return results(send(minorVersion, operations));
    }

    /// Calls and returns the xid, by which [#results] finds the reply.
    public int send(int minorVersion, OpArgs... operations) {
        return send(encode(minorVersion, operations));
    }

    /// The bytes of a COMPOUND, without the RPC header.
    public static byte[] encode(int minorVersion, OpArgs... operations) {
        var out = new XdrWriter();
        CompoundCodec.writeCall(out, Opaque.ofUtf8("tag"), minorVersion, List.of(operations));
        return out.toByteArray();
    }

    /// Sends any bytes as the arguments of a COMPOUND.
    public int send(byte[] arguments) {
        return send(1, arguments);
    }

    /// Sends any bytes as the arguments of any procedure.
    public int send(int procedure, byte[] arguments) {
        var out = new XdrWriter(arguments.length + 512);
        out.writeUint32(0);
        out.writeUint32(++xid);
        out.writeUint32(0);
        out.writeUint32(2);
        out.writeUint32(PROGRAM);
        out.writeUint32(4);
        out.writeUint32(procedure);
        credential.write(out);
        out.writeUint64(0); // no verifier
        byte[] header = out.toByteArray();
        byte[] message = Arrays.copyOf(header, header.length + arguments.length);
        System.arraycopy(arguments, 0, message, header.length, arguments.length);
        ByteBuffer.wrap(message).putInt(0, LAST_FRAGMENT | (message.length - Integer.BYTES));
        if (handler != null && closed == null) {
            handler.onBytes(ByteBuffer.wrap(message));
        }
        Arrays.fill(message, (byte) 0xee); // the buffer is the connection's again
        loop.run();
        return xid;
    }

    /// Whether the call has its reply.
    public boolean isAnswered(int xid) {
        loop.run();
        return replies.stream().anyMatch(reply -> reply.xid() == xid);
    }

    /// How a call was accepted, RFC 5531 §9.
    public int acceptStat(int xid) {
        return find(xid).acceptStat();
    }

    /// The results of a call that has its reply.
    public Results results(int xid) {
        Reply reply = find(xid);
        assertThat(reply.acceptStat()).as("accept_stat").isEqualTo(SUCCESS);
        var in = new XdrReader(reply.body().duplicate());
        Results results = CompoundCodec.readResults(in);
        in.expectEnd();
        return results;
    }

    /// The results as they came.
    public Opaque bytes(int xid) {
        ByteBuffer body = find(xid).body().duplicate();
        return new XdrReader(body).readFixedOpaque(body.remaining());
    }

    /// Why the server closed the connection; null while it has not.
    public @Nullable String closed() {
        return closed;
    }

    /// The connection is gone.
    public void disconnect() {
        close("gone");
        loop.run();
    }

    private Reply find(int xid) {
        loop.run();
        return replies.stream()
                .filter(reply -> reply.xid() == xid)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no reply to " + xid));
    }

    @Override
    public long id() {
        return System.identityHashCode(this);
    }

    @Override
    public Loop loop() {
        return loop;
    }

    @Override
    public InetSocketAddress peer() {
        return new InetSocketAddress(0);
    }

    @Override
    public InetSocketAddress local() {
        return new InetSocketAddress(0);
    }

    @Override
    public void send(List<ByteBuffer> pieces) {
        var whole = ByteBuffer.allocate(
                pieces.stream().mapToInt(ByteBuffer::remaining).sum());
        pieces.forEach(whole::put);
        whole.flip();
        assertThat(whole.getInt()).as("record mark").isEqualTo(LAST_FRAGMENT | whole.remaining());
        int xid = whole.getInt();
        if (whole.getInt() == CALL) {
            called(xid, new XdrReader(whole.slice()));
            return;
        }
        assertThat(whole.getInt()).as("reply_stat").isZero();
        assertThat(whole.getLong()).as("verifier").isZero();
        replies.add(new Reply(xid, whole.getInt(), whole.slice()));
    }

    /// CB_NULL is answered at once; other callbacks wait for the test.
    private void called(int xid, XdrReader in) {
        assertThat(in.readUint32()).as("RPC version").isEqualTo(2);
        int program = in.readUint32();
        assertThat(in.readUint32()).as("version").isEqualTo(1);
        if (in.readUint32() == 0) {
            loop.execute(() -> reply(xid, new byte[0]));
            return;
        }
        in.readUint32();
        in.readOpaque(400);
        in.readUint64();
        CbHeader header = CompoundCodec.readCbHeader(in);
        var sequence = (CbSequenceArgs) CallbackCodec.readArgs(in);
        callbacks.add(new Callback(xid, program, header.minorVersion(), sequence, CallbackCodec.readArgs(in)));
    }

    /// A callback as it came: CB_SEQUENCE and one operation.
    public record Callback(int xid, int program, int minorVersion, CbSequenceArgs sequence, CbArgs operation) {}

    /// Callbacks that wait for an answer; the test removes them.
    public List<Callback> callbacks() {
        loop.run();
        return callbacks;
    }

    /// Answers the only callback that waits.
    public Callback answer(NfsStatus status) {
        assertThat(callbacks()).hasSize(1);
        Callback callback = callbacks.removeFirst();
        CbOpCode op = callback.operation().op();
        answer(callback, status == NfsStatus.OK ? new CbSuccess(op) : new CbFailure(op, status));
        return callback;
    }

    /// Answers a callback: its CB_SEQUENCE with OK, its operation with `result`.
    public void answer(Callback callback, CbResult result) {
        CbSequenceArgs sequence = callback.sequence();
        var sequenced = new CbSequenceResult(sequence.session(), sequence.sequence(), sequence.slot(), 15, 15);
        answer(callback, result.status(), List.of(sequenced, result));
    }

    /// Answers a callback in any way.
    public void answer(Callback callback, NfsStatus status, List<CbResult> results) {
        var out = new XdrWriter();
        CompoundCodec.writeCbResults(out, new CbResults(status, Opaque.EMPTY, results));
        reply(callback.xid(), out.toByteArray());
    }

    private void reply(int xid, byte[] results) {
        var out = new XdrWriter();
        out.writeUint32(0);
        out.writeUint32(xid);
        out.writeUint32(1);
        out.writeUint32(0);
        out.writeUint64(0); // no verifier
        out.writeUint32(SUCCESS);
        out.writeFixed(results);
        byte[] message = out.toByteArray();
        ByteBuffer.wrap(message).putInt(0, LAST_FRAGMENT | (message.length - Integer.BYTES));
        if (handler != null && closed == null) {
            handler.onBytes(ByteBuffer.wrap(message));
        }
        loop.run();
    }

    @Override
    public boolean crowded() {
        return false;
    }

    @Override
    public void receiveInto(Sink sink) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void pauseReading() {}

    @Override
    public void resumeReading() {}

    @Override
    public void close(String why) {
        if (closed == null) {
            closed = why;
            if (handler != null) {
                handler.onClosed(why);
            }
        }
    }
}
