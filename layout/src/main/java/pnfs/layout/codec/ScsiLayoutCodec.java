package pnfs.layout.codec;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import pnfs.layout.device.Designator;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Bodies of the SCSI layout (type 5), RFC 8154 §2, also over NVMe namespaces, RFC 9561. Every read undoes the
/// write of the same name; what does not fit the grammar or a limit is an [XdrException].
public final class ScsiLayoutCodec {
    private static final int RANGE_BYTES = 2 * Long.BYTES;

    private ScsiLayoutCodec() {}

    /// A volume as one client sees it.
    ///
    /// @param key with which that client registers at every disk of the volume, so that it can be fenced; never 0
    public record Device(VolumeTopology topology, long key) {
        public Device {
            if (key == 0) {
                throw new IllegalArgumentException("reservation key 0 stands for no key");
            }
        }
    }

    /// `da_addr_body` of GETDEVICEINFO: `pnfs_scsi_deviceaddr4`. All disks must be named by designator.
    public static Opaque writeDevice(Device device) {
        var out = new XdrWriter();
        var disks = new Disks(
                _ -> {
                    throw new IllegalStateException("writing only");
                },
                device.key());
        disks.writeTopology(out, device.topology());
        return out.toOpaque();
    }

    /// The volume and key that a device address describes.
    ///
    /// @param disks the disk of the reader's that has this designator; throws [XdrException] where there is none
    public static Device readDevice(Opaque body, Function<Designator, Scsi> disks) {
        XdrReader in = XdrReader.of(body);
        var reader = new Disks(disks, 0);
        VolumeTopology topology = reader.readTopology(in);
        in.expectEnd();
        if (reader.key == 0) {
            throw new XdrException("reservation key 0");
        }
        return new Device(topology, reader.key);
    }

    /// `loc_body` of LAYOUTGET: `pnfs_scsi_layout4`.
    public static Opaque writeLayout(List<Extent> extents) {
        var out = new XdrWriter(Integer.BYTES + extents.size() * ExtentCodec.EXTENT_BYTES);
        ExtentCodec.writeExtents(out, extents);
        return out.toOpaque();
    }

    public static List<Extent> readLayout(Opaque body, int maxExtents) {
        XdrReader in = XdrReader.of(body);
        List<Extent> extents = ExtentCodec.readExtents(in, maxExtents);
        in.expectEnd();
        return extents;
    }

    /// `lou_body` of LAYOUTCOMMIT: `pnfs_scsi_layoutupdate4`, the ranges that were INVALID_DATA and hold data now.
    public static Opaque writeUpdate(List<ByteRange> written) {
        var out = new XdrWriter(Integer.BYTES + written.size() * RANGE_BYTES);
        out.writeUint32(written.size());
        for (ByteRange range : written) {
            out.writeUint64(range.offset());
            out.writeUint64(range.length());
        }
        return out.toOpaque();
    }

    /// A body without even a count stands for an empty list.
    public static List<ByteRange> readUpdate(Opaque body, int maxRanges) {
        if (body.length() == 0) {
            return List.of();
        }
        XdrReader in = XdrReader.of(body);
        int count = in.readCount(maxRanges, RANGE_BYTES);
        List<ByteRange> written = IntStream.range(0, count)
                .mapToObj(_ -> ExtentCodec.readRange(in))
                .toList();
        in.expectEnd();
        return written;
    }

    private static final class Disks extends TopologyCodec {
        private static final int BASE = 4;

        private final Function<Designator, Scsi> disks;
        private long key;

        Disks(Function<Designator, Scsi> disks, long key) {
            this.disks = disks;
            this.key = key;
        }

        @Override
        int leafType() {
            return BASE;
        }

        @Override
        void writeLeaf(XdrWriter out, Leaf leaf) {
            if (!(leaf instanceof Scsi scsi)) {
                throw new IllegalArgumentException("region " + leaf.region() + " has no designator for a SCSI layout");
            }
            Designator designator = scsi.designator();
            out.writeUint32(designator.codeSet().wire());
            out.writeUint32(designator.type().wire());
            out.writeOpaque(designator.bytes());
            out.writeUint64(key);
        }

        @Override
        Leaf readLeaf(XdrReader in) {
            Designator.CodeSet codeSet = readCodeSet(in);
            Designator.Type type = readType(in);
            Opaque bytes = in.readOpaque(Designator.MAX_BYTES);
            if (bytes.length() == 0) {
                throw new XdrException("empty designator");
            }
            long itsKey = in.readUint64();
            if (key != 0 && key != itsKey) {
                throw new XdrException("disks of one volume with different reservation keys");
            }
            key = itsKey;
            return disks.apply(new Designator(codeSet, type, bytes));
        }

        private static Designator.CodeSet readCodeSet(XdrReader in) {
            int wire = in.readUint32();
            for (Designator.CodeSet codeSet : Designator.CodeSet.values()) {
                if (codeSet.wire() == wire) {
                    return codeSet;
                }
            }
            throw new XdrException("code set " + Integer.toUnsignedString(wire));
        }

        private static Designator.Type readType(XdrReader in) {
            int wire = in.readUint32();
            for (Designator.Type type : Designator.Type.values()) {
                if (type.wire() == wire) {
                    return type;
                }
            }
            throw new XdrException("designator type " + Integer.toUnsignedString(wire));
        }
    }
}
