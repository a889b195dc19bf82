package pnfs.client;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/// One disk of a data server. Offsets are bytes; everything is whole blocks. Safe for all threads; any number
/// may be outstanding.
interface Disk {
    /// Done when the data server has made `data`, from its position to its limit, durable. The buffer must stay
    /// as it is until then.
    CompletableFuture<Void> write(long offset, ByteBuffer data);

    /// Registers us with this key, so that a reservation for registrants lets us in; 0 ends that.
    CompletableFuture<Void> register(long key);

    /// Fills `into` from its position to its limit. Nobody may touch it until that is done.
    CompletableFuture<Void> read(long offset, ByteBuffer into);
}
