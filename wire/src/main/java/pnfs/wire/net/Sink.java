package pnfs.wire.net;

import java.nio.ByteBuffer;

/// The final place of a payload, as a slice of a mapped region: bytes come into it straight from the socket.
/// Filled in chunks on the connection's loop.
public interface Sink {
    /// How many bytes are still wanted; 0 when it is full.
    long remaining();

    /// Takes one chunk: calls `source` exactly once, with a buffer for at least one and at most [#remaining]
    /// bytes. What must hold while memory is written, as a device's fence lock, is held around that call.
    void takeFrom(Source source);

    /// Where the bytes of one chunk come from.
    interface Source {
        /// Puts what is there into `place`, at most as much as fits and perhaps nothing, and moves its position.
        void fill(ByteBuffer place);
    }

    /// A sink that is one buffer, from its position to its limit.
    static Sink of(ByteBuffer place) {
        return new Sink() {
            @Override
            public long remaining() {
                return place.remaining();
            }

            @Override
            public void takeFrom(Source source) {
                source.fill(place);
            }
        };
    }
}
