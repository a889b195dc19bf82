package pnfs.layout.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import pnfs.wire.xdr.Opaque;

/// How a volume is put together from regions: RFC 5663 §2.2.1, RFC 8154 §2.3.1. The types allow what Linux maps
/// rightly and nothing else: a whole disk, a slice of one, or a concatenation or stripe of those. Deeper
/// nesting is legal XDR, but Linux loses offsets in it. Immutable.
///
/// All offsets and lengths are bytes, in the volume or in a region as named.
public sealed interface VolumeTopology {
    /// Linux gives up a device with more children.
    int MAX_PARTS = 64;

    /// A stripe unit must be a multiple of this: Linux maps page by page.
    int PAGE_BYTES = 4096;

    /// Bytes that the volume has.
    long capacity();

    /// Where bytes of the volume are: pieces of regions in the order of the volume, each as long as it can be.
    ///
    /// @throws IllegalArgumentException where the range does not lie inside the volume
    default List<Piece> resolve(long volumeOffset, long length) {
        if (volumeOffset < 0 || length < 0 || volumeOffset > capacity() - length) {
            throw new IllegalArgumentException(
                    "offset " + volumeOffset + " length " + length + " outside a volume of " + capacity());
        }
        var pieces = new ArrayList<Piece>();
        resolveInto(volumeOffset, length, pieces);
        return List.copyOf(pieces);
    }

    /// [#resolve] for a range that is known to lie inside.
    void resolveInto(long volumeOffset, long length, List<Piece> pieces);

    /// The disks under the volume, each once, in the order in which they first appear.
    List<Leaf> leaves();

    /// Where in the volume the first byte of a disk lies, in ascending order; disks of which only a later part is
    /// used do not appear.
    List<Long> diskStarts();

    /// The same shape over other disks: the block layout names them by signature, the SCSI layout by designator.
    VolumeTopology withLeaves(UnaryOperator<Leaf> replace);

    /// A run of bytes in one region.
    record Piece(RegionId region, long offset, long length) {
        /// Appends to `pieces`, as part of the last one where it goes on there.
        private void appendTo(List<Piece> pieces) {
            Piece last = pieces.isEmpty() ? null : pieces.getLast();
            if (last != null && last.region.equals(region) && last.offset + last.length == offset) {
                pieces.set(pieces.size() - 1, new Piece(region, last.offset, last.length + length));
            } else if (length > 0) {
                pieces.add(this);
            }
        }
    }

    /// What a concatenation or a stripe may be made of.
    sealed interface Part extends VolumeTopology {
        @Override
        Part withLeaves(UnaryOperator<Leaf> replace);
    }

    /// A whole disk: one region.
    sealed interface Leaf extends Part {
        RegionId region();

        @Override
        default void resolveInto(long volumeOffset, long length, List<Piece> pieces) {
            new Piece(region(), volumeOffset, length).appendTo(pieces);
        }

        @Override
        default List<Leaf> leaves() {
            return List.of(this);
        }

        @Override
        default List<Long> diskStarts() {
            return List.of(0L);
        }

        @Override
        default Leaf withLeaves(UnaryOperator<Leaf> replace) {
            return replace.apply(this);
        }
    }

    /// A disk as the block layout names it: by bytes that can be read from it (`PNFS_BLOCK_VOLUME_SIMPLE`).
    record Simple(RegionId region, long capacity, List<Signature> signatures) implements Leaf {
        public static final int MAX_SIGNATURES = 16;

        public Simple {
            requireCapacity(capacity);
            signatures = List.copyOf(signatures);
            if (signatures.isEmpty() || signatures.size() > MAX_SIGNATURES) {
                throw new IllegalArgumentException("signatures " + signatures.size() + ", 1 to " + MAX_SIGNATURES);
            }
        }
    }

    /// Bytes that stand on a disk, and where: a negative `offset` counts from its end.
    record Signature(long offset, Opaque contents) {
        /// As many as blkmapd and the kernel take.
        public static final int MAX_BYTES = 128;

        public Signature {
            if (contents.length() == 0 || contents.length() > MAX_BYTES) {
                throw new IllegalArgumentException("signature of " + contents.length() + " bytes, 1 to " + MAX_BYTES);
            }
        }
    }

    /// A disk as the SCSI layout names it: by its designator (`PNFS_SCSI_VOLUME_BASE`). The reservation key that
    /// stands beside it on the wire belongs to the client that asks, not to the disk.
    record Scsi(RegionId region, long capacity, Designator designator) implements Leaf {
        public Scsi {
            requireCapacity(capacity);
        }
    }

    /// `capacity` bytes of a disk from `start` on.
    record Slice(Leaf of, long start, long capacity) implements Part {
        public Slice {
            requireCapacity(capacity);
            if (start < 0 || start > of.capacity() - capacity) {
                throw new IllegalArgumentException(
                        "slice at " + start + " of " + capacity + " bytes outside a disk of " + of.capacity());
            }
        }

        @Override
        public void resolveInto(long volumeOffset, long length, List<Piece> pieces) {
            of.resolveInto(start + volumeOffset, length, pieces);
        }

        @Override
        public List<Leaf> leaves() {
            return of.leaves();
        }

        @Override
        public List<Long> diskStarts() {
            return start == 0 ? List.of(0L) : List.of();
        }

        @Override
        public Slice withLeaves(UnaryOperator<Leaf> replace) {
            return new Slice(replace.apply(of), start, capacity);
        }
    }

    /// Parts behind one another.
    record Concat(List<Part> parts) implements VolumeTopology {
        public Concat {
            parts = requireParts(parts);
        }

        @Override
        public long capacity() {
            return parts.stream().mapToLong(Part::capacity).reduce(0, Math::addExact);
        }

        @Override
        public void resolveInto(long volumeOffset, long length, List<Piece> pieces) {
            long partStart = 0;
            for (Part part : parts) {
                long from = Math.max(volumeOffset, partStart);
                long to = Math.min(volumeOffset + length, partStart + part.capacity());
                if (from < to) {
                    part.resolveInto(from - partStart, to - from, pieces);
                }
                partStart += part.capacity();
            }
        }

        @Override
        public List<Leaf> leaves() {
            return leavesOf(parts);
        }

        @Override
        public List<Long> diskStarts() {
            var starts = new ArrayList<Long>();
            long partStart = 0;
            for (Part part : parts) {
                for (long start : part.diskStarts()) {
                    starts.add(partStart + start);
                }
                partStart += part.capacity();
            }
            return starts;
        }

        @Override
        public Concat withLeaves(UnaryOperator<Leaf> replace) {
            return new Concat(
                    parts.stream().map(part -> part.withLeaves(replace)).toList());
        }
    }

    /// Parts of equal size dealt out in turn, `unitBytes` at a time.
    record Stripe(long unitBytes, List<Part> parts) implements VolumeTopology {
        public Stripe {
            parts = requireParts(parts);
            if (unitBytes <= 0 || unitBytes % PAGE_BYTES != 0) {
                throw new IllegalArgumentException("stripe unit " + unitBytes + " not a multiple of " + PAGE_BYTES);
            }
            long first = parts.getFirst().capacity();
            for (Part part : parts) {
                if (part.capacity() != first) {
                    throw new IllegalArgumentException("stripe of parts of " + first + " and " + part.capacity()
                            + " bytes: cut them to one size with slices");
                }
            }
            if (first < unitBytes) {
                throw new IllegalArgumentException("stripe unit " + unitBytes + " over its parts of " + first);
            }
        }

        /// Whole units only: what is left at the end of each part is not used.
        @Override
        public long capacity() {
            return Math.multiplyExact(parts.getFirst().capacity() / unitBytes * unitBytes, (long) parts.size());
        }

        @Override
        public void resolveInto(long volumeOffset, long length, List<Piece> pieces) {
            long end = volumeOffset + length;
            for (long at = volumeOffset; at < end; ) {
                long unit = at / unitBytes;
                long inUnit = at % unitBytes;
                long run = Math.min(unitBytes - inUnit, end - at);
                Part part = parts.get((int) (unit % parts.size()));
                part.resolveInto(unit / parts.size() * unitBytes + inUnit, run, pieces);
                at += run;
            }
        }

        @Override
        public List<Leaf> leaves() {
            return leavesOf(parts);
        }

        @Override
        public List<Long> diskStarts() {
            return IntStream.range(0, parts.size())
                    .filter(i -> !parts.get(i).diskStarts().isEmpty())
                    .mapToObj(i -> i * unitBytes)
                    .toList();
        }

        @Override
        public Stripe withLeaves(UnaryOperator<Leaf> replace) {
            return new Stripe(
                    unitBytes,
                    parts.stream().map(part -> part.withLeaves(replace)).toList());
        }
    }

    private static List<Part> requireParts(List<Part> parts) {
        if (parts.isEmpty() || parts.size() > MAX_PARTS) {
            throw new IllegalArgumentException("parts " + parts.size() + ", 1 to " + MAX_PARTS);
        }
        return List.copyOf(parts);
    }

    private static void requireCapacity(long capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("capacity " + capacity);
        }
    }

    private static List<Leaf> leavesOf(List<Part> parts) {
        return parts.stream().flatMap(part -> part.leaves().stream()).distinct().toList();
    }
}
