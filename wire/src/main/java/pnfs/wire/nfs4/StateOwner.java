package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `state_owner4`: who opens or locks. Since 4.1 the client id is the session's, and this one says nothing.
public record StateOwner(long clientId, Opaque owner) {}
