package pnfs.layout.grant;

import java.util.List;
import java.util.Optional;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;

/// A range of a file that I/O of the metadata server's own has under way, for a client without a layout there. It
/// begins before the I/O and ends after it, in [LayoutManager]; in between no layout is granted that it would
/// disturb. The range is whole blocks. Guarded by the file's lock; what it shows never changes.
public final class ProxyHold {
    enum Kind {
        /// Data is being read: its storage must not go to another file.
        READ,
        /// Data is being written.
        WRITE,
        /// Storage is being set aside.
        ALLOCATE,
        /// The file is being cut off at the start of the range, or inside its first block.
        SHRINK,
        /// A hole is being made, which may begin and end inside blocks.
        PUNCH,
        /// What nobody wrote is being made zeros, so that a layout can have it as data.
        FILL,
        /// What lies on one volume is going to others.
        MOVE
    }

    private final Kind kind;
    private final long inode;
    private final ByteRange range;
    private final List<Extent> extents;
    private final SpacePlan plan;

    ProxyHold(Kind kind, long inode, ByteRange range, List<Extent> extents, SpacePlan plan) {
        this.kind = kind;
        this.inode = inode;
        this.range = range;
        this.extents = List.copyOf(extents);
        this.plan = plan;
    }

    public long inode() {
        return inode;
    }

    public ByteRange range() {
        return range;
    }

    /// What to read from or write to. Reading: a tiling of the range, in which only READ_WRITE_DATA has
    /// anything to read and the rest is zeros. Writing: a tiling with storage under every block, where the
    /// blocks that are INVALID_DATA must be written whole. Shrinking: the one block with data on both sides of
    /// the new end, or nothing. Punching: the data in the blocks of [#copies]. Filling: what is to become
    /// zeros. Moving: where the range lies now, all of it in one state.
    public List<Extent> extents() {
        return extents;
    }

    /// Shrinking with a block to divide: where its copy goes, with zeros from the new end on.
    public Optional<Extent> tailCopy() {
        return kind == Kind.SHRINK ? plan.reserved().stream().findFirst() : Optional.empty();
    }

    /// Punching: where copies of the blocks go of which a part is to stay, with zeros in the hole; at most two.
    /// Moving: where the range goes.
    public List<Extent> copies() {
        return kind == Kind.PUNCH || kind == Kind.MOVE ? plan.reserved() : List.of();
    }

    Kind kind() {
        return kind;
    }

    SpacePlan plan() {
        return plan;
    }

    /// Whether `other`, I/O of ours too, must wait for this one.
    boolean blocks(Kind other, ByteRange otherRange) {
        boolean apart = switch (kind) {
            case READ -> other != Kind.SHRINK && other != Kind.PUNCH && other != Kind.MOVE;
            case WRITE -> other == Kind.READ;
            case ALLOCATE, SHRINK, PUNCH, FILL, MOVE -> false;
        };
        return !apart && range.overlaps(otherRange);
    }
}
