package pnfs.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.client.FileLayout.Access;
import pnfs.client.FileLayout.Mapping;
import pnfs.client.FileLayout.Uncommitted;
import pnfs.client.Volumes.Volume;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Part;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Layout, zero filling and pieces together against a plain array: what a file reads is what was written to it,
/// whatever garbage the disks held before (I4).
class DirectIoModelTest {
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    private static final int FILE_BLOCKS = 24;
    private static final byte GARBAGE = (byte) 0xa5;
    private static final DeviceId PLAIN = new DeviceId(1, 1, 1);
    private static final DeviceId STRIPED = new DeviceId(2, 1, 1);
    private static final Stateid STATEID = new Stateid(1, Opaque.of(new byte[Stateid.OTHER_BYTES]));

    private final List<ArrayDisk> disks = List.of(new ArrayDisk(), new ArrayDisk(), new ArrayDisk());
    private final DirectIo direct = new DirectIo(this::volume, IoEvents.NONE);

    @Seeds(200)
    void a_file_reads_what_was_written_to_it_and_zeros_elsewhere_I4(RandomGenerator random) throws Exception {
        var layout = new FileLayout();
        var server = new NaiveServer(random);
        var model = new byte[FILE_BLOCKS * BLOCK];
        for (int step = 0; step < 40; step++) {
            int offset = random.nextInt(model.length);
            int length = random.nextInt(1, Math.min(5 * BLOCK, model.length - offset) + 1);
            var bytes = ByteRange.ofLength(offset, length);
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    var data = new byte[length];
                    random.nextBytes(data);
                    server.grant(layout, bytes.widened(), Access.WRITE);
                    write(layout, bytes, data);
                    System.arraycopy(data, 0, model, offset, length);
                }
                case 2, 3 -> {
                    server.grant(layout, bytes.widened(), Access.READ);
                    assertSame(read(layout, bytes), Arrays.copyOfRange(model, offset, offset + length));
                }
                default -> {
                    server.commit(layout);
                    if (random.nextBoolean()) {
                        layout.forget();
                    }
                }
            }
        }
        var all = new ByteRange(0, model.length);
        server.grant(layout, all, Access.READ);
        assertSame(read(layout, all), model);
        assertThat(layout.takeLostBytes()).isZero();
    }

    /// Extents of one file, block by block.
    private static final class NaiveServer {
        private final RandomGenerator random;
        private final Extent[] blocks = new Extent[FILE_BLOCKS];

        NaiveServer(RandomGenerator random) {
            this.random = random;
        }

        /// LAYOUTGETs until the layout knows `range`, each for a random part of what is not known.
        void grant(FileLayout layout, ByteRange range, Access access) {
            while (access == Access.WRITE ? layout.forWriting(range) == null : layout.forReading(range) == null) {
                long from = layout.firstUnknown(range, access);
                int first = (int) (from / BLOCK);
                int end = random.nextInt(first, FILE_BLOCKS) + 1;
                var extents = new ArrayList<Extent>();
                for (int block = first; block < end; block++) {
                    extents.add(access == Access.WRITE ? writable(block) : readable(block));
                }
                layout.granted(access, new ByteRange(from, (long) end * BLOCK), extents, STATEID);
            }
        }

        private Extent writable(int block) {
            if (blocks[block] == null) {
                DeviceId device = random.nextBoolean() ? PLAIN : STRIPED;
                blocks[block] = new Extent(device, file(block), (long) block * BLOCK, ExtentState.INVALID_DATA);
            }
            return blocks[block];
        }

        private Extent readable(int block) {
            Extent extent = blocks[block];
            return extent == null || extent.state() == ExtentState.INVALID_DATA
                    ? Extent.hole(PLAIN, file(block))
                    : extent.withState(ExtentState.READ_DATA);
        }

        void commit(FileLayout layout) {
            Uncommitted what = layout.uncommitted();
            if (what != null) {
                for (ByteRange range : what.ranges()) {
                    for (long at = range.offset(); at < range.end(); at += BLOCK) {
                        int block = (int) (at / BLOCK);
                        blocks[block] = writable(block).withState(ExtentState.READ_WRITE_DATA);
                    }
                }
                layout.committed(what);
            }
        }

        private static ByteRange file(int block) {
            return ByteRange.ofLength((long) block * BLOCK, BLOCK);
        }
    }

    private static void assertSame(byte[] read, byte[] expected) {
        assertThat(Arrays.mismatch(read, expected))
                .as("first byte that differs")
                .isEqualTo(-1);
    }

    @Test
    void a_commit_names_exactly_the_unwritten_blocks_that_were_written() throws Exception {
        var layout = new FileLayout();
        layout.granted(
                Access.WRITE,
                new ByteRange(0, 4 * BLOCK),
                List.of(extent(0, 2, 0, ExtentState.READ_WRITE_DATA), extent(2, 2, 2, ExtentState.INVALID_DATA)),
                STATEID);

        write(layout, ByteRange.ofLength(BLOCK + 100, 2 * BLOCK), new byte[2 * BLOCK]);

        Uncommitted what = requireNonNull(layout.uncommitted());
        assertThat(what.ranges()).containsExactly(new ByteRange(2 * BLOCK, 4 * BLOCK));
        assertThat(what.end()).isEqualTo(3 * BLOCK + 100);
    }

    @Test
    void what_was_written_before_the_layout_was_lost_is_said_to_be_nowhere() throws Exception {
        var layout = new FileLayout();
        layout.granted(
                Access.WRITE, new ByteRange(0, BLOCK), List.of(extent(0, 1, 0, ExtentState.INVALID_DATA)), STATEID);
        Mapping before = requireNonNull(layout.forWriting(new ByteRange(0, BLOCK)));
        layout.forget();

        assertThat(layout.written(before, new ByteRange(0, 10))).isFalse();
        assertThat(layout.uncommitted()).isNull();
    }

    @Test
    void bytes_that_were_written_but_not_committed_are_counted_as_lost_with_their_layout() throws Exception {
        var layout = new FileLayout();
        layout.granted(
                Access.WRITE, new ByteRange(0, BLOCK), List.of(extent(0, 1, 0, ExtentState.INVALID_DATA)), STATEID);
        write(layout, new ByteRange(0, 10), new byte[10]);

        layout.forget();

        assertThat(layout.takeLostBytes()).isEqualTo(BLOCK);
        assertThat(layout.takeLostBytes()).isZero();
    }

    @Test
    void an_extent_outside_its_volume_is_no_direct_way() {
        var layout = new FileLayout();
        layout.granted(
                Access.WRITE,
                new ByteRange(0, BLOCK),
                List.of(extent(0, 1, 1 << 20, ExtentState.READ_WRITE_DATA)),
                STATEID);

        assertThatThrownBy(() -> write(layout, new ByteRange(0, 10), new byte[10]))
                .isInstanceOf(NoDirectWayException.class)
                .hasMessageContaining("outside its volume");
    }

    private static Extent extent(int block, int blocks, int storageBlock, ExtentState state) {
        return new Extent(
                PLAIN,
                ByteRange.ofLength((long) block * BLOCK, (long) blocks * BLOCK),
                (long) storageBlock * BLOCK,
                state);
    }

    private void write(FileLayout layout, ByteRange bytes, byte[] data) throws IOException, NoDirectWayException {
        Mapping mapping = requireNonNull(layout.forWriting(bytes.widened()));
        Mapping before = requireNonNull(layout.forReading(bytes.widened()));
        direct.write("/f", mapping, before, bytes, ByteBuffer.wrap(data), layout::mayComeLate);
        assertThat(layout.written(mapping, bytes)).isTrue();
    }

    private byte[] read(FileLayout layout, ByteRange bytes) throws IOException, NoDirectWayException {
        var into = new byte[(int) bytes.length()];
        Arrays.fill(into, GARBAGE);
        direct.read("/f", requireNonNull(layout.forReading(bytes.widened())), bytes, ByteBuffer.wrap(into));
        return into;
    }

    private Volume volume(DeviceId id) {
        List<Part> parts = disks.stream()
                .<Part>map(disk -> new Scsi(disk.region, ArrayDisk.BYTES, Designator.naa(Opaque.of(new byte[8]))))
                .toList();
        VolumeTopology topology = id.equals(PLAIN) ? parts.getFirst() : new Stripe(BLOCK, parts.subList(1, 3));
        return new Volume(
                topology,
                Map.of(
                        disks.get(0).region, disks.get(0),
                        disks.get(1).region, disks.get(1),
                        disks.get(2).region, disks.get(2)));
    }

    /// A disk full of garbage that takes whole blocks only.
    private static final class ArrayDisk implements Disk {
        private static final int BYTES = 64 * BLOCK;

        private final RegionId region = new RegionId(UUID.randomUUID());
        private final byte[] bytes = new byte[BYTES];

        ArrayDisk() {
            Arrays.fill(bytes, GARBAGE);
        }

        @Override
        public CompletableFuture<Void> register(long key) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> write(long offset, ByteBuffer data) {
            assertThat(offset % BLOCK + data.remaining() % BLOCK).isZero();
            data.get(bytes, (int) offset, data.remaining());
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> read(long offset, ByteBuffer into) {
            assertThat(offset % BLOCK + into.remaining() % BLOCK).isZero();
            into.put(bytes, (int) offset, into.remaining());
            return CompletableFuture.completedFuture(null);
        }
    }
}
