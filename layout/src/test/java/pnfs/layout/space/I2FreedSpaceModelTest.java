package pnfs.layout.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pnfs.layout.extent.ByteRange.BLOCK_BYTES;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

/// I2: the allocator beside a bitmap, with a store whose batches become durable some time later, in order, or
/// are lost.
class I2FreedSpaceModelTest {
    private static final int BLOCKS = 128;
    private static final Volume VOLUME = new Volume(
            new DeviceId(1, 1, 1),
            new Scsi(
                    new RegionId(new UUID(0, 1)),
                    (long) BLOCKS * BLOCK_BYTES + 512,
                    Designator.naa(Opaque.of(new byte[16]))));

    private enum Use {
        FREE,
        RESERVED,
        USED,
        /// Freed, and still waiting for its change to be durable or for its holders.
        WAITING
    }

    /// One batch of the store: what became of the ledger, which blocks files own after it, and what it freed.
    private record Batch(List<SpaceChange> changes, BitSet usedAfter, List<Waiting> freed) {}

    private static final class Waiting {
        private final Freed freed;
        private final List<ByteRange> ranges;
        private boolean durable;
        private boolean unheld;

        Waiting(Freed freed, List<ByteRange> ranges) {
            this.freed = freed;
            this.ranges = ranges;
        }
    }

    private final Use[] model = new Use[BLOCKS];
    private final TreeMap<Long, ByteRange> stored = new TreeMap<>();
    private final List<Batch> pending = new ArrayList<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private final List<Reservation> reservations = new ArrayList<>();
    private BitSet durablyUsed = new BitSet();
    private Space space = new Space();

    @Seeds(300)
    void storage_is_given_out_again_only_when_its_freeing_is_durable_and_nobody_holds_it(RandomGenerator random) {
        Arrays.fill(model, Use.FREE);
        try (var _ = space.lock()) {
            space.format(VOLUME, List.of());
            append(List.of());
        }
        for (int step = 0; step < 200; step++) {
            if (random.nextInt(100) == 0) {
                crash();
            }
            try (var _ = space.lock()) {
                switch (random.nextInt(9)) {
                    case 0, 1, 2 -> reserve(random);
                    case 3, 4 -> acquire(random);
                    case 5 -> forfeit(random);
                    case 6 -> release(random);
                    case 7 -> becomeDurable(random);
                    default -> unhold(random);
                }
                requireSameSets();
            }
        }
    }

    @Test
    void nothing_is_freed_twice_or_changed_without_the_space_lock() {
        Extent extent =
                new Extent(VOLUME.id(), new ByteRange(0, BLOCK_BYTES), 5 * BLOCK_BYTES, ExtentState.READ_WRITE_DATA);
        try (var _ = space.lock()) {
            space.format(VOLUME, List.of());
            assertThatThrownBy(() -> space.release(List.of(extent)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("free already");
        }
        assertThatThrownBy(() -> space.allocator(VOLUME.id()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("lock");
    }

    @Test
    void what_is_withheld_is_never_given_out() {
        var kept = List.of(new ByteRange(0, BLOCK_BYTES), new ByteRange(5 * BLOCK_BYTES, 6 * BLOCK_BYTES));
        try (var _ = space.lock()) {
            space.format(VOLUME, kept);

            List<ByteRange> all =
                    allocator().reserve((long) BLOCKS * BLOCK_BYTES, 0).ranges();

            assertThat(all).allSatisfy(range -> assertThat(kept).noneMatch(range::overlaps));
            assertThat(all.stream().mapToLong(ByteRange::length).sum()).isEqualTo((BLOCKS - 2L) * BLOCK_BYTES);
        }
    }

    private Allocator allocator() {
        return space.allocator(VOLUME.id());
    }

    private void reserve(RandomGenerator random) {
        int length = 1 + random.nextInt(20);
        long goal = random.nextBoolean() ? random.nextInt(BLOCKS) : -1;

        Reservation reservation = allocator().reserve((long) length * BLOCK_BYTES, goal * BLOCK_BYTES);

        boolean goalIsFree = goal >= 0 && model[(int) goal] == Use.FREE;
        if (goalIsFree) {
            assertThat(reservation.ranges().getFirst().offset()).isEqualTo(goal * BLOCK_BYTES);
        } else if (longestFreeRun() >= length) {
            assertThat(reservation.ranges())
                    .as("one run where one is long enough")
                    .hasSize(1);
        }
        long free = Arrays.stream(model).filter(use -> use == Use.FREE).count();
        assertThat(reservation.bytes()).isEqualTo(Math.min(length, free) * BLOCK_BYTES);
        reservation.ranges().forEach(range -> move(range, Use.FREE, Use.RESERVED));
        reservations.add(reservation);
    }

    private void acquire(RandomGenerator random) {
        Reservation reservation = anyOf(reservations, random);
        if (reservation != null && !reservation.isEmpty()) {
            ByteRange got = allocator().acquire(reservation, (1L + random.nextInt(10)) * BLOCK_BYTES);
            move(got, Use.RESERVED, Use.USED);
            append(List.of());
        }
    }

    private void forfeit(RandomGenerator random) {
        Reservation reservation = anyOf(reservations, random);
        if (reservation != null) {
            reservation.ranges().forEach(range -> move(range, Use.RESERVED, Use.FREE));
            allocator().forfeit(reservation);
            reservations.remove(reservation);
        }
    }

    private void release(RandomGenerator random) {
        int from = random.nextInt(BLOCKS);
        int end = from;
        while (end < BLOCKS && model[end] == Use.USED && end - from < 12) {
            end++;
        }
        if (end > from) {
            var range = new ByteRange((long) from * BLOCK_BYTES, (long) end * BLOCK_BYTES);
            move(range, Use.USED, Use.WAITING);
            Freed freed = space.release(List.of(new Extent(
                    VOLUME.id(), new ByteRange(0, range.length()), range.offset(), ExtentState.READ_WRITE_DATA)));
            var entry = new Waiting(freed, List.of(range));
            waiting.add(entry);
            append(List.of(entry));
        }
    }

    private void becomeDurable(RandomGenerator random) {
        for (int batches = random.nextInt(pending.size() + 1); batches > 0; batches--) {
            Batch batch = pending.removeFirst();
            apply(batch);
            for (Waiting entry : batch.freed) {
                entry.durable = true;
                settle(entry);
                entry.freed.becameDurable();
            }
        }
    }

    private void unhold(RandomGenerator random) {
        Waiting entry = anyOf(waiting, random);
        if (entry != null) {
            entry.unheld = true;
            settle(entry);
            entry.freed.becameUnheld();
        }
    }

    private void settle(Waiting entry) {
        if (entry.durable && entry.unheld && waiting.remove(entry)) {
            entry.ranges.forEach(range -> move(range, Use.WAITING, Use.FREE));
        }
    }

    /// Everything in memory is lost, and every batch that was not durable.
    private void crash() {
        pending.clear();
        waiting.clear();
        reservations.clear();
        for (int at = 0; at < BLOCKS; at++) {
            model[at] = durablyUsed.get(at) ? Use.USED : Use.FREE;
        }
        space = new Space();
        try (var _ = space.lock()) {
            if (stored.isEmpty() && durablyUsed.isEmpty()) {
                space.format(VOLUME, List.of()); // not even the format had become durable
                append(List.of());
            } else {
                space.restore(VOLUME, stored.values());
            }
            requireSameSets();
        }
    }

    private void append(List<Waiting> freed) {
        var used = new BitSet();
        for (int at = 0; at < BLOCKS; at++) {
            used.set(at, model[at] == Use.USED);
        }
        pending.add(new Batch(space.drainChanges(), used, freed));
    }

    private void apply(Batch batch) {
        for (SpaceChange change : batch.changes) {
            switch (change) {
                case SpaceChange.Put put -> stored.put(put.offset(), put.free());
                case SpaceChange.Delete delete -> stored.remove(delete.offset());
            }
        }
        durablyUsed = batch.usedAfter;
        var storedFree = new BitSet();
        stored.values()
                .forEach(range ->
                        storedFree.set((int) (range.offset() / BLOCK_BYTES), (int) (range.end() / BLOCK_BYTES)));
        var all = new BitSet();
        all.set(0, BLOCKS);
        all.xor(durablyUsed);
        assertThat(storedFree).as("what is stored as free is what no file owns").isEqualTo(all);
    }

    private void requireSameSets() {
        assertThat(allocator().allocatableBytes()).isEqualTo(bytesOf(Use.FREE));
        assertThat(allocator().freeBytes()).isEqualTo(bytesOf(Use.FREE) + bytesOf(Use.RESERVED) + bytesOf(Use.WAITING));
    }

    private long bytesOf(Use use) {
        return Arrays.stream(model).filter(block -> block == use).count() * BLOCK_BYTES;
    }

    private void move(ByteRange range, Use from, Use to) {
        for (long at = range.offset() / BLOCK_BYTES; at < range.end() / BLOCK_BYTES; at++) {
            assertThat(model[(int) at]).as("block %d on its way to %s", at, to).isEqualTo(from);
            model[(int) at] = to;
        }
    }

    private int longestFreeRun() {
        int longest = 0;
        int run = 0;
        for (Use use : model) {
            run = use == Use.FREE ? run + 1 : 0;
            longest = Math.max(longest, run);
        }
        return longest;
    }

    private static <T> @Nullable T anyOf(List<T> list, RandomGenerator random) {
        return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
    }
}
