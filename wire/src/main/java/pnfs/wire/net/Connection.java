package pnfs.wire.net;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;

/// A stream of bytes to and from one peer. Confined to its loop, except for what says otherwise.
public interface Connection {
    /// A piece up to this size is copied: cheaper than an entry of its own in a gathering write.
    int COPIED_BYTES = 4 << 10;

    /// Unique in its network, never used again.
    long id();

    Loop loop();

    InetSocketAddress peer();

    InetSocketAddress local();

    /// Puts a message, the pieces one after the other, behind what was sent before. What is sent during one
    /// call of the handler leaves together. The pieces are given away: their positions move, and their bytes
    /// must stay as they are until they have left. After the connection was closed this does nothing. May be
    /// called from any thread.
    ///
    /// A peer that lets more than [ConnectionLimits#hardQueueBytes] pile up is cut off.
    void send(List<ByteBuffer> pieces);

    /// Sends a range of a buffer that the caller keeps. Up to [#COPIED_BYTES] of it are copied at once; a longer
    /// range must stay as it is until it has left, and should be of one of few buffers that live long, such as
    /// mapped memory. The buffer's position and limit play no part. On the loop only.
    default void send(ByteBuffer from, int at, int bytes) {
        ByteBuffer piece = bytes > COPIED_BYTES
                ? from.slice(at, bytes)
                : ByteBuffer.allocate(bytes).put(0, from, at, bytes);
        send(List.of(piece));
    }

    /// Whether to leave further messages where they are: more than [ConnectionLimits#softQueueBytes] wait to be
    /// sent, reading is paused, or the connection is closing. [ConnectionHandler#onBytes] comes again when that
    /// is over.
    boolean crowded();

    /// The bytes that follow those the handler took go to `sink` until it is full; then comes
    /// [ConnectionHandler#onSinkFull]. Only within a call of the handler, and one sink at a time.
    void receiveInto(Sink sink);

    /// Takes no more bytes from the peer until [#resumeReading]: the protocol has enough to do.
    void pauseReading();

    void resumeReading();

    /// Takes no more bytes, sends what waits to be sent as long as the peer takes it, and closes.
    /// `why` is for the log and for [ConnectionHandler#onClosed]. May be called from any thread, and twice.
    void close(String why);

    /// Closes at once: what waits to be sent is lost, so a peer that takes nothing cannot hold this up. May be
    /// called from any thread, and twice.
    default void drop(String why) {
        close(why);
    }
}
