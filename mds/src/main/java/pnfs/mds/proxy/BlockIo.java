package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;

/// Reads and writes volumes. Nothing here waits; answers come from any thread.
public interface BlockIo {
    /// Fills `into` from its position to its limit with the bytes of a volume from `volumeOffset` on. Whole
    /// blocks only.
    void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done);

    /// Writes the bytes of `from` from its position to its limit. Done means durable: data servers acknowledge
    /// only what is.
    void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done);

    /// Hears once how it went.
    @FunctionalInterface
    interface Done {
        /// The transfer has ended.
        ///
        /// @param failure null when all bytes were moved
        void done(@Nullable IoFailure failure);
    }

    /// Why bytes were not moved.
    ///
    /// @param passing whether it may go by itself (a data server is away) or not (the medium fails)
    /// @param over done when nothing of the transfer can reach storage any more: at once, or when a data server
    ///     that was lost with it on the way has confirmed that it dropped it
    record IoFailure(Lasting passing, String detail, CompletableFuture<Void> over) {
        /// Of a transfer that is over.
        public IoFailure(Lasting passing, String detail) {
            this(passing, detail, CompletableFuture.completedFuture(null));
        }

        /// Two that failed as one: why the first did, over when both are.
        IoFailure and(IoFailure other) {
            return other.over.isDone()
                    ? this
                    : new IoFailure(passing, detail, CompletableFuture.allOf(over, other.over));
        }

        enum Lasting {
            PASSING,
            LASTING
        }
    }
}
