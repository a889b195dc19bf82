package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.reservation.Nexus;
import pnfs.testing.Seeds;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// Replies are compared with bytes written out by hand from SPC-4 and SBC-3, not with what our own encoders make.
class ScsiTargetTest {
    private static final int BLOCKS = 256;
    private static final String NAME = ScsiFixture.NAME;

    private final ScsiFixture fixture = new ScsiFixture(BLOCKS * 4096, 4096, 512);
    private final byte[] memory = fixture.memory;
    private final List<FakePersistence.Asked> persisted = fixture.persistence.asked;
    private final SimpleMeterRegistry meters = fixture.meters;
    private final ScsiTarget target = fixture.target();
    private final ScsiNexus nexus = ScsiFixture.nexus("client");

    private ScsiTask start(int lun, String cdb) {
        return fixture.start(nexus, lun, cdb, 0);
    }

    private String reply(int lun, String cdb) {
        ScsiTask task = start(lun, cdb);
        assertThat(task.sense()).isEqualTo(Sense.NONE);
        assertThat(task.status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(task.transfer()).isEqualTo(ScsiTask.REPLY);
        var bytes = new byte[task.reply().remaining()];
        task.reply().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private Sense refusal(int lun, String cdb) {
        ScsiTask task = start(lun, cdb);
        assertThat(task.transfer()).isEqualTo(ScsiTask.NONE);
        assertThat(task.status()).isEqualTo(ScsiStatus.CHECK_CONDITION);
        return task.sense();
    }

    private static String ascii(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void inquiry_tells_a_disk_of_ours() {
        assertThat(reply(0, "12 00 00 00ff 00"))
                .hasSize(74 * 2)
                .startsWith("00 00 06 12 45 10 00 02".replace(" ", "")
                        + ascii("PNFS    REGION          0001")
                        + "00".repeat(22)
                        + "00a0046004c00960");
        assertThat(reply(0, "12 00 00 0024 00"))
                .as("cut at the allocation length")
                .hasSize(36 * 2);
        assertThat(reply(0, "12 00 00 0000 00")).isEmpty();
    }

    @Test
    void vital_product_data_lists_its_pages() {
        assertThat(reply(0, "12 01 00 00ff 00")).isEqualTo("00000006" + "008083b0b1b2");
        assertThat(reply(0, "12 01 80 00ff 00")).isEqualTo("00800020" + ascii("b3a1c2d45e6f4a7b8c9d0e1f2a3b4c5d"));
    }

    @Test
    void device_identification_has_one_naa_name_that_pnfs_clients_find() {
        assertThat(reply(0, "12 01 83 00ff 00"))
                .startsWith(
                        "00830090" // page 83h, 144 bytes
                                + "01030010" + "602706e45e6f4a7b8c9d0e1f2a3b4c5d" // NAA, binary, of the unit
                                + "02010028" + ascii("PNFS    b3a1c2d45e6f4a7b8c9d0e1f2a3b4c5d") // T10
                                + "51940004" + "00000001" // relative port 1, of the port
                                + "51950004" + "00000001" // target port group 1
                                + "53980020" + ascii(NAME + ",t,0x0001")) // SCSI name of the port
                .contains("53a80018" + ascii(NAME));
    }

    @Test
    void block_limits_characteristics_and_provisioning_are_told() {
        assertThat(reply(0, "12 01 b0 00ff 00"))
                .isEqualTo("00b0003c" + "00100001" + "00001000" + "00000100" + "00000000" + "00001000" + "00000100"
                        + "00000001" + "80000000" + "0000000000001000" + "00000100" + "00".repeat(16));
        assertThat(reply(1, "12 01 b0 00ff 00"))
                .isEqualTo("00b0003c" + "00800008" + "00008000" + "00000800" + "00000000" + "00008000" + "00000100"
                        + "00000001" + "80000000" + "0000000000008000" + "00000800" + "00".repeat(16));
        assertThat(reply(0, "12 01 b1 00ff 00")).isEqualTo("00b1003c" + "0001" + "00".repeat(58));
        assertThat(reply(0, "12 01 b2 00ff 00")).isEqualTo("00b20004" + "00e40100");
    }

    @ParameterizedTest
    @CsvSource({"12 01 c0 00ff 00, a page that is not there", "12 00 80 00ff 00, a page without EVPD"})
    void inquiry_refuses(String cdb, String what) {
        assertThat(refusal(0, cdb)).as(what).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void capacity_is_the_last_block_and_the_block_size() {
        assertThat(reply(0, "25 00 00000000 0000 00 00")).isEqualTo("000000ff" + "00001000");
        assertThat(reply(0, "9e 10 0000000000000000 00000020 00 00"))
                .isEqualTo("00000000000000ff" + "00001000" + "0000c000" + "00".repeat(16));
        assertThat(reply(1, "9e 10 0000000000000000 00000010 00 00"))
                .as("512-byte blocks")
                .isEqualTo("00000000000007ff" + "00000200" + "0000c000");
    }

    @Test
    void mode_sense_says_that_there_is_no_write_cache() {
        String caching = "0812" + "00".repeat(18);
        String control = "0a0a" + "0010" + "0040" + "00".repeat(6);

        assertThat(reply(0, "1a 00 08 00 ff 00")).isEqualTo("17001000" + caching);
        assertThat(reply(0, "1a 08 3f 00 ff 00")).isEqualTo("23001000" + caching + control);
        assertThat(reply(0, "1a 08 3f ff ff 00")).isEqualTo("23001000" + caching + control);
        assertThat(reply(0, "5a 00 0a 00 000000 00ff 00")).isEqualTo("0012001000000000" + control);
        assertThat(reply(0, "1a 00 48 00 ff 00")).as("changeable: nothing").isEqualTo("17001000" + caching);
        assertThat(reply(0, "1a 00 3f 00 04 00"))
                .as("cut, but the length inside is whole")
                .isEqualTo("23001000");
        assertThat(refusal(0, "1a 00 c8 00 ff 00")).isEqualTo(new Sense(5, 0x39, 0));
        assertThat(refusal(0, "1a 00 1c 00 ff 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(refusal(0, "1a 00 08 01 ff 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void report_luns_lists_the_units_at_whatever_lun_it_is_asked() {
        String both = "00000010" + "00000000" + "0000000000000000" + "0001000000000000";

        assertThat(reply(0, "a0 00 00 000000 00000100 00 00")).isEqualTo(both);
        assertThat(reply(77, "a0 00 02 000000 00000100 00 00")).isEqualTo(both);
        assertThat(reply(0, "a0 00 01 000000 00000100 00 00"))
                .as("well-known units")
                .isEqualTo("0000000000000000");
        assertThat(refusal(0, "a0 00 00 000000 0000000f 00 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(refusal(0, "a0 00 09 000000 00000100 00 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void a_lun_without_a_unit_says_so() {
        assertThat(reply(2, "12 00 00 0024 00")).startsWith("7f00");
        assertThat(reply(-1, "03 00 0000 fc 00")).isEqualTo("700005000000000a00000000250000000000");
        for (String cdb : List.of("00", "28", "2a", "25", "88", "9e10", "1a003f00ff", "120100ff", "77", "9e1f")) {
            assertThat(refusal(2, cdb)).as(cdb).isEqualTo(Sense.LUN_NOT_SUPPORTED);
            assertThat(refusal(-1, cdb)).as(cdb).isEqualTo(Sense.LUN_NOT_SUPPORTED);
        }
    }

    @Test
    void request_sense_has_nothing_to_tell_in_either_format() {
        assertThat(reply(0, "03 00 0000 fc 00")).isEqualTo("700000000000000a00000000000000000000");
        assertThat(reply(0, "03 01 0000 fc 00")).isEqualTo("7200000000000000");
        assertThat(reply(0, "03 00 0000 04 00")).isEqualTo("70000000");
    }

    @Test
    void port_groups_and_task_functions_are_told() {
        String group = "0001" + "0001" + "00000001" + "00000001";

        assertThat(reply(0, "a3 0a 00 00 0000 000000ff 00 00")).isEqualTo("0000000c" + group);
        assertThat(reply(0, "a3 2a 00 00 0000 000000ff 00 00")).isEqualTo("00000010" + "10000000" + group);
        assertThat(reply(0, "a3 0d 00 00 0000 000000ff 00 00")).isEqualTo("da000000");
        assertThat(reply(0, "a3 0d 80 00 0000 000000ff 00 00")).isEqualTo("da00000c" + "00".repeat(12));
    }

    @Test
    void test_unit_ready_is_good() {
        assertThat(start(0, "00 00 0000 00 00").status()).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void unknown_opcodes_and_service_actions_are_refused() {
        assertThat(refusal(0, "77")).isEqualTo(Sense.INVALID_OPCODE);
        assertThat(refusal(0, "ff")).isEqualTo(Sense.INVALID_OPCODE);
        assertThat(refusal(0, "9e 1f")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(refusal(0, "a3 1f")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(meters.counter("pnfs.ds.command", "protocol", "iscsi", "command", "unsupported")
                        .count())
                .isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28 20 00000000 00 0001 00", // protection information
                "28 00 00000000 00 0001 04", // NACA
                "2a 00 00000000 c0 0001 00", // reserved bits beside the group number
                "2f 01 00000000 00 0001 00", // RELADR, long gone
                "00 01 0000 00 00",
                "25 00 00000001 0000 00 00"
            })
    void bits_without_a_meaning_are_refused(String cdb) {
        assertThat(refusal(0, cdb)).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @ParameterizedTest
    @CsvSource({
        "08 000003 02 00, 2",
        "28 18 00000003 1f 0002 00, 2",
        "a8 00 00000003 00000002 00 00, 2",
        "88 00 0000000000000003 00000002 00 00, 2",
        "08 000000 00 00, 256",
        "28 00 00000003 00 0000 00, 0",
    })
    void reads_move_views_of_the_volume(String cdb, int blocks) {
        Arrays.fill(memory, 3 * 4096, 5 * 4096, (byte) 0x5a);

        ScsiTask task = start(0, cdb);

        assertThat(task.status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(task.transfer()).isEqualTo(ScsiTask.READ);
        assertThat(task.bytes()).isEqualTo(blocks * 4096);
        if (blocks == 2) {
            assertThat(task.view(0, 8192)).isEqualTo(ByteBuffer.wrap(memory, 3 * 4096, 8192));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0a 000003 02 00",
                "2a 00 00000003 00 0002 00",
                "2a 08 00000003 00 0002 00",
                "aa 00 00000003 00000002 00 00",
                "8a 00 0000000000000003 00000002 00 00"
            })
    void writes_land_in_the_volume_and_are_made_durable_as_a_whole(String cdb) {
        ScsiTask task = start(0, cdb);
        var finished = new AtomicInteger();

        assertThat(task.transfer()).isEqualTo(ScsiTask.WRITE);
        assertThat(task.bytes()).isEqualTo(8192);
        task.write(0, ByteBuffer.wrap(new byte[] {1, 2}));
        task.view(8190, 2).put(new byte[] {3, 4});
        task.finish(8192, finished::incrementAndGet);

        assertThat(Arrays.copyOfRange(memory, 3 * 4096, 3 * 4096 + 2)).containsExactly(1, 2);
        assertThat(Arrays.copyOfRange(memory, 5 * 4096 - 2, 5 * 4096)).containsExactly(3, 4);
        assertThat(persisted).containsExactly(new FakePersistence.Asked(3 * 4096, 8192));
        assertThat(finished).hasValue(1);
        assertThat(task.status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(meters.get("pnfs.ds.transfer")
                        .tag("operation", "write")
                        .functionCounter()
                        .count())
                .isEqualTo(8192);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28 00 00000100 00 0001 00",
                "28 00 000000ff 00 0002 00",
                "28 00 00000101 00 0000 00",
                "2a 00 000000ff 00 0002 00",
                "2f 00 000000ff 00 0002 00",
                "35 00 000000ff 00 0002 00",
                "88 00 ffffffffffffffff 00000001 00 00",
                "88 00 7fffffffffffffff ffffffff 00 00",
                "8a 00 8000000000000000 00000001 00 00",
                "91 00 00000000000000ff 00000002 00 00",
            })
    void blocks_that_are_not_there_are_out_of_range(String cdb) {
        assertThat(refusal(0, cdb)).isEqualTo(Sense.LBA_OUT_OF_RANGE);
    }

    @Test
    void a_command_may_not_move_more_than_block_limits_tell() {
        var big = new ScsiFixture(64 << 20, 4096);

        assertThat(big.start(nexus, 0, "88 00 0000000000000000 00001000 00 00", 0)
                        .bytes())
                .isEqualTo(16 << 20);
        assertThat(big.start(nexus, 0, "88 00 0000000000000000 00001001 00 00", 0)
                        .sense())
                .isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void verify_and_synchronize_cache_find_everything_in_place() {
        for (String cdb : List.of(
                "2f 00 00000000 00 0010 00",
                "af 00 00000000 00000010 00 00",
                "8f 00 0000000000000000 00000010 00 00",
                "35 00 00000000 00 0000 00",
                "35 02 00000000 00 0000 00",
                "91 00 0000000000000000 00000000 00 00")) {
            assertThat(start(0, cdb).status()).as(cdb).isEqualTo(ScsiStatus.GOOD);
        }
    }

    @Test
    void supported_opcodes_are_the_table() {
        String all = reply(0, "a3 0c 00 00 0000 0000ffff 00 00");

        assertThat(all).startsWith("%08x".formatted(SupportedCommand.values().length * 8));
        assertThat(all).contains("280000000000000a", "9e0000100001" + "0010", "a300000c0001000c");
        assertThat(reply(0, "a3 0c 01 28 0000 0000ffff 00 00")).isEqualTo("0003000a" + "2818ffffffff3fffff00");
        assertThat(reply(0, "a3 0c 01 4d 0000 0000ffff 00 00"))
                .as("no LOG SENSE")
                .isEqualTo("00010000");
        assertThat(reply(0, "a3 0c 02 9e 0010 0000ffff 00 00")).startsWith("00030010" + "9e1f");
        assertThat(reply(0, "a3 0c 02 9e 0013 0000ffff 00 00"))
                .as("no such service action")
                .isEqualTo("00010000");
        assertThat(reply(0, "a3 0c 81 28 0000 0000ffff 00 00"))
                .as("with timeouts, which nobody knows")
                .isEqualTo("0083000a" + "2818ffffffff3fffff00" + "000a" + "00".repeat(10));
        assertThat(reply(0, "a3 0c 80 00 0000 0000ffff 00 00"))
                .startsWith("%08x".formatted(SupportedCommand.values().length * 20))
                .contains("2800000000" + "02" + "000a" + "000a" + "00".repeat(10));
        assertThat(reply(0, "a3 0c 03 28 0000 0000ffff 00 00")).startsWith("0003000a");
        assertThat(refusal(0, "a3 0c 01 9e 0010 0000ffff 00 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(refusal(0, "a3 0c 02 28 0000 0000ffff 00 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
        assertThat(refusal(0, "a3 0c 04 28 0000 0000ffff 00 00")).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void every_row_of_the_table_has_a_usage_that_begins_with_its_opcode_and_the_length_of_its_group() {
        for (SupportedCommand row : SupportedCommand.values()) {
            assertThat(row.usage()[0] & 0xff).as(row.name()).isEqualTo(row.opcode());
            assertThat(row.cdbBytes())
                    .as(row.name())
                    .isEqualTo(
                            switch (row.opcode() >> 5) {
                                case 0 -> 6;
                                case 1, 2 -> 10;
                                case 4 -> 16;
                                case 5 -> 12;
                                default -> throw new AssertionError(row);
                            });
        }
    }

    @Test
    void a_reset_is_told_once_to_every_other_nexus_and_not_by_inquiry() {
        var other = new ScsiNexus(new Nexus("iqn.2026-01.test:other,i,0x1", 1));
        target.join(nexus);
        target.join(other);

        target.resetDone(0, other);

        assertThat(start(0, "12 00 00 0024 00").status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(start(1, "00").status()).as("another unit").isEqualTo(ScsiStatus.GOOD);
        assertThat(refusal(0, "00")).isEqualTo(Sense.LOGICAL_UNIT_RESET);
        assertThat(start(0, "00").status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(other.takeAttention(0)).as("who did it").isNull();
    }

    @Test
    void request_sense_takes_an_attention_with_it() {
        target.join(nexus);
        target.resetDone(0, new ScsiNexus(new Nexus("iqn.2026-01.test:other,i,0x1", 1)));

        assertThat(reply(0, "03 00 0000 fc 00")).isEqualTo("700006000000000a00000000290300000000");
        assertThat(start(0, "00").status()).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void who_has_left_is_told_nothing() {
        target.join(nexus);
        target.leave(nexus);

        target.resetDone(0, new ScsiNexus(new Nexus("iqn.2026-01.test:other,i,0x1", 1)));

        assertThat(start(0, "00").status()).isEqualTo(ScsiStatus.GOOD);
    }

    @Seeds(300)
    void no_sequence_of_bytes_is_more_than_a_refusal(RandomGenerator random) {
        var bytes = new byte[16];
        var task = new ScsiTask();
        int[] opcodes = {
            ScsiOpcode.READ_16,
            ScsiOpcode.WRITE_16,
            ScsiOpcode.INQUIRY,
            ScsiOpcode.MAINTENANCE_IN,
            ScsiOpcode.REPORT_LUNS,
            ScsiOpcode.MODE_SENSE_10,
            ScsiOpcode.SERVICE_ACTION_IN_16,
            ScsiOpcode.READ_6
        };

        for (int i = 0; i < 50; i++) {
            random.nextBytes(bytes);
            if (random.nextBoolean()) {
                bytes[0] = (byte) opcodes[random.nextInt(opcodes.length)];
                bytes[1 + random.nextInt(15)] = 0;
            }
            task.begin(nexus, random.nextInt(-1, 4), ByteBuffer.wrap(bytes), 0, 0);
            target.start(task);

            boolean moves = task.transfer() == ScsiTask.READ || task.transfer() == ScsiTask.WRITE;
            if (moves) {
                assertThat(task.view(0, task.bytes()).remaining()).isEqualTo(task.bytes());
            }
            assertThat(task.status()).isIn(ScsiStatus.GOOD, ScsiStatus.CHECK_CONDITION);
            assertThat(task.sense().equals(Sense.NONE)).isEqualTo(task.status() == ScsiStatus.GOOD);
        }
    }
}
