package pnfs.wire.nfs4;

import pnfs.wire.nfs4.AttributeValue.LayoutBody;

/// `layout4`, RFC 8881 §3.3.13: a piece of a layout.
public record LayoutSegment(FileRange range, Iomode iomode, LayoutBody content) {}
