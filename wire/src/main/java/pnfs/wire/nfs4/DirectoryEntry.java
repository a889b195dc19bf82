package pnfs.wire.nfs4;

/// `entry4`, RFC 8881 §18.23.
public record DirectoryEntry(long cookie, String name, Fattr attributes) {}
