package pnfs.client;

import pnfs.layout.extent.ByteRange;

/// What a [PnfsClient] tells while it works, for progress and timelines. Called on the threads that do the
/// work, so it must be quick and safe for all threads.
public interface IoEvents {
    /// Nobody listens.
    IoEvents NONE = new IoEvents() {};

    /// A LAYOUTGET was answered with `extents` extents that cover `range`.
    default void mapped(String path, ByteRange range, int extents, long nanos) {}

    /// A piece went straight to a data server.
    default void written(String path, ByteRange range, long nanos) {}

    /// A piece came straight from a data server.
    default void read(String path, ByteRange range, long nanos) {}

    /// A LAYOUTCOMMIT was answered: `ranges` ranges of `bytes` bytes became part of the file.
    default void committed(String path, int ranges, long bytes, long nanos) {}

    /// `range` goes through the metadata server, and why.
    default void throughMds(String path, ByteRange range, String why) {}
}
