package pnfs.wire.net;

import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.List;

/// A connection to one peer. Confined to its loop, but for [#send] and [#close], which any thread may call.
public interface Connection {
    /// Unique in its network, for logs.
    long id();

    Loop loop();

    SocketAddress peer();

    SocketAddress local();

    /// Queues a message, from each piece's position to its limit; the pieces must stay as they are until they
    /// are sent. What a batch of reads makes the handler send leaves with one gathering write. A peer that does
    /// not take what is queued is not read from beyond [ConnectionLimits#queueSoftBytes], and closed beyond
    /// [ConnectionLimits#queueHardBytes]. After the end of the connection nothing happens.
    void send(List<ByteBuffer> message);

    /// The bytes that come next go into the sink until it is full; then [ConnectionHandler#onSinkFull] and
    /// ordinary bytes again. To be called from [ConnectionHandler#onBytes] or [ConnectionHandler#onSinkFull]
    /// only.
    void receiveInto(Sink sink);

    /// Ends the connection after what is queued was sent as far as the peer takes it at once.
    void close(String why);
}
