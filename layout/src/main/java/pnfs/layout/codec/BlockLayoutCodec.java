package pnfs.layout.codec;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Bodies of the block/volume layout (type 3), RFC 5663 §2. Every read undoes the write of the same name; what
/// does not fit the grammar or a limit is an [XdrException].
public final class BlockLayoutCodec {
    private static final int MIN_SIGNATURE_BYTES = Long.BYTES + Integer.BYTES;

    private BlockLayoutCodec() {}

    /// `da_addr_body` of GETDEVICEINFO: `pnfs_block_deviceaddr4`. All disks must be named by signature.
    public static Opaque writeDevice(VolumeTopology topology) {
        var out = new XdrWriter();
        new Disks(_ -> {
                    throw new IllegalStateException("writing only");
                })
                .writeTopology(out, topology);
        return out.toOpaque();
    }

    /// The volume that a device address describes.
    ///
    /// @param disks the disk of the reader's on which these signatures stand; throws [XdrException] where there
    ///     is none
    public static VolumeTopology readDevice(Opaque body, Function<List<Signature>, Simple> disks) {
        XdrReader in = XdrReader.of(body);
        VolumeTopology topology = new Disks(disks).readTopology(in);
        in.expectEnd();
        return topology;
    }

    /// `loc_body` of LAYOUTGET: `pnfs_block_layout4`.
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

    /// `lou_body` of LAYOUTCOMMIT: `pnfs_block_layoutupdate4`, the extents that were INVALID_DATA and hold data
    /// now. Of these only the file ranges mean something: Linux sends the device and storage offset 0.
    public static Opaque writeUpdate(List<Extent> written) {
        return writeLayout(written);
    }

    /// A body without even a count stands for an empty list.
    public static List<Extent> readUpdate(Opaque body, int maxExtents) {
        if (body.length() == 0) {
            return List.of();
        }
        List<Extent> written = readLayout(body, maxExtents);
        for (Extent extent : written) {
            if (extent.state() != ExtentState.READ_WRITE_DATA) {
                throw new XdrException("written extent " + extent.file() + " in state " + extent.state());
            }
        }
        return written;
    }

    private static final class Disks extends TopologyCodec {
        private static final int SIMPLE = 0;

        private final Function<List<Signature>, Simple> disks;

        Disks(Function<List<Signature>, Simple> disks) {
            this.disks = disks;
        }

        @Override
        int leafType() {
            return SIMPLE;
        }

        @Override
        void writeLeaf(XdrWriter out, Leaf leaf) {
            if (!(leaf instanceof Simple simple)) {
                throw new IllegalArgumentException("region " + leaf.region() + " has no signature for a block layout");
            }
            out.writeUint32(simple.signatures().size());
            for (Signature signature : simple.signatures()) {
                out.writeUint64(signature.offset());
                out.writeOpaque(signature.contents());
            }
        }

        @Override
        Leaf readLeaf(XdrReader in) {
            int count = in.readCount(Simple.MAX_SIGNATURES, MIN_SIGNATURE_BYTES);
            var signatures = new ArrayList<Signature>(count);
            for (int i = 0; i < count; i++) {
                long offset = in.readUint64(); // signed: negative counts from the end of the disk
                Opaque contents = in.readOpaque(Signature.MAX_BYTES);
                if (contents.length() == 0) {
                    throw new XdrException("signature without contents");
                }
                signatures.add(new Signature(offset, contents));
            }
            if (signatures.isEmpty()) {
                throw new XdrException("disk without a signature");
            }
            return disks.apply(signatures);
        }
    }
}
