package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `fattr4` as it stands: which attributes, and their values one behind the other in ascending order. Taken
/// apart by [AttributeCodec#read], so that an attribute nobody knows is an error of the operation and not of
/// the message.
public record Fattr(Bitmap attributes, Opaque values) {
    public static final Fattr EMPTY = new Fattr(Bitmap.EMPTY, Opaque.EMPTY);
}
