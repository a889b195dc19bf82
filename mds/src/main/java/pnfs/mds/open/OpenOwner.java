package pnfs.mds.open;

import pnfs.wire.xdr.Opaque;

/// Who opens, in the words of its client: a process, a user; Linux has one for each user and mount. RFC 8881
/// §9.5. Immutable.
record OpenOwner(long clientId, Opaque owner) {}
