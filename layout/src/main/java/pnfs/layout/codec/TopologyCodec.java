package pnfs.layout.codec;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The list of volumes in a device address, which block and SCSI layouts share but for the disk at the bottom:
/// each volume names others by their place in front of it, and the last is the whole (RFC 5663 §2.2.1, RFC 8154
/// §2.3.1). Every read undoes the write of the same name.
abstract class TopologyCodec {
    private static final int SLICE = 1;
    private static final int CONCAT = 2;
    private static final int STRIPE = 3;
    /// A slice and a disk for each part, and the whole.
    private static final int MAX_VOLUMES = 2 * VolumeTopology.MAX_PARTS + 1;
    private static final int MIN_VOLUME_BYTES = 2 * Integer.BYTES;

    /// The number of the disk among the volume types.
    abstract int leafType();

    /// The disk without its type.
    abstract void writeLeaf(XdrWriter out, Leaf leaf);

    abstract Leaf readLeaf(XdrReader in);

    final void writeTopology(XdrWriter out, VolumeTopology topology) {
        int countAt = out.position();
        out.writeUint32(0);
        var places = new HashMap<VolumeTopology, Integer>();
        write(out, topology, places);
        out.patchUint32(countAt, places.size());
    }

    final VolumeTopology readTopology(XdrReader in) {
        int count = in.readCount(MAX_VOLUMES, MIN_VOLUME_BYTES);
        if (count == 0) {
            throw new XdrException("device address without a volume");
        }
        var volumes = new ArrayList<VolumeTopology>(count);
        for (int i = 0; i < count; i++) {
            volumes.add(read(in, volumes));
        }
        return volumes.getLast();
    }

    /// Writes what stands below first, and returns the place. What is used twice is written once.
    private int write(XdrWriter out, VolumeTopology topology, Map<VolumeTopology, Integer> places) {
        Integer written = places.get(topology);
        if (written != null) {
            return written;
        }
        switch (topology) {
            case Leaf leaf -> {
                out.writeUint32(leafType());
                writeLeaf(out, leaf);
            }
            case Slice slice -> {
                int of = write(out, slice.of(), places);
                out.writeUint32(SLICE);
                out.writeUint64(slice.start());
                out.writeUint64(slice.capacity());
                out.writeUint32(of);
            }
            case Concat concat -> {
                List<Integer> parts = writeParts(out, concat.parts(), places);
                out.writeUint32(CONCAT);
                writePlaces(out, parts);
            }
            case Stripe stripe -> {
                List<Integer> parts = writeParts(out, stripe.parts(), places);
                out.writeUint32(STRIPE);
                out.writeUint64(stripe.unitBytes());
                writePlaces(out, parts);
            }
        }
        int place = places.size();
        places.put(topology, place);
        return place;
    }

    private VolumeTopology read(XdrReader in, List<VolumeTopology> before) {
        int type = in.readUint32();
        if (type == leafType()) {
            return readLeaf(in);
        }
        try {
            return switch (type) {
                case SLICE -> {
                    long start = in.readInt63();
                    long length = in.readInt63();
                    yield new Slice(only(Leaf.class, readPlace(in, before)), start, length);
                }
                case CONCAT -> new Concat(readParts(in, before));
                case STRIPE -> {
                    long unit = in.readInt63();
                    yield new Stripe(unit, readParts(in, before));
                }
                default -> throw new XdrException("volume type " + Integer.toUnsignedString(type));
            };
        } catch (IllegalArgumentException e) {
            throw new XdrException("volume of type " + type + ": " + e.getMessage());
        }
    }

    private List<Integer> writeParts(XdrWriter out, List<Part> parts, Map<VolumeTopology, Integer> places) {
        return parts.stream().map(part -> write(out, part, places)).toList();
    }

    private static List<Part> readParts(XdrReader in, List<VolumeTopology> before) {
        int count = in.readCount(VolumeTopology.MAX_PARTS, Integer.BYTES);
        var parts = new ArrayList<Part>(count);
        for (int i = 0; i < count; i++) {
            parts.add(only(Part.class, readPlace(in, before)));
        }
        return parts;
    }

    private static void writePlaces(XdrWriter out, List<Integer> places) {
        out.writeUint32(places.size());
        places.forEach(out::writeUint32);
    }

    private static VolumeTopology readPlace(XdrReader in, List<VolumeTopology> before) {
        int place = in.readUint32();
        if (place < 0 || place >= before.size()) {
            throw new XdrException("volume " + before.size() + " made of volume " + Integer.toUnsignedString(place));
        }
        return before.get(place);
    }

    /// RFC 5663 would allow more; Linux maps it wrongly, so nobody offers it.
    private static <V extends VolumeTopology> V only(Class<V> kind, VolumeTopology volume) {
        if (!kind.isInstance(volume)) {
            throw new XdrException(volume.getClass().getSimpleName() + " nested too deep");
        }
        return kind.cast(volume);
    }
}
