package pnfs.layout.device;

import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;

/// A volume that we hand out to clients: one device id, one address space from 0 to `capacity`, one allocator.
/// Each region is a volume of its own unless it was configured into a stripe or a concatenation. Immutable.
public record Volume(DeviceId id, VolumeTopology topology) {
    /// Block addresses must fit the packed form of an extent, with room to spare.
    public static final long MAX_CAPACITY = 1L << 51;

    private static final int LINUX_MAX_SIGNATURES = 4;

    public Volume {
        if (topology.capacity() > MAX_CAPACITY) {
            throw new IllegalArgumentException("volume of " + topology.capacity() + " bytes over " + MAX_CAPACITY);
        }
        topology.leaves().forEach(Volume::requireFindable);
        requireWholePages(topology);
    }

    public long capacity() {
        return topology.capacity();
    }

    /// A client that cannot find one disk loses the whole volume for two minutes at a time, without saying why.
    private static void requireFindable(Leaf leaf) {
        switch (leaf) {
            case Scsi scsi -> {
                if (!scsi.designator().foundByLinux()) {
                    throw new IllegalArgumentException("region " + scsi.region() + " has designator "
                            + scsi.designator() + ": give it a binary NAA or EUI64 of 8 or 16 bytes");
                }
            }
            case Simple simple -> {
                if (simple.signatures().size() > LINUX_MAX_SIGNATURES) {
                    throw new IllegalArgumentException("region " + simple.region() + " has "
                            + simple.signatures().size() + " signatures over " + LINUX_MAX_SIGNATURES);
                }
            }
        }
    }

    /// An extent is mapped page by page, so no page may lie across the seam of two parts.
    private static void requireWholePages(VolumeTopology topology) {
        switch (topology) {
            case Leaf _ -> {}
            case Slice slice -> requirePages("slice start", slice.start());
            case Concat concat ->
                concat.parts().forEach(part -> {
                    requireWholePages(part);
                    requirePages("size of a concatenated part", part.capacity());
                });
            case Stripe stripe -> stripe.parts().forEach(Volume::requireWholePages);
        }
    }

    private static void requirePages(String what, long bytes) {
        if (bytes % VolumeTopology.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(what + " " + bytes + " is no multiple of " + VolumeTopology.PAGE_BYTES);
        }
    }
}
