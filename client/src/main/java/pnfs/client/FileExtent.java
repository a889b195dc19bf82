package pnfs.client;

import java.util.UUID;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;

/// A piece of a file and where it is. `place` is null for a hole. Immutable.
public record FileExtent(
        ByteRange file, State state, @Nullable Place place) {
    /// What a reader finds.
    public enum State {
        /// Data.
        WRITTEN,
        /// Storage that the file owns and that reads as zeros, because nobody wrote it yet.
        UNWRITTEN,
        /// No storage; reads as zeros.
        HOLE
    }

    /// Bytes of a region: `offset` counts from the start of its data.
    public record Place(String dataServer, UUID region, long offset) {}
}
