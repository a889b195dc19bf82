package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `notify4`, RFC 8881 §20.4: the kinds, and what they say one behind the other.
public record Notification(Bitmap kinds, Opaque values) {}
