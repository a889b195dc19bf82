package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;

class ExtentRecordsTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long INODE = 7;

    private final MetadataStore store = new MetadataStore(MemoryEngine.committing(), Long.MAX_VALUE, failure -> {
        throw new AssertionError(failure);
    });

    @Seeds(100)
    void a_map_comes_back_as_it_was_after_every_step(RandomGenerator random) {
        var map = new ExtentMap();
        for (int step = 0; step < 40; step++) {
            var range = ByteRange.ofLength(random.nextLong(60) * PAGE, (1 + random.nextLong(8)) * PAGE);
            switch (random.nextInt(4)) {
                case 0 -> map.punch(range);
                case 1 -> map.markWritten(range);
                default -> {
                    if (map.extents(range).isEmpty()) {
                        var device = new DeviceId(random.nextLong(), random.nextInt(), random.nextInt());
                        map.insert(
                                new Extent(device, range, random.nextLong(1 << 20) * PAGE, ExtentState.INVALID_DATA));
                    }
                }
            }
            var batch = new Batch();
            ExtentRecords.addExtents(batch, INODE, map.drainChanges());
            store.append(batch);

            assertThat(ExtentRecords.readExtents(store, INODE).extents().extents(ByteRange.all()))
                    .isEqualTo(map.extents(ByteRange.all()));
        }
        assertThat(ExtentRecords.readExtents(store, INODE + 1).extents().count())
                .as("another file's")
                .isZero();
    }

    @Test
    void damaged_extents_are_told_as_such() {
        var device = new byte[16];
        byte[] sound = ByteBuffer.allocate(34)
                .put((byte) 1)
                .put((byte) 0)
                .put(device)
                .putLong(PAGE)
                .putLong(0)
                .array();
        requireSound(sound);
        for (byte[] damaged : List.of(
                new byte[0],
                Arrays.copyOf(sound, 33),
                Arrays.copyOf(sound, 35),
                with(sound, 0, 2),
                with(sound, 1, 1),
                with(sound, 1, 3),
                with(sound, 18, 0x80),
                with(sound, 25, 1),
                with(sound, 26, 0x80))) {
            put(0, damaged);
            assertThatThrownBy(() -> ExtentRecords.readExtents(store, INODE)).isInstanceOf(CorruptStoreException.class);
        }
        put(0, with(sound, 24, 0x20));
        put(PAGE, sound);
        assertThatThrownBy(() -> ExtentRecords.readExtents(store, INODE))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("overlaps");
    }

    @Test
    void a_volume_of_another_size_than_it_was_formatted_with_is_damage() {
        var batch = new Batch();
        batch.put(
                Keys.SPACE.of(LayoutRooms.VOLUMES.getFirst().id().bytes()),
                ByteBuffer.allocate(9).put((byte) 1).putLong(PAGE).array());
        store.append(batch);

        assertThatThrownBy(() -> ExtentRecords.readFree(store, LayoutRooms.VOLUMES.getFirst()))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("formatted with 4096");
    }

    private void requireSound(byte[] value) {
        put(0, value);
        assertThat(ExtentRecords.readExtents(store, INODE).extents().count()).isEqualTo(1);
    }

    private void put(long offset, byte[] value) {
        var batch = new Batch();
        batch.put(Keys.EXTENT.of(INODE, offset), value);
        store.append(batch);
    }

    private static byte[] with(byte[] value, int at, int changed) {
        byte[] copy = value.clone();
        copy[at] = (byte) changed;
        return copy;
    }
}
