package pnfs.client;

import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.xdr.Opaque;

/// A session as the server gave it (RFC 8881 §2.10).
///
/// @param nextSequence for the next CREATE_SESSION of the client id
/// @param epoch counts how often all our state at the server was lost
/// @param limits what the server granted for calls to it
record Session(long clientId, int nextSequence, long epoch, Opaque id, SlotTable slots, ChannelAttributes limits) {
    private static final int AROUND_DATA_BYTES = 2048; // the rest of a compound with a READ or WRITE
    private static final int IO_UNIT_BYTES = 4096;

    /// Bytes of one READ or WRITE: whole blocks.
    int ioBytes() {
        int bytes = Math.min(limits.maxRequestBytes(), limits.maxResponseBytes()) - AROUND_DATA_BYTES;
        return Math.max(IO_UNIT_BYTES, bytes / IO_UNIT_BYTES * IO_UNIT_BYTES);
    }
}
