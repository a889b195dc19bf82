package pnfs.wire.net;

import java.nio.ByteBuffer;

/// The protocol's end of a [Connection], called on its loop only, one call at a time. An exception that leaves
/// a call closes this connection and no other.
public interface ConnectionHandler {
    /// Bytes have come. Takes whole messages by moving the position of `staged`, as long as the connection is
    /// not [Connection#crowded], and leaves the rest: it is there again, with more behind it, next time. A
    /// message of which more than [Network#STAGING_BYTES] would be left must be taken in parts, or by
    /// [Connection#receiveInto]. The buffer is valid during the call only, and big-endian.
    void onBytes(ByteBuffer staged);

    /// `sink` has all it wanted.
    default void onSinkFull(Sink sink) {
        throw new IllegalStateException("nobody asked for " + sink);
    }

    /// The peer will send no more but may still read. True means that answers are still being made: the handler
    /// closes the connection after the last of them. False closes it once what was sent has left.
    default boolean onEnd() {
        return false;
    }

    /// The connection is gone; the last call.
    default void onClosed(String why) {}
}
