package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.reservation.Nexus;
import pnfs.testing.Seeds;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.UnmapRange;

/// Commands that compare, fill, unmap and look at blocks.
class BlockCommandsTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 256;

    private final ScsiFixture fixture = new ScsiFixture(BLOCKS * BLOCK, BLOCK);
    private final byte[] memory = fixture.memory;
    private final List<FakePersistence.Asked> persisted = fixture.persistence.asked;
    private final ScsiTarget target = fixture.target();
    private final ScsiNexus nexus = ScsiFixture.nexus("client");

    private ScsiTask run(String cdb, byte[] data) {
        return run(nexus, cdb, data, data.length);
    }

    private ScsiTask run(ScsiNexus whose, String cdb, byte[] data, int announced) {
        return ScsiFixture.finish(fixture.start(whose, 0, cdb, announced), data);
    }

    private static byte[] filled(int blocks, int value) {
        var bytes = new byte[blocks * BLOCK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static byte[] joined(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private byte[] block(int index) {
        return Arrays.copyOfRange(memory, index * BLOCK, (index + 1) * BLOCK);
    }

    private static void good(ScsiTask task) {
        assertThat(task.sense()).isEqualTo(Sense.NONE);
        assertThat(task.status()).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void compare_and_write_writes_only_what_compares() {
        Arrays.fill(memory, 3 * BLOCK, 5 * BLOCK, (byte) 'A');
        byte[] differs = filled(2, 'A');
        differs[BLOCK + 7] = 'x';

        ScsiTask refused = run("89 00 0000000000000003 000000 02 00 00", joined(differs, filled(2, 'B')));
        assertThat(refused.sense()).isEqualTo(Sense.MISCOMPARE.withInformation(BLOCK + 7));
        assertThat(block(3)).containsOnly('A');

        good(run("89 00 0000000000000003 000000 02 00 00", joined(filled(2, 'A'), filled(2, 'B'))));
        assertThat(block(3)).containsOnly('B');
        assertThat(block(4)).containsOnly('B');
        assertThat(block(5)).containsOnly(0);
        assertThat(persisted).containsExactly(new FakePersistence.Asked(3 * BLOCK, 2 * BLOCK));
        good(run("89 00 0000000000000003 000000 00 00 00", new byte[0]));
    }

    @Test
    void compare_and_write_wants_twice_the_blocks_and_not_too_many() {
        for (int announced : new int[] {0, BLOCK, 3 * BLOCK, 4 * BLOCK}) {
            assertThat(run(nexus, "89 00 0000000000000003 000000 01 00 00", new byte[announced], announced)
                            .sense())
                    .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        }
        assertThat(run("89 00 0000000000000000 000000 11 00 00", filled(34, 0)).sense())
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(run("89 00 00000000000000ff 000000 02 00 00", filled(4, 0)).sense())
                .isEqualTo(Sense.LBA_OUT_OF_RANGE);
    }

    /// Each counts a block up with COMPARE AND WRITE until it has won so often; every win is one step.
    @Test
    void compare_and_write_is_atomic_among_many() throws Exception {
        int rounds = 200;
        var over = new CountDownLatch(2);
        try (var threads = Executors.newFixedThreadPool(2)) {
            for (int t = 0; t < 2; t++) {
                threads.execute(() -> {
                    for (int wins = 0; wins < rounds; ) {
                        byte[] seen = block(9);
                        byte[] next = seen.clone();
                        var number = ByteBuffer.wrap(next);
                        number.putInt(0, number.getInt(0) + 1);
                        if (run("89 00 0000000000000009 000000 01 00 00", joined(seen, next))
                                .isGood()) {
                            wins++;
                        }
                    }
                    over.countDown();
                });
            }
            over.await();
        }

        assertThat(ByteBuffer.wrap(memory).getInt(9 * BLOCK)).isEqualTo(2 * rounds);
    }

    @Test
    void write_atomic_writes_all_that_it_may_at_once_and_no_more() {
        good(run("9c 00 0000000000000003 0000 0020 00 00", filled(32, 'A')));
        assertThat(block(2)).containsOnly(0);
        assertThat(block(3)).containsOnly('A');
        assertThat(block(34)).containsOnly('A');
        assertThat(block(35)).containsOnly(0);
        assertThat(persisted).containsExactly(new FakePersistence.Asked(3 * BLOCK, 32 * BLOCK));

        assertThat(run("9c 00 0000000000000003 0002 0004 00 00", filled(4, 'B')).sense())
                .as("with a boundary")
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(run("9c 00 00000000000000ff 0000 0002 00 00", filled(2, 'B')).sense())
                .isEqualTo(Sense.LBA_OUT_OF_RANGE);
        assertThat(run("9c 00 0000000000000003 0000 0002 00 00", filled(1, 'B')).sense())
                .as("too little data")
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        good(run("9c 00 0000000000000100 0000 0000 00 00", new byte[0]));
        assertThat(block(3)).containsOnly('A');
    }

    @Test
    void data_in_memory_has_a_limit_over_all_commands_but_a_reservation_finds_room() {
        var tasks = new ArrayList<ScsiTask>();
        for (long taken = 0; taken < ScsiTarget.MAX_STAGED_BYTES; taken += BLOCKS * BLOCK) {
            tasks.add(begun("9c 00 0000000000000000 0000 0100 00 00", BLOCKS * BLOCK));
            assertThat(tasks.getLast().takesBytes()).isTrue();
        }

        assertThat(begun("9c 00 0000000000000000 0000 0001 00 00", BLOCK).status())
                .isEqualTo(ScsiStatus.TASK_SET_FULL);
        assertThat(begun("5f 06 05 0000 00000018 00", 24).takesBytes()).isTrue();
        assertThat(begun("8a 00 0000000000000000 00000001 00 00", BLOCK).takesBytes())
                .isTrue();
        tasks.removeFirst().end();
        assertThat(begun("9c 00 0000000000000000 0000 0001 00 00", BLOCK).takesBytes())
                .isTrue();
        tasks.forEach(ScsiTask::end);
    }

    private ScsiTask begun(String cdb, int announced) {
        return fixture.start(nexus, 0, cdb, announced);
    }

    @Test
    void write_atomic_that_cannot_be_made_durable_fails() {
        fixture.persistence.durable = false;

        assertThat(run("9c 00 0000000000000003 0000 0001 00 00", filled(1, 'A')).sense())
                .isEqualTo(Sense.WRITE_ERROR);
    }

    @Test
    void verify_compares_with_as_much_data_with_one_block_or_with_nothing() {
        Arrays.fill(memory, 3 * BLOCK, 5 * BLOCK, (byte) 'A');

        good(run("2f 00 00000003 00 0002 00", new byte[0]));
        good(run("2f 02 00000003 00 0002 00", filled(2, 'A')));
        good(run("2f 06 00000003 00 0002 00", filled(1, 'A')));
        assertThat(run("2f 02 00000003 00 0003 00", filled(3, 'A')).sense())
                .isEqualTo(Sense.MISCOMPARE.withInformation(2 * BLOCK));
        assertThat(run("8f 06 0000000000000002 00000002 00 00", filled(1, 'A')).sense())
                .isEqualTo(Sense.MISCOMPARE.withInformation(0));
        assertThat(run("2f 02 00000003 00 0002 00", filled(1, 'A')).sense())
                .as("too little data")
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(run("2f 04 00000003 00 0002 00", filled(2, 'A')).sense())
                .as("BYTCHK 2 is reserved")
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        good(run("af 02 00000003 00000000 00 00", new byte[0]));
    }

    @Test
    void write_same_repeats_a_block_or_zeros() {
        good(run("93 00 0000000000000004 00000007 00 00", filled(1, 'S')));
        assertThat(Arrays.copyOfRange(memory, 4 * BLOCK, 11 * BLOCK)).containsOnly('S');
        assertThat(block(3)).containsOnly(0);
        assertThat(block(11)).containsOnly(0);

        good(run("93 01 0000000000000005 00000001 00 00", new byte[0]));
        good(run("41 08 00000006 00 0001 00", filled(1, 0xff)));
        assertThat(Arrays.copyOfRange(memory, 5 * BLOCK, 7 * BLOCK)).containsOnly(0);

        good(run("41 00 000000fe 00 0000 00", filled(1, 'E')));
        assertThat(Arrays.copyOfRange(memory, 254 * BLOCK, 256 * BLOCK))
                .as("to the end")
                .containsOnly('E');
        assertThat(block(253)).containsOnly(0);
        assertThat(persisted).hasSize(4);
        assertThat(run("41 00 000000fe 00 0001 00", new byte[100]).sense()).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(run("41 10 000000fe 00 0001 00", filled(1, 0)).sense())
                .as("no block can be anchored")
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void unmapped_blocks_read_as_zeros_and_are_told_apart() {
        Arrays.fill(memory, 0, 16 * BLOCK, (byte) 'A');
        byte[] list = UnmapRange.toBytes(List.of(new UnmapRange(2, 3), new UnmapRange(7, 0), new UnmapRange(9, 1)));

        good(run("42 00 00000000 00 %04x 00".formatted(list.length), list));

        for (int i = 0; i < 16; i++) {
            assertThat(block(i)).as("block " + i).containsOnly((i >= 2 && i < 5) || i == 9 ? 0 : 'A');
        }
        ScsiTask status = run("9e 12 0000000000000001 000000ff 00 00", new byte[0]);
        good(status);
        var told = new byte[status.bytes()];
        status.reply().get(told);
        assertThat(HexFormat.of().formatHex(told))
                .isEqualTo("00000064" + "00000000"
                        + "0000000000000001" + "00000001" + "00000000"
                        + "0000000000000002" + "00000003" + "01000000"
                        + "0000000000000005" + "00000004" + "00000000"
                        + "0000000000000009" + "00000001" + "01000000"
                        + "000000000000000a" + "00000006" + "00000000"
                        + "0000000000000010" + "000000f0" + "01000000");
        assertThat(run("9e 12 0000000000000100 000000ff 00 00", new byte[0]).sense())
                .isEqualTo(Sense.LBA_OUT_OF_RANGE);
    }

    @ParameterizedTest
    @ValueSource(longs = {256, -1, Long.MAX_VALUE})
    void unmap_refuses_blocks_that_are_not_there_and_then_does_nothing(long block) {
        Arrays.fill(memory, (byte) 'A');
        byte[] list = UnmapRange.toBytes(List.of(new UnmapRange(2, 3), new UnmapRange(block, 1)));

        assertThat(run("42 00 00000000 00 %04x 00".formatted(list.length), list).sense())
                .isEqualTo(Sense.LBA_OUT_OF_RANGE);

        assertThat(memory).containsOnly('A');
    }

    @Test
    void unmap_lists_of_wrong_lengths_are_refused() {
        byte[] list = UnmapRange.toBytes(List.of(new UnmapRange(2, 3)));

        good(run("42 00 00000000 00 0000 00", new byte[0]));
        assertThat(run("42 00 00000000 00 0007 00", new byte[7]).sense()).isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(run("42 00 00000000 00 0010 00", Arrays.copyOf(list, 16)).sense())
                .isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(run("42 00 00000000 00 ffff 00", new byte[0xffff]).sense())
                .isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
    }

    @Test
    void orwrite_adds_bits() {
        Arrays.fill(memory, 3 * BLOCK, 4 * BLOCK, (byte) 0x0f);

        good(run("8b 00 0000000000000003 00000002 00 00", filled(2, 0x31)));

        assertThat(block(3)).containsOnly(0x3f);
        assertThat(block(4)).containsOnly(0x31);
        assertThat(persisted).containsExactly(new FakePersistence.Asked(3 * BLOCK, 2 * BLOCK));
    }

    @Test
    void what_cannot_be_made_durable_is_a_write_error() {
        fixture.persistence.durable = false;

        assertThat(run("2a 00 00000000 00 0001 00", filled(1, 1)).sense()).isEqualTo(Sense.WRITE_ERROR);
        assertThat(run("93 01 0000000000000000 00000001 00 00", new byte[0]).sense())
                .isEqualTo(Sense.WRITE_ERROR);
        byte[] list = UnmapRange.toBytes(List.of(new UnmapRange(2, 3), new UnmapRange(9, 1)));
        assertThat(run("42 00 00000000 00 0028 00", list).sense()).isEqualTo(Sense.WRITE_ERROR);
    }

    @Test
    void write_protection_and_descriptor_sense_are_set_by_mode_select_and_told_to_the_others() {
        var other = new ScsiNexus(new Nexus("iqn.2026-01.test:other,i,0x1", 1));
        target.join(nexus);
        target.join(other);
        byte[] control = HexFormat.of().parseHex("00000000" + "0a0a" + "04100840" + "00".repeat(6));

        good(run("15 10 0000 10 00", control));

        assertThat(run(other, "00", new byte[0], 0).sense()).isEqualTo(Sense.MODE_PARAMETERS_CHANGED);
        ScsiTask refused = run("2a 00 00000000 00 0001 00", filled(1, 1));
        assertThat(refused.sense()).isEqualTo(Sense.WRITE_PROTECTED);
        ByteBuffer sense = ByteBuffer.allocate(Sense.MAX_BYTES);
        assertThat(refused.putSense(sense, 0)).isEqualTo(8);
        assertThat(sense.get(0)).isEqualTo((byte) 0x72);
        good(run("28 00 00000000 00 0001 00", new byte[0]));
        control[6] = 0;
        control[8] = 0;
        good(run("15 10 0000 10 00", control));
        good(run("2a 00 00000000 00 0001 00", filled(1, 1)));
        control[7] = 0; // QUEUE ALGORITHM MODIFIER stays as it is
        assertThat(run("15 10 0000 10 00", control).sense()).isEqualTo(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        assertThat(run("15 10 0000 0f 00", Arrays.copyOf(control, 15)).sense())
                .isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(run("15 11 0000 10 00", control).sense()).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    /// Any command over any blocks with any data agrees with what an array would hold, or is refused and changes
    /// nothing.
    @Seeds(200)
    void fills_and_writes_agree_with_an_array(RandomGenerator random) {
        byte[] model = memory.clone();
        for (int step = 0; step < 30; step++) {
            long first = random.nextInt(10) == 0 ? random.nextLong() : random.nextInt(BLOCKS + 3);
            int count = random.nextInt(5);
            boolean there = first >= 0 && first <= BLOCKS && first + count <= BLOCKS;
            int at = there ? (int) first * BLOCK : 0;
            byte[] data = filled(count, random.nextInt(256));
            String tail = "%016x %08x 00 00".formatted(first, count);
            ScsiTask task;
            switch (random.nextInt(3)) {
                case 0 -> {
                    task = run("8a 00 " + tail, data);
                    if (there) {
                        System.arraycopy(data, 0, model, at, data.length);
                    }
                }
                case 1 -> {
                    int all = count == 0 ? (int) (BLOCKS - first) : count;
                    byte[] one = filled(1, random.nextInt(256));
                    task = run("93 00 " + tail, one);
                    for (int i = 0; there && i < all; i++) {
                        System.arraycopy(one, 0, model, at + i * BLOCK, BLOCK);
                    }
                }
                default -> {
                    byte[] list = UnmapRange.toBytes(List.of(new UnmapRange(first, count)));
                    task = run("42 00 00000000 00 0018 00", list);
                    if (there) {
                        Arrays.fill(model, at, at + count * BLOCK, (byte) 0);
                    }
                }
            }
            assertThat(task.status()).isEqualTo(there ? ScsiStatus.GOOD : ScsiStatus.CHECK_CONDITION);
            assertThat(memory).isEqualTo(model);
        }
    }
}
