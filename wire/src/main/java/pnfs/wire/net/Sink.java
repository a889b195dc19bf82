package pnfs.wire.net;

import java.nio.ByteBuffer;

/// The final place of a payload, such as a slice of a mapped region: it is received there without a copy between.
public interface Sink {
    /// Where the payload goes, from its position to its limit; the position moves as bytes arrive. Always the same
    /// one.
    ByteBuffer buffer();

    /// Before a chunk of bytes is put there. False when this may not happen any more (a fence, an abort): the
    /// rest of the payload is then read and dropped. A device holds its lock from here to [#afterChunk].
    default boolean beforeChunk() {
        return true;
    }

    /// After a chunk was put there, if [#beforeChunk] said it may be.
    default void afterChunk() {}
}
