package pnfs.wire.nfs4;

import java.util.Optional;

/// `channel_attrs4`, RFC 8881 §18.36. Sizes in bytes. A value above 2^31-1 is read as 2^31-1: negotiation only
/// lowers.
public record ChannelAttributes(
        int headerPadBytes,
        int maxRequestBytes,
        int maxResponseBytes,
        int maxResponseCachedBytes,
        int maxOperations,
        int maxRequests,
        Optional<Integer> rdmaReads) {}
