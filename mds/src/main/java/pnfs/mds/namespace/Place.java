package pnfs.mds.namespace;

import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.FileHandle;

/// A name in a directory and what it leads to, seen under the locks of both. Immutable; true as long as those
/// are held.
///
/// @param entry, file null when the name is free
public record Place(
        Inode directory,
        String name,
        @Nullable Entry entry,
        @Nullable Inode file) {
    /// Where to look.
    public record Spot(FileHandle directory, String name) {}

    @Override
    public String toString() {
        return "'" + name + "' in " + directory;
    }
}
