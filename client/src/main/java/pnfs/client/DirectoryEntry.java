package pnfs.client;

/// A name in a directory and what it stands for. Immutable.
public record DirectoryEntry(String name, FileInfo info) {}
