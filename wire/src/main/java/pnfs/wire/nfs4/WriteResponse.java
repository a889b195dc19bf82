package pnfs.wire.nfs4;

import java.util.Optional;

/// `write_response4`, RFC 7862 §15.2. With a `callbackId` the work goes on, and CB_OFFLOAD tells of its end.
public record WriteResponse(Optional<Stateid> callbackId, long count, StableHow committed, long verifier) {}
