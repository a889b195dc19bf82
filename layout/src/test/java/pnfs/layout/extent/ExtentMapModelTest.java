package pnfs.layout.extent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pnfs.layout.extent.ByteRange.BLOCK_BYTES;
import static pnfs.layout.extent.ExtentState.INVALID_DATA;
import static pnfs.layout.extent.ExtentState.NONE_DATA;
import static pnfs.layout.extent.ExtentState.READ_WRITE_DATA;

import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.testing.Seeds;

/// The real map beside an array with one block of storage a block of the file: too slow to ship, too plain to
/// be wrong.
class ExtentMapModelTest {
    private static final int BLOCKS = 96;
    private static final DeviceId HOLES = new DeviceId(9, 9, 9);

    private record Block(long volume, long block, ExtentState state) {
        boolean goesOnIn(@Nullable Block next) {
            return next != null && volume == next.volume && block + 1 == next.block && state == next.state;
        }
    }

    private final ExtentMap map = new ExtentMap();
    private final @Nullable Block[] model = new Block[BLOCKS];
    private final TreeMap<Long, Extent> stored = new TreeMap<>();

    @Seeds(400)
    void the_map_agrees_with_an_array_of_blocks_after_every_step(RandomGenerator random) {
        for (int step = 0; step < 60; step++) {
            int from = random.nextInt(BLOCKS);
            int end = from + random.nextInt(Math.min(24, BLOCKS - from) + 1);
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> insert(from, end, random);
                case 4, 5 -> markWritten(from, end);
                case 6 -> punch(from, end);
                default -> truncate(random.nextLong((long) BLOCKS * BLOCK_BYTES * 2));
            }
            store(map.drainChanges());

            assertThat(blocksOf(map)).containsExactly(model);
            assertThat(map.count()).as("neighbours that join are one extent").isEqualTo(runs());
            assertThat(map.allocatedBytes()).isEqualTo(allocated() * BLOCK_BYTES);
            assertThat(stored).as("a stored extent for each of the map").hasSize(map.count());
            assertThat(blocksOf(ExtentMap.restore(stored.values()))).containsExactly(model);
            requireSamePart(from, end);
        }
    }

    @Test
    void storage_over_storage_and_what_is_not_whole_blocks_are_refused_before_anything_changes() {
        map.insert(extent(2, 4, 0, 100, READ_WRITE_DATA));

        assertThatThrownBy(() -> map.insert(extent(0, 3, 0, 200, INVALID_DATA)))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> map.punch(new ByteRange(0, 100))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> map.markWritten(new ByteRange(1, BLOCK_BYTES)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> map.insert(extent(8, 9, 0, 0, NONE_DATA)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(map.extents(ByteRange.all())).containsExactly(extent(2, 4, 0, 100, READ_WRITE_DATA));
    }

    @Test
    void stored_extents_that_overlap_are_refused() {
        List<Extent> overlapping = List.of(extent(0, 4, 0, 0, READ_WRITE_DATA), extent(3, 5, 0, 50, READ_WRITE_DATA));

        assertThatThrownBy(() -> ExtentMap.restore(overlapping))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("overlaps");
    }

    @Test
    void a_million_extents_take_at_most_32_bytes_of_heap_each() {
        int count = 1_000_000;
        long before = usedHeap();
        var packed = new ExtentMap();
        for (int i = 0; i < count; i++) {
            // Every second block from both ends inwards, so that leaves split in the middle as well as at the end.
            long block = i % 2 == 0 ? i : 2L * count - i;
            packed.insert(extent(2 * block, 2 * block + 1, block % 3, 5 * block, INVALID_DATA));
            if (i % 1000 == 0) {
                packed.drainChanges();
            }
        }
        packed.drainChanges();

        double bytesAnExtent = (double) (usedHeap() - before) / count;

        assertThat(packed.count()).isEqualTo(count);
        assertThat(bytesAnExtent).isBetween(24.0, 32.0);
    }

    private void insert(int from, int end, RandomGenerator random) {
        if (from == end) {
            return; // an extent is never empty
        }
        for (int at = from; at < end; at++) {
            if (model[at] != null) {
                return;
            }
        }
        Block before = from == 0 ? null : model[from - 1];
        long volume = random.nextInt(3);
        long block = 1000 + random.nextInt(1000) * 100L;
        if (before != null && random.nextInt(3) > 0) {
            volume = before.volume;
            block = before.block + 1;
        }
        ExtentState state = random.nextBoolean() ? INVALID_DATA : READ_WRITE_DATA;
        map.insert(extent(from, end, volume, block, state));
        for (int at = from; at < end; at++) {
            model[at] = new Block(volume, block + at - from, state);
        }
    }

    private void markWritten(int from, int end) {
        int changed = 0;
        for (int at = from; at < end; at++) {
            Block block = model[at];
            if (block != null && block.state == INVALID_DATA) {
                model[at] = new Block(block.volume, block.block, READ_WRITE_DATA);
                changed++;
            }
        }
        assertThat(map.markWritten(range(from, end))).isEqualTo((long) changed * BLOCK_BYTES);
        store(map.drainChanges());
        assertThat(map.markWritten(range(from, end)))
                .as("a commit that comes twice")
                .isZero();
        assertThat(map.drainChanges()).as("leaves nothing to journal").isEmpty();
    }

    private void punch(int from, int end) {
        Block[] lost = Arrays.copyOfRange(model, from, end);
        Arrays.fill(model, from, end, null);
        requireLost(map.punch(range(from, end)), from, lost);
    }

    private void truncate(long size) {
        int from = (int) Math.min(BLOCKS, (size + BLOCK_BYTES - 1) / BLOCK_BYTES);
        Block[] lost = Arrays.copyOfRange(model, from, BLOCKS);
        Arrays.fill(model, from, BLOCKS, null);
        requireLost(map.truncate(size), from, lost);
    }

    private static void requireLost(List<Extent> punched, int from, @Nullable Block[] lost) {
        var found = new Block[lost.length];
        punched.forEach(extent -> spread(extent, found, from));
        assertThat(found).containsExactly(lost);
    }

    private void requireSamePart(int from, int end) {
        var tiles = map.cover(range(from, end), HOLES);
        var found = new Block[end - from];
        long at = (long) from * BLOCK_BYTES;
        for (Extent tile : tiles) {
            assertThat(tile.file().offset()).as("no gap, no overlap").isEqualTo(at);
            at = tile.file().end();
            spread(tile, found, from);
        }
        assertThat(at).isEqualTo((long) end * BLOCK_BYTES);
        assertThat(found).containsExactly(Arrays.copyOfRange(model, from, end));
        Extent first = map.lookup((long) from * BLOCK_BYTES + 17);
        assertThat(first == null ? null : first.state()).isEqualTo(model[from] == null ? null : model[from].state);
    }

    private void store(List<ExtentChange> changes) {
        for (ExtentChange change : changes) {
            switch (change) {
                case ExtentChange.Put put -> stored.put(put.offset(), put.extent());
                case ExtentChange.Delete delete -> stored.remove(delete.offset());
            }
        }
    }

    private int runs() {
        int runs = 0;
        for (int at = 0; at < BLOCKS; at++) {
            Block before = at == 0 ? null : model[at - 1];
            if (model[at] != null && (before == null || !before.goesOnIn(model[at]))) {
                runs++;
            }
        }
        return runs;
    }

    private long allocated() {
        return Arrays.stream(model).filter(block -> block != null).count();
    }

    private static @Nullable Block[] blocksOf(ExtentMap map) {
        var blocks = new Block[BLOCKS];
        map.extents(ByteRange.all()).forEach(extent -> spread(extent, blocks, 0));
        return blocks;
    }

    private static void spread(Extent extent, @Nullable Block[] blocks, int origin) {
        if (extent.state() == NONE_DATA) {
            assertThat(extent.device()).isEqualTo(HOLES);
            return;
        }
        for (long at = 0; at < extent.file().length(); at += BLOCK_BYTES) {
            int block = (int) ((extent.file().offset() + at) / BLOCK_BYTES) - origin;
            blocks[block] =
                    new Block(extent.device().volumeSet(), (extent.volumeOffset() + at) / BLOCK_BYTES, extent.state());
        }
    }

    private static Extent extent(long from, long end, long volume, long block, ExtentState state) {
        return new Extent(new DeviceId(volume, 1, 1), range(from, end), block * BLOCK_BYTES, state);
    }

    private static ByteRange range(long from, long end) {
        return new ByteRange(from * BLOCK_BYTES, end * BLOCK_BYTES);
    }

    private static long usedHeap() {
        var runtime = Runtime.getRuntime();
        long used = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            System.gc();
            used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
        }
        return used;
    }
}
