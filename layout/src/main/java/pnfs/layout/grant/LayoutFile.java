package pnfs.layout.grant;

import pnfs.layout.extent.ExtentMap;

/// A file as layouts see it. The extents are the file's own map and change under our hands; the rest is as it
/// was when the caller took the file's lock.
///
/// @param inode its id, which is never used again
/// @param size in bytes
public record LayoutFile(long inode, long size, ExtentMap extents) {}
