package pnfs.layout.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Leaf;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Signature;
import pnfs.layout.device.VolumeTopology.Simple;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrWriter;

class LayoutBodiesPropertyTest {
    private static final int MANY = 1000;

    @Seeds(200)
    void extents_and_ranges_are_read_as_they_were_written(RandomGenerator random) {
        var extents = new ArrayList<Extent>();
        var ranges = new ArrayList<ByteRange>();
        for (int i = random.nextInt(40); i > 0; i--) {
            extents.add(anyExtent(random, anyOf(ExtentState.values(), random)));
            ranges.add(anyRange(random));
        }
        List<Extent> written = extents.stream()
                .map(extent -> extent.withState(ExtentState.READ_WRITE_DATA))
                .toList();

        assertThat(BlockLayoutCodec.readLayout(BlockLayoutCodec.writeLayout(extents), MANY))
                .isEqualTo(extents);
        assertThat(ScsiLayoutCodec.readLayout(ScsiLayoutCodec.writeLayout(extents), MANY))
                .isEqualTo(extents);
        assertThat(BlockLayoutCodec.readUpdate(BlockLayoutCodec.writeUpdate(written), MANY))
                .isEqualTo(written);
        assertThat(ScsiLayoutCodec.readUpdate(ScsiLayoutCodec.writeUpdate(ranges), MANY))
                .isEqualTo(ranges);
    }

    @Seeds(200)
    void volumes_are_read_as_they_were_written(RandomGenerator random) {
        var disks = new HashMap<Object, Leaf>();
        VolumeTopology scsi = anyTopology(random, () -> {
            var designator = new Designator(
                    anyOf(Designator.CodeSet.values(), random),
                    anyOf(Designator.Type.values(), random),
                    anyBytes(random, Designator.MAX_BYTES));
            return disks.computeIfAbsent(designator, _ -> new Scsi(anyRegion(random), 1 << 20, designator));
        });
        VolumeTopology block = anyTopology(random, () -> {
            List<Signature> signatures =
                    List.of(new Signature(random.nextLong(), anyBytes(random, Signature.MAX_BYTES)));
            return disks.computeIfAbsent(signatures, _ -> new Simple(anyRegion(random), 1 << 20, signatures));
        });
        var device = new ScsiLayoutCodec.Device(scsi, random.nextLong(1, Long.MAX_VALUE));

        assertThat(ScsiLayoutCodec.readDevice(
                        ScsiLayoutCodec.writeDevice(device), designator -> (Scsi) disk(disks, designator)))
                .isEqualTo(device);
        assertThat(BlockLayoutCodec.readDevice(
                        BlockLayoutCodec.writeDevice(block), signatures -> (Simple) disk(disks, signatures)))
                .isEqualTo(block);
    }

    @Seeds(500)
    void damaged_bodies_are_refused_as_such_and_in_no_other_way(RandomGenerator random) {
        VolumeTopology topology =
                anyTopology(random, () -> new Scsi(anyRegion(random), 1 << 20, Designator.naa(anyBytes(random, 16))));
        Opaque sound = switch (random.nextInt(3)) {
            case 0 -> ScsiLayoutCodec.writeDevice(new ScsiLayoutCodec.Device(topology, 7));
            case 1 -> BlockLayoutCodec.writeLayout(List.of(anyExtent(random, ExtentState.READ_WRITE_DATA)));
            default -> ScsiLayoutCodec.writeUpdate(List.of(anyRange(random), anyRange(random)));
        };
        byte[] bytes = sound.toByteArray();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? random.nextInt() : 0xff);
        }
        Opaque damaged = Opaque.of(Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)));

        List<Runnable> readers = List.of(
                () -> ScsiLayoutCodec.readDevice(
                        damaged, designator -> new Scsi(anyRegion(random), 1 << 20, designator)),
                () -> BlockLayoutCodec.readDevice(damaged, signed -> new Simple(anyRegion(random), 1 << 20, signed)),
                () -> ScsiLayoutCodec.readLayout(damaged, MANY),
                () -> BlockLayoutCodec.readUpdate(damaged, MANY),
                () -> ScsiLayoutCodec.readUpdate(damaged, MANY));
        for (Runnable reader : readers) {
            try {
                reader.run();
            } catch (XdrException expected) {
                assertThat(expected).hasMessageMatching(".+");
            }
        }
    }

    @Test
    void an_update_without_a_body_is_an_empty_list() {
        assertThat(BlockLayoutCodec.readUpdate(Opaque.EMPTY, 1)).isEmpty();
        assertThat(ScsiLayoutCodec.readUpdate(Opaque.EMPTY, 1)).isEmpty();
    }

    @Test
    void a_stripe_of_stripes_is_refused_because_linux_would_lose_its_offsets() {
        var out = new XdrWriter();
        out.writeUint32(3);
        out.writeUint32(4); // a disk
        out.writeUint32(1);
        out.writeUint32(3);
        out.writeOpaque(new byte[16]);
        out.writeUint64(5);
        for (int inner = 0; inner < 2; inner++) {
            out.writeUint32(3); // a stripe of the one before
            out.writeUint64(4096);
            out.writeUint32(1);
            out.writeUint32(inner);
        }

        assertThatThrownBy(() -> ScsiLayoutCodec.readDevice(
                        out.toOpaque(), designator -> new Scsi(new RegionId(new UUID(0, 0)), 1 << 20, designator)))
                .isInstanceOf(XdrException.class)
                .hasMessageContaining("nested too deep");
    }

    @Test
    void more_than_the_caller_takes_is_refused() {
        Opaque three =
                ScsiLayoutCodec.writeUpdate(List.of(new ByteRange(0, 1), new ByteRange(1, 2), new ByteRange(2, 3)));

        assertThatThrownBy(() -> ScsiLayoutCodec.readUpdate(three, 2))
                .isInstanceOf(XdrException.class)
                .hasMessageContaining("over 2");
    }

    private static VolumeTopology anyTopology(RandomGenerator random, Supplier<Leaf> disk) {
        var parts = new ArrayList<Part>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            Leaf leaf = disk.get();
            parts.add(random.nextBoolean() ? new Slice(leaf, 4096L * random.nextInt(8), 64 * 4096) : leaf);
        }
        return switch (random.nextInt(3)) {
            case 0 -> parts.getFirst();
            case 1 -> new Concat(parts);
            default ->
                new Stripe(
                        8192,
                        parts.stream()
                                .map(part -> part.capacity() == 64 * 4096
                                        ? part
                                        : (Part) new Slice((Leaf) part, 0, 64 * 4096))
                                .toList());
        };
    }

    private static Leaf disk(Map<Object, Leaf> disks, Object name) {
        Leaf disk = disks.get(name);
        if (disk == null) {
            throw new XdrException("no disk " + name);
        }
        return disk;
    }

    private static Extent anyExtent(RandomGenerator random, ExtentState state) {
        return new Extent(
                new DeviceId(random.nextLong(), random.nextInt(), random.nextInt()),
                anyRange(random),
                random.nextLong(1L << 60),
                state);
    }

    private static ByteRange anyRange(RandomGenerator random) {
        return ByteRange.ofLength(random.nextLong(1L << 62), 1 + random.nextLong(1L << 40));
    }

    private static RegionId anyRegion(RandomGenerator random) {
        return new RegionId(new UUID(random.nextLong(), random.nextLong()));
    }

    private static Opaque anyBytes(RandomGenerator random, int max) {
        var bytes = new byte[1 + random.nextInt(max)];
        random.nextBytes(bytes);
        return Opaque.of(bytes);
    }

    private static <T> T anyOf(T[] values, RandomGenerator random) {
        return values[random.nextInt(values.length)];
    }
}
