package pnfs.mds.namespace;

import pnfs.mds.compound.FileHandle;

/// A name in a directory, the file it leads to, and where a READDIR that has seen it goes on. Immutable.
///
/// @param name 1 to 255 bytes of UTF-8, compared byte by byte
/// @param cookie at least 3; higher for entries made later, kept by a rename inside the directory, never given
///     twice
public record Entry(String name, FileHandle file, long cookie) {}
