package pnfs.client;

import java.time.Instant;
import pnfs.wire.nfs4.FileType;

/// What the metadata server knows of a file. `size` and `spaceUsed` are bytes, `mode` the low twelve bits of a
/// Unix mode. Immutable.
public record FileInfo(
        FileType type,
        long size,
        int mode,
        int links,
        String owner,
        String group,
        long fileId,
        long spaceUsed,
        long change,
        Instant modified) {
    public boolean isDirectory() {
        return type == FileType.DIRECTORY;
    }
}
