package pnfs.mds.attribute;

import java.util.List;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.LayoutType;

/// What is the same for every file of the export, and does not change while the server runs. Immutable.
///
/// @param fsid which file system: the same after a restart, or clients drop what they know
/// @param leaseSeconds how long a silent client keeps its state
/// @param layoutTypes the layouts that are offered, at most 8 (Linux ignores the rest); none means no pNFS
/// @param maxIoBytes the most bytes of one READ or WRITE through this server
public record FileSystemFacts(Fsid fsid, int leaseSeconds, List<LayoutType> layoutTypes, int maxIoBytes) {
    /// Every extent and every grant is a multiple of this; Linux refuses more than its page.
    public static final int LAYOUT_BLOCK_BYTES = 4096;

    /// A file has whole blocks, and no offset over 2^63-1.
    static final long MAX_FILE_BYTES = Long.MAX_VALUE & -LAYOUT_BLOCK_BYTES;

    public FileSystemFacts {
        layoutTypes = List.copyOf(layoutTypes);
    }
}
