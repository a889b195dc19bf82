package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `layoutreturn4`, RFC 8881 §18.44: what is returned.
public sealed interface LayoutReturnScope {
    record OfFile(FileRange range, Stateid stateid, Opaque body) implements LayoutReturnScope {}

    /// That of the current file.
    record OfFileSystem() implements LayoutReturnScope {}

    record All() implements LayoutReturnScope {}
}
