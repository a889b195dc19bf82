package pnfs.layout.device;

import java.nio.ByteBuffer;
import java.util.UUID;
import pnfs.wire.xdr.Opaque;

/// The bytes by which clients of block layouts (RFC 5663 §2.2.1) know a disk: at its very start, in the block that
/// is never given out. A data server writes them when it makes a region, the metadata server names them in
/// GETDEVICEINFO.
///
/// | bytes | content |
/// |---|---|
/// | 0..15 | `pNFS region disk` |
/// | 16..31 | the region's id |
public final class DiskSignature {
    private static final Opaque MAGIC = Opaque.ofUtf8("pNFS region disk");
    private static final int ID_BYTES = 16;

    private DiskSignature() {}

    /// What stands at offset 0 of the region.
    public static Opaque of(RegionId region) {
        UUID id = region.uuid();
        return Opaque.of(ByteBuffer.allocate(MAGIC.length() + ID_BYTES)
                .put(MAGIC.toByteArray())
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array());
    }
}
