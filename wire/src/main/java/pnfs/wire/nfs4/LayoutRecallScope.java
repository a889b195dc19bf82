package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `layoutrecall4`, RFC 8881 §20.3: what is to be returned.
public sealed interface LayoutRecallScope {
    record OfFile(Opaque fileHandle, FileRange range, Stateid stateid) implements LayoutRecallScope {}

    record OfFileSystem(AttributeValue.Fsid fsid) implements LayoutRecallScope {}

    record All() implements LayoutRecallScope {}
}
