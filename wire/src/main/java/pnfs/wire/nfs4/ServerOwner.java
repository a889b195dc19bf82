package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `server_owner4`, RFC 8881 §2.10.5: equal major ids are one server, equal minor ids too are one set of sessions.
public record ServerOwner(long minorId, Opaque majorId) {}
