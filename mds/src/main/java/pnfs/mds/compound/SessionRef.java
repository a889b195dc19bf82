package pnfs.mds.compound;

import pnfs.wire.xdr.Opaque;

/// Whose COMPOUND it is, as SEQUENCE found out: the client, and the slot of the session it came in on. The last
/// three are what a callback's referring call names (RFC 8881 §2.10.6.3). Immutable.
public record SessionRef(long clientId, Opaque sessionId, int slotId, int sequenceId) {}
