package pnfs.mds.attribute;

import java.util.List;
import pnfs.wire.nfs4.LayoutType;

/// What is the same for every file, and does not change while the server runs. Immutable.
///
/// @param fsidMajor of which server the file systems are: the same after a restart, or clients drop what they
///     know; the minor part is the number of the export
/// @param leaseSeconds how long a silent client keeps its state
/// @param layoutTypes the layouts that are offered, at most 8 (Linux ignores the rest); none means no pNFS
/// @param maxIoBytes the most bytes of one READ or WRITE through this server
public record FileSystemFacts(long fsidMajor, int leaseSeconds, List<LayoutType> layoutTypes, int maxIoBytes) {
    /// Every extent and every grant is a multiple of this; Linux refuses more than its page.
    public static final int LAYOUT_BLOCK_BYTES = 4096;

    /// A file has whole blocks, and no offset over 2^63-1.
    static final long MAX_FILE_BYTES = Long.MAX_VALUE & -LAYOUT_BLOCK_BYTES;

    public FileSystemFacts {
        layoutTypes = List.copyOf(layoutTypes);
    }
}
