package pnfs.ds.region;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class JournalTest {
    private static final int SIZE = 1 << 20;
    private static final int BLOCK = 512;
    /// Writes fall here, so that they meet each other's blocks.
    private static final int USED_BLOCKS = 64;

    /// A region's file under a cache of eight-byte words: at a crash each word that was stored and not yet made
    /// durable has reached the medium or not.
    private static final class Medium {
        private final byte[] data;
        private final byte[] record;
        private final byte[] durableData;
        private final byte[] durableRecord;
        private int persistsLeft;

        Medium(byte[] data, byte[] record, int persistsLeft) {
            this.durableData = data;
            this.durableRecord = record;
            this.data = data.clone();
            this.record = record.clone();
            this.persistsLeft = persistsLeft;
        }

        Region open() {
            return new Region(
                    RegionHeader.of(new UUID(1, 2), BLOCK, SIZE),
                    MemorySegment.ofArray(data),
                    persistence(data, durableData),
                    Memo.volatileMemo(),
                    new Journal(MemorySegment.ofArray(record), persistence(record, durableRecord)),
                    () -> {});
        }

        private Persistence persistence(byte[] live, byte[] durable) {
            return new Persistence() {
                @Override
                public void persist(long offset, long length, Waiter waiter) {
                    if (persistsLeft-- > 0) {
                        System.arraycopy(live, (int) offset, durable, (int) offset, (int) length);
                        waiter.persisted(true);
                    }
                }

                @Override
                public Durability durability() {
                    return Durability.DAX;
                }

                @Override
                public boolean hasFailed() {
                    return false;
                }

                @Override
                public void close() {}
            };
        }

        /// What is there after the crash, with interrupted writes done again.
        Medium afterCrash(RandomGenerator random, int persistsOfNext) {
            byte[] dataThen = mixed(data, durableData, random);
            byte[] recordThen = mixed(record, durableRecord, random);
            Journal.replay(
                    MemorySegment.ofArray(recordThen),
                    MemorySegment.ofArray(dataThen),
                    (offset, length) -> {},
                    (offset, length) -> {});
            return new Medium(dataThen, recordThen, persistsOfNext);
        }

        private static byte[] mixed(byte[] live, byte[] durable, RandomGenerator random) {
            byte[] then = durable.clone();
            int inEight = random.nextInt(9);
            for (int at = 0; at < then.length; at += Long.BYTES) {
                if (random.nextInt(8) < inEight) {
                    System.arraycopy(live, at, then, at, Long.BYTES);
                }
            }
            return then;
        }
    }

    /// Writes one after the other until the crash: each begins the moment the one before it is acknowledged.
    private static final class Writer {
        private final RandomGenerator random;
        private final Region region;
        byte[] acknowledged;
        byte[] next;
        boolean atomic;
        int from;
        int length;

        Writer(Medium medium, RandomGenerator random) {
            this.random = random;
            this.region = medium.open();
            this.next = Arrays.copyOf(medium.data, USED_BLOCKS * BLOCK);
            this.acknowledged = next;
        }

        void write() {
            acknowledged = next;
            next = acknowledged.clone();
            int first = random.nextInt(USED_BLOCKS);
            from = first * BLOCK;
            length = random.nextInt(1, USED_BLOCKS - first + 1) * BLOCK;
            Arrays.fill(next, from, from + length, (byte) random.nextInt());
            ByteBuffer bytes = ByteBuffer.wrap(next, from, length);
            atomic = random.nextBoolean();
            Persistence.Waiter then = durable -> {
                assertThat(durable).isTrue();
                write();
            };
            if (atomic) {
                region.writeAtomic(from, bytes, then);
            } else {
                region.write(from, bytes, from, length);
                region.persist(from, length, then);
            }
        }
    }

    @Seeds(100)
    void a_crash_leaves_all_of_an_atomic_write_or_nothing_and_undoes_no_other(RandomGenerator random) {
        var medium = new Medium(new byte[SIZE], new byte[RegionHeader.JOURNAL_BYTES], random.nextInt(1, 20));
        for (int crash = 0; crash < 6; crash++) {
            var writer = new Writer(medium, random);
            writer.write();

            medium = medium.afterCrash(random, random.nextInt(1, 20));

            byte[] found = Arrays.copyOf(medium.data, USED_BLOCKS * BLOCK);
            byte[] elsewhere = found.clone();
            System.arraycopy(writer.acknowledged, writer.from, elsewhere, writer.from, writer.length);
            assertThat(elsewhere).isEqualTo(writer.acknowledged);
            if (writer.atomic) {
                assertThat(found).isIn(writer.acknowledged, writer.next);
            }
        }
    }

    /// One write comes while an atomic one is under way: before its bytes are in their place, or after.
    @Seeds(200)
    void I5_what_is_acknowledged_while_an_atomic_write_is_under_way_is_not_undone_by_doing_that_again(
            RandomGenerator random) {
        var medium = new Medium(new byte[SIZE], new byte[RegionHeader.JOURNAL_BYTES], random.nextInt(6));
        Region region = medium.open();
        var atomic = Blocks.some(random, (byte) 1);
        var plain = Blocks.some(random, (byte) 2);
        boolean comesFirst = random.nextBoolean();
        var acknowledged = new boolean[1];
        Runnable writePlain = () -> {
            region.write(plain.from(), plain.bytes());
            region.persist(plain.from(), plain.length(), durable -> acknowledged[0] = durable);
        };

        region.writeAtomic(
                atomic.from(),
                atomic.bytes(),
                (offset, bytes) -> {
                    if (comesFirst) {
                        writePlain.run();
                    }
                    region.write(offset, bytes.duplicate());
                    if (!comesFirst) {
                        writePlain.run();
                    }
                    return true;
                },
                _ -> {});
        byte[] live = medium.data.clone();
        medium = medium.afterCrash(random, 0);

        if (acknowledged[0]) {
            int from = plain.from();
            int end = from + plain.length();
            assertThat(Arrays.mismatch(medium.data, from, end, live, from, end))
                    .as("first byte of %s that changed over %s", plain, atomic)
                    .isEqualTo(-1);
        }
    }

    @Test
    void a_write_that_a_killed_run_forgot_in_memory_only_is_forgotten_when_the_power_goes_after_the_next_one() {
        var medium = new Medium(new byte[SIZE], new byte[RegionHeader.JOURNAL_BYTES], 2); // remembered, in its place
        medium.open().writeAtomic(0, ByteBuffer.allocate(BLOCK), _ -> {});

        boolean again = Journal.replay(
                MemorySegment.ofArray(medium.record),
                MemorySegment.ofArray(medium.data),
                (offset, length) ->
                        System.arraycopy(medium.record, (int) offset, medium.durableRecord, (int) offset, (int) length),
                (offset, length) -> {});

        assertThat(again).isFalse();
        assertThat(Journal.replay(
                        MemorySegment.ofArray(medium.durableRecord),
                        MemorySegment.ofArray(medium.durableData),
                        (offset, length) -> {},
                        (offset, length) -> {}))
                .as("done again, over what the next run was told to write there")
                .isFalse();
    }

    private record Blocks(int from, int length, byte value) {
        static Blocks some(RandomGenerator random, byte value) {
            int first = random.nextInt(USED_BLOCKS);
            return new Blocks(first * BLOCK, random.nextInt(1, USED_BLOCKS - first + 1) * BLOCK, value);
        }

        ByteBuffer bytes() {
            var bytes = new byte[length];
            Arrays.fill(bytes, value);
            return ByteBuffer.wrap(bytes);
        }
    }

    /// A region whose data is persistent at once, and the record of an atomic write as `ofRecord` has it.
    private static Region region(FakePersistence ofRecord) {
        return new Region(
                RegionHeader.of(new UUID(1, 2), BLOCK, SIZE),
                MemorySegment.ofArray(new byte[SIZE]),
                new FakePersistence(),
                Memo.volatileMemo(),
                new Journal(MemorySegment.ofArray(new byte[RegionHeader.JOURNAL_BYTES]), ofRecord),
                () -> {});
    }

    @Test
    void a_write_beside_an_atomic_one_does_not_wait_for_it_and_one_over_it_does() {
        var ofRecord = new FakePersistence();
        Region region = region(ofRecord);
        ofRecord.holds = true;
        var told = new ArrayList<String>();
        region.writeAtomic(BLOCK, ByteBuffer.allocate(2 * BLOCK), durable -> told.add("atomic " + durable));

        region.persist(0, BLOCK, durable -> told.add("before " + durable));
        region.persist(3 * BLOCK, BLOCK, durable -> told.add("behind " + durable));
        region.persist(2 * BLOCK, BLOCK, durable -> told.add("over " + durable));
        assertThat(told).containsExactly("before true", "behind true");

        ofRecord.answer(true);
        assertThat(told).containsExactly("before true", "behind true", "over true", "atomic true");
    }

    @Test
    void writes_are_made_in_their_order_one_at_a_time() {
        var held = new FakePersistence();
        held.holds = true;
        var journal = new Journal(MemorySegment.ofArray(new byte[RegionHeader.JOURNAL_BYTES]), held);
        var stored = new ArrayList<Long>();
        var told = new ArrayList<String>();
        for (long offset = 0; offset < 3; offset++) {
            long at = offset;
            journal.write(
                    at, ByteBuffer.allocate(8), (to, bytes) -> stored.add(to), held, good -> told.add(at + " " + good));
        }

        assertThat(held.waiting()).isOne();
        assertThat(stored).isEmpty();
        held.answer(true);
        assertThat(stored).containsExactly(0L, 1L, 2L);
        assertThat(told).containsExactly("0 true", "1 true", "2 true");
    }

    @Test
    void what_cannot_be_remembered_is_not_stored() {
        var held = new FakePersistence();
        held.holds = true;
        var journal = new Journal(MemorySegment.ofArray(new byte[RegionHeader.JOURNAL_BYTES]), held);
        var told = new ArrayList<Boolean>();

        journal.write(
                0,
                ByteBuffer.allocate(8),
                (to, bytes) -> {
                    throw new AssertionError("stored");
                },
                held,
                told::add);
        held.answer(false);

        assertThat(told).containsExactly(false);
    }

    @Test
    void when_an_atomic_write_cannot_be_forgotten_nothing_is_acknowledged_that_it_could_undo() {
        var ofRecord = new FakePersistence();
        Region region = region(ofRecord);
        ofRecord.holds = true;
        var told = new ArrayList<Boolean>();
        region.writeAtomic(0, ByteBuffer.allocate(BLOCK), told::add);
        ofRecord.answerNext(true);

        ofRecord.answerNext(false);
        region.persist(0, BLOCK, told::add);

        assertThat(told).containsExactly(false, false);
        assertThat(region.hasFailed()).isTrue();
    }

    @Test
    void a_waiter_may_ask_for_the_next_write_again_and_again() {
        Region region = new Medium(new byte[SIZE], new byte[RegionHeader.JOURNAL_BYTES], Integer.MAX_VALUE).open();
        int[] left = {20_000};
        var next = new Persistence.Waiter[1];
        next[0] = durable -> {
            if (left[0]-- > 0) {
                region.writeAtomic(0, ByteBuffer.allocate(8), next[0]);
            }
        };

        next[0].persisted(true);

        assertThat(left[0]).isEqualTo(-1);
    }

    @Test
    void a_record_that_was_never_whole_is_not_done_again() {
        var record = MemorySegment.ofArray(new byte[RegionHeader.JOURNAL_BYTES]);
        var data = new byte[SIZE];
        Persistence.Force never = (offset, length) -> {
            throw new AssertionError("no data are to be forced");
        };
        Persistence.Force heads = (offset, length) -> {};

        assertThat(Journal.replay(record, MemorySegment.ofArray(data), heads, never))
                .isFalse();
        record.fill((byte) 0xff);
        assertThat(Journal.replay(record, MemorySegment.ofArray(data), heads, never))
                .isFalse();
        record.fill((byte) 0x01);
        assertThat(Journal.replay(record, MemorySegment.ofArray(data), heads, never))
                .isFalse();
        assertThat(data).containsOnly(0);
    }
}
