package pnfs.mds.lock;

import pnfs.wire.xdr.Opaque;

/// Who locks, in the words of its client: a process, or an open file description. RFC 8881 §9.5. Immutable.
record LockOwner(long clientId, Opaque owner) {}
