package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.wire.xdr.Opaque;

/// The bytes by which clients of block layouts (RFC 5663 §2.2.1) know a disk: at its very start, in the block that
/// is never given out.
///
/// ``` bytes 0..15   "pNFS region disk" bytes 16..31  the region's id ```
public final class DiskSignatures {
    private static final Opaque MAGIC = Opaque.ofUtf8("pNFS region disk");
    private static final int ID_BYTES = 16;

    private DiskSignatures() {}

    /// What must stand at offset 0 of the region.
    public static Opaque of(RegionId region) {
        UUID id = region.uuid();
        return Opaque.of(ByteBuffer.allocate(MAGIC.length() + ID_BYTES)
                .put(MAGIC.toByteArray())
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array());
    }

    /// The disk as block layouts name it.
    static Leaf signed(Leaf disk) {
        return new Simple(disk.region(), disk.capacity(), List.of(new Signature(0, of(disk.region()))));
    }
}
