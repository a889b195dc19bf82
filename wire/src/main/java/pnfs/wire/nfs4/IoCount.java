package pnfs.wire.nfs4;

/// `io_info4`, RFC 7862 §15.7.
public record IoCount(long operations, long bytes) {}
