package pnfs.mds.cluster;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The registry in the store, in XDR.
///
/// ```
/// key REGION  = region id, 16 bytes
/// region      = version(u32 1) server(op[16]) serverName(str) targetName(str) portals<>{host(str) port(u32)}
///               lun(u32) naa(op[16]) sizeBytes(u64) blockBytes(u32) durability(u32)
/// key VOLUME  = device id, 16 bytes
/// volume      = version(u32 1) shape
/// shape       = u32 0, part             the whole of it
///             | u32 1, part<>           a concatenation
///             | u32 2, unit(u64) part<> a stripe
/// part        = region(op[16]) start(u64) length(u64)
/// key META    = "volumes": written when a volume is forgotten, because its number is not to be given again
/// volumes     = version(u32 1) last(u64)
/// key DRAIN   = device id, 16 bytes, of a volume that is being emptied
/// drain       = version(u32 1)
/// ```
final class ClusterRecords {
    private static final int VERSION = 1;
    private static final int MAX_PORTALS = 16;
    private static final int MAX_TEXT_BYTES = 255;
    private static final int UUID_BYTES = 16;
    private static final int PART_BYTES = UUID_BYTES + 2 * Long.BYTES;
    private static final int SINGLE = 0;
    private static final int CONCAT = 1;
    private static final int STRIPE = 2;

    static final byte[] LAST_VOLUME_KEY = Keys.META.of("volumes".getBytes(StandardCharsets.US_ASCII));

    private ClusterRecords() {}

    static byte[] writeLastVolume(long last) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        out.writeUint64(last);
        return out.toByteArray();
    }

    /// The highest number of a volume that was there when one was forgotten; 0 where none was.
    ///
    /// @throws CorruptStoreException when these bytes are not what [#writeLastVolume] makes
    static long readLastVolume(byte @Nullable [] value) {
        return value == null ? 0 : read("number of the last volume", value, XdrReader::readInt63);
    }

    static byte[] keyOf(RegionId region) {
        return Keys.REGION.of(bytes(region.uuid()));
    }

    static byte[] keyOf(DeviceId device) {
        return Keys.VOLUME.of(device.bytes());
    }

    static byte[] drainKeyOf(DeviceId device) {
        return Keys.DRAIN.of(device.bytes());
    }

    static byte[] writeDrain() {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        return out.toByteArray();
    }

    /// Which volume is being emptied.
    ///
    /// @throws CorruptStoreException when these bytes are not what [#writeDrain] makes
    static DeviceId readDrain(byte[] key, byte[] value) {
        DeviceId id = DeviceId.of(behindPrefix(key));
        return read("drain of volume " + id, value, in -> id);
    }

    static byte[] bytes(UUID uuid) {
        return ByteBuffer.allocate(UUID_BYTES)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array();
    }

    static UUID uuid(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        return new UUID(in.getLong(), in.getLong());
    }

    static byte[] write(KnownRegion region) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        out.writeFixed(bytes(region.server()));
        out.writeString(region.serverName());
        out.writeString(region.targetName());
        out.writeUint32(region.portals().size());
        for (Portal portal : region.portals()) {
            out.writeString(portal.host());
            out.writeUint32(portal.port());
        }
        out.writeUint32(region.lun());
        out.writeFixed(region.naa());
        out.writeUint64(region.sizeBytes());
        out.writeUint32(region.blockBytes());
        out.writeUint32(region.durability());
        return out.toByteArray();
    }

    /// @throws CorruptStoreException when these bytes are not what [#write] makes
    static KnownRegion readRegion(byte[] key, byte[] value) {
        RegionId id = new RegionId(uuid(behindPrefix(key)));
        return read("region " + id, value, in -> {
            UUID server = uuid(in.readFixed(UUID_BYTES));
            String serverName = in.readString(MAX_TEXT_BYTES);
            String targetName = in.readString(MAX_TEXT_BYTES);
            var portals = new ArrayList<Portal>();
            for (int left = in.readCount(MAX_PORTALS, 2 * Integer.BYTES); left > 0; left--) {
                portals.add(new Portal(in.readString(MAX_TEXT_BYTES), in.readUint32()));
            }
            int lun = in.readUint32();
            Opaque naa = in.readFixedOpaque(KnownRegion.NAA_BYTES);
            return new KnownRegion(
                    id,
                    server,
                    serverName,
                    targetName,
                    portals,
                    lun,
                    naa,
                    in.readInt63(),
                    in.readUint32(),
                    in.readUint32());
        });
    }

    static byte[] write(VolumeTopology topology) {
        var out = new XdrWriter();
        out.writeUint32(VERSION);
        switch (topology) {
            case Part part -> {
                out.writeUint32(SINGLE);
                writePart(out, part);
            }
            case Concat concat -> {
                out.writeUint32(CONCAT);
                writeParts(out, concat.parts());
            }
            case Stripe stripe -> {
                out.writeUint32(STRIPE);
                out.writeUint64(stripe.unitBytes());
                writeParts(out, stripe.parts());
            }
        }
        return out.toByteArray();
    }

    /// @param disks finds the disk of each region
    /// @throws CorruptStoreException when these bytes are not what [#write] makes
    static Volume readVolume(byte[] key, byte[] value, Function<RegionId, Leaf> disks) {
        DeviceId id = DeviceId.of(behindPrefix(key));
        return read("volume " + id, value, in -> {
            int shape = in.readUint32();
            VolumeTopology topology = switch (shape) {
                case SINGLE -> readPart(in, disks);
                case CONCAT -> new Concat(readParts(in, disks));
                case STRIPE -> new Stripe(in.readInt63(), readParts(in, disks));
                default -> throw new XdrException("shape " + shape);
            };
            return new Volume(id, topology);
        });
    }

    private static void writeParts(XdrWriter out, List<Part> parts) {
        out.writeUint32(parts.size());
        parts.forEach(part -> writePart(out, part));
    }

    private static List<Part> readParts(XdrReader in, Function<RegionId, Leaf> disks) {
        var parts = new ArrayList<Part>();
        for (int left = in.readCount(VolumeTopology.MAX_PARTS, PART_BYTES); left > 0; left--) {
            parts.add(readPart(in, disks));
        }
        return parts;
    }

    private static void writePart(XdrWriter out, Part part) {
        Leaf disk = part.leaves().getFirst();
        out.writeFixed(bytes(disk.region().uuid()));
        out.writeUint64(part instanceof Slice slice ? slice.start() : 0);
        out.writeUint64(part.capacity());
    }

    private static Part readPart(XdrReader in, Function<RegionId, Leaf> disks) {
        Leaf disk = disks.apply(new RegionId(uuid(in.readFixed(UUID_BYTES))));
        long start = in.readInt63();
        long length = in.readInt63();
        return start == 0 && length == disk.capacity() ? disk : new Slice(disk, start, length);
    }

    private static byte[] behindPrefix(byte[] key) {
        if (key.length != 1 + UUID_BYTES) {
            throw new CorruptStoreException("registry key of " + key.length + " bytes");
        }
        var id = new byte[UUID_BYTES];
        System.arraycopy(key, 1, id, 0, UUID_BYTES);
        return id;
    }

    private static <T> T read(String what, byte[] value, Function<XdrReader, T> body) {
        var in = new XdrReader(ByteBuffer.wrap(value));
        try {
            int version = in.readUint32();
            if (version != VERSION) {
                throw new CorruptStoreException(what + " has version " + version + ", wanted " + VERSION);
            }
            T read = body.apply(in);
            in.expectEnd();
            return read;
        } catch (XdrException | IllegalArgumentException damaged) {
            throw new CorruptStoreException(what + ": " + damaged.getMessage());
        }
    }
}
