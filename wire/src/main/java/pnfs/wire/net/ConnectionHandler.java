package pnfs.wire.net;

import java.nio.ByteBuffer;

/// What a protocol makes of one connection's bytes. Confined to the connection's loop. An exception from any
/// method closes the connection and is counted; no other connection notices.
public interface ConnectionHandler {
    /// Takes whole messages from `staged`, moving its position, and leaves the rest, which comes again with
    /// more behind it. A message that cannot fit into [ConnectionLimits#stagedBytes] must be taken in parts.
    /// The buffer is the loop's: nothing of it may be kept.
    void onBytes(ByteBuffer staged);

    /// The sink given to [Connection#receiveInto] is full, or its payload was dropped as it wished.
    default void onSinkFull(Sink sink) {
        throw new IllegalStateException("a sink was filled that " + this + " does not know");
    }

    /// Everything of one read was handed over: time to send what was held back to go together.
    default void onBatchEnd() {}

    /// The connection is gone; nothing else will be called.
    void onClosed(String why);
}
