package pnfs.layout.codec;

import java.util.List;
import java.util.stream.IntStream;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The 44-byte extent that block and SCSI layouts share: `pnfs_block_extent4` (RFC 5663 §2.3) and
/// `pnfs_scsi_extent4` (RFC 8154 §2.3.2). Every read undoes the write of the same name.
final class ExtentCodec {
    static final int EXTENT_BYTES = DeviceId.BYTES + 3 * Long.BYTES + Integer.BYTES;

    private ExtentCodec() {}

    static void writeExtents(XdrWriter out, List<Extent> extents) {
        out.writeUint32(extents.size());
        extents.forEach(extent -> writeExtent(out, extent));
    }

    static List<Extent> readExtents(XdrReader in, int maxExtents) {
        int count = in.readCount(maxExtents, EXTENT_BYTES);
        return IntStream.range(0, count).mapToObj(_ -> readExtent(in)).toList();
    }

    static ByteRange readRange(XdrReader in) {
        long offset = in.readInt63();
        long length = in.readInt63();
        if (length == 0 || length >= Long.MAX_VALUE - offset) {
            throw new XdrException("range at " + offset + " of length " + length);
        }
        return ByteRange.ofLength(offset, length);
    }

    private static void writeExtent(XdrWriter out, Extent extent) {
        out.writeFixed(extent.device().bytes());
        out.writeUint64(extent.file().offset());
        out.writeUint64(extent.file().length());
        out.writeUint64(extent.volumeOffset());
        out.writeUint32(extent.state().wire());
    }

    private static Extent readExtent(XdrReader in) {
        DeviceId device = DeviceId.of(in.readFixed(DeviceId.BYTES));
        ByteRange file = readRange(in);
        long volumeOffset = in.readInt63();
        if (volumeOffset > Long.MAX_VALUE - file.length()) {
            throw new XdrException("extent " + file + " at " + volumeOffset);
        }
        return new Extent(device, file, volumeOffset, readState(in));
    }

    private static ExtentState readState(XdrReader in) {
        int wire = in.readUint32();
        for (ExtentState state : ExtentState.values()) {
            if (state.wire() == wire) {
                return state;
            }
        }
        throw new XdrException("extent state " + Integer.toUnsignedString(wire));
    }
}
