package pnfs.it.sim;

import com.google.protobuf.InvalidProtocolBufferException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.proto.Envelope;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;

/// The control protocol on a simulated connection, byte for byte as on a real one.
final class ControlWire implements ConnectionHandler, ControlLink.Carrier {
    private final Connection connection;
    private final ControlLink link;

    private ControlWire(Connection connection, Function<ControlLink, ControlHandler> handlers) {
        this.connection = connection;
        this.link = new ControlLink(this);
        link.handler(handlers.apply(link));
    }

    static Function<Connection, ConnectionHandler> of(Function<ControlLink, ControlHandler> handlers) {
        return connection -> new ControlWire(connection, handlers);
    }

    @Override
    public void onBytes(ByteBuffer staged) {
        while (staged.remaining() >= Integer.BYTES
                && staged.remaining() >= Integer.BYTES + staged.getInt(staged.position())) {
            ByteBuffer message = staged.slice(staged.position() + Integer.BYTES, staged.getInt(staged.position()));
            staged.position(staged.position() + Integer.BYTES + message.remaining());
            try {
                link.received(Envelope.parseFrom(message));
            } catch (InvalidProtocolBufferException foreign) {
                throw new ControlException(String.valueOf(foreign.getMessage()));
            }
        }
    }

    @Override
    public void onClosed(String why) {
        link.ended();
    }

    @Override
    public SocketAddress peer() {
        return connection.peer();
    }

    @Override
    public void write(Envelope envelope) {
        byte[] bytes = envelope.toByteArray();
        connection.send(List.of(ByteBuffer.allocate(Integer.BYTES + bytes.length)
                .putInt(bytes.length)
                .put(bytes)
                .flip()));
    }

    @Override
    public void limit(CompletableFuture<Reply> answer, Duration patience) {
        var timer = connection
                .loop()
                .schedule(patience.toNanos(), () -> answer.completeExceptionally(new TimeoutException("no answer")));
        var _ = answer.whenComplete((reply, failure) -> timer.cancel());
    }

    @Override
    public void close() {
        connection.close("link closed");
    }
}
