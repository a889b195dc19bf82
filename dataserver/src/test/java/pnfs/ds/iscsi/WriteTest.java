package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.ds.iscsi.RawInitiator.Pdu;
import pnfs.testing.Seeds;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.ScsiStatus;

/// Bursts of the fixture: first 64 KiB, each 128 KiB; segments up to 64 KiB.
class WriteTest {
    private static final int FIRST_BURST = 65_536;
    private static final int MAX_SEGMENT = 65_536;

    private final TargetFixture fixture = new TargetFixture();
    private final RawInitiator initiator = fixture.connect();

    private static byte[] pattern(int length) {
        var bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + i / 4096 + 1);
        }
        return bytes;
    }

    /// Writes as an initiator does that uses all that was agreed on; segments of `segment` bytes.
    private int write(long block, byte[] data, boolean immediate, boolean unsolicited, int segment) {
        int now = immediate ? Math.min(Math.min(data.length, FIRST_BURST), segment) : 0;
        int unasked = unsolicited ? Math.min(data.length, FIRST_BURST) : now;
        var command = initiator.write16(now == unasked ? Bhs.FINAL : 0, block, data.length / 4096);
        int tag = Bhs.initiatorTaskTag(command, 0);
        initiator.send(command, Arrays.copyOf(data, now));
        int at = sendSequence(tag, Bhs.NO_TAG, data, now, unasked, segment);
        while (at < data.length) {
            Pdu r2t = initiator.receive(Opcode.R2T);
            assertThat(Bhs.initiatorTaskTag(r2t.header(), 0)).isEqualTo(tag);
            assertThat(Bhs.bufferOffset(r2t.header(), 0)).isEqualTo(at);
            int desired = Bhs.desiredBytes(r2t.header(), 0);
            assertThat(desired).isBetween(1, 131_072);
            at = sendSequence(tag, Bhs.targetTransferTag(r2t.header(), 0), data, at, at + desired, segment);
        }
        return tag;
    }

    private int sendSequence(int tag, int transferTag, byte[] data, int from, int end, int segment) {
        int dataSn = 0;
        int at = from;
        while (at < end) {
            int length = Math.min(segment, end - at);
            int flags = at + length == end ? Bhs.FINAL : 0;
            initiator.send(
                    initiator.dataOut(flags, tag, transferTag, dataSn++, at),
                    Arrays.copyOfRange(data, at, at + length));
            at += length;
        }
        return at;
    }

    static Stream<Arguments> everyAgreement() {
        return Stream.of("Yes", "No")
                .flatMap(immediate -> Stream.of("Yes", "No")
                        .flatMap(initialR2t -> Stream.of("None", "CRC32C")
                                .flatMap(digest -> Stream.of(4096, 61_440, 65_536, 69_632, 262_144, 1_048_576)
                                        .flatMap(bytes -> Stream.of(8192, MAX_SEGMENT)
                                                .map(segment -> Arguments.of(
                                                        immediate, initialR2t, digest, bytes, segment))))));
    }

    @ParameterizedTest
    @MethodSource("everyAgreement")
    void every_agreement_on_data_brings_the_same_bytes(
            String immediate, String initialR2t, String digest, int bytes, int segment) {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of(
                        "ImmediateData", immediate,
                        "InitialR2T", initialR2t,
                        "FirstBurstLength", "65536",
                        "MaxBurstLength", "131072",
                        "HeaderDigest", digest,
                        "DataDigest", digest));
        byte[] data = pattern(bytes);

        int tag = write(3, data, immediate.equals("Yes"), initialR2t.equals("No"), segment);

        Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(Bhs.initiatorTaskTag(response.header(), 0)).isEqualTo(tag);
        assertThat(Bhs.scsiStatus(response.header(), 0)).isEqualTo(ScsiStatus.GOOD);
        assertThat(Bhs.statSn(response.header(), 0)).isEqualTo(initiator.expStatSn);
        assertThat(response.has(Bhs.UNDERFLOW) || response.has(Bhs.OVERFLOW)).isFalse();
        assertThat(fixture.bytes(3 * 4096, bytes)).isEqualTo(data);
        fixture.assertFilled(0, 3 * 4096, 0);
        fixture.assertFilled(3 * 4096 + bytes, 8192, 0);
    }

    @Test
    void I5_a_write_is_not_answered_before_all_of_its_bytes_are_durable() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        fixture.persistence.holds = true;

        initiator.send(initiator.write16(Bhs.FINAL, 7, 2), pattern(8192));
        assertThat(initiator.hasAnswer()).isFalse();
        assertThat(fixture.persistence.asked).singleElement().satisfies(asked -> {
            assertThat(asked.offset()).isEqualTo(7 * 4096);
            assertThat(asked.length()).isEqualTo(8192);
        });

        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void I5_a_write_whose_bytes_cannot_be_made_durable_is_a_medium_error() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        fixture.persistence.holds = true;

        initiator.send(initiator.write16(Bhs.FINAL, 7, 1), pattern(4096));
        fixture.loop.runElsewhere(() -> fixture.persistence.answer(false));
        fixture.loop.runTasks();

        assertThat(initiator.receive(Opcode.SCSI_RESPONSE).sense()).isEqualTo("3/0c/00");
    }

    @Test
    void writes_made_durable_together_are_answered_together() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        fixture.persistence.holds = true;
        for (int i = 0; i < 5; i++) {
            initiator.send(initiator.write16(Bhs.FINAL, i, 1), pattern(4096));
        }

        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();

        for (int i = 0; i < 5; i++) {
            Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
            assertThat(Bhs.statSn(response.header(), 0)).isEqualTo(initiator.expStatSn + i);
        }
    }

    @Test
    void large_segments_go_straight_to_their_place_and_small_ones_are_copied() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        byte[] pdu = initiator.bytes(initiator.write16(Bhs.FINAL, 0, 4), pattern(16_384));

        initiator.connection.deliver(Arrays.copyOf(pdu, 1000));
        assertThat(initiator.connection.receivesInPlace()).isTrue();
        initiator.connection.deliver(Arrays.copyOfRange(pdu, 1000, pdu.length));
        initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(fixture.bytes(0, 16_384)).isEqualTo(pattern(16_384));

        initiator.connection.deliver(
                Arrays.copyOf(initiator.bytes(initiator.write16(Bhs.FINAL, 0, 3), pattern(12_288)), 1000));
        assertThat(initiator.connection.receivesInPlace()).isFalse();
    }

    @Seeds(40)
    void a_connection_that_dies_in_the_middle_touches_nothing_outside_of_its_range(RandomGenerator random) {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of("InitialR2T", "No", "DataDigest", "None", "FirstBurstLength", "65536"));
        int blocks = random.nextInt(1, 17);
        int block = random.nextInt(TargetFixture.BYTES / 4096 - blocks);
        byte[] pdu = initiator.bytes(initiator.write16(Bhs.FINAL, block, blocks), pattern(blocks * 4096));
        fixture.memory.fill((byte) 0x77);

        int cut = random.nextInt(pdu.length);
        for (int at = 0; at < cut; ) {
            int next = Math.min(cut, at + 1 + random.nextInt(20_000));
            initiator.connection.deliver(Arrays.copyOfRange(pdu, at, next));
            at = next;
        }
        initiator.connection.close("peer died");

        fixture.assertFilled(0, block * 4096L, 0x77);
        long end = (block + blocks) * 4096L;
        fixture.assertFilled(end, TargetFixture.BYTES - end, 0x77);
        assertThat(fixture.persistence.asked).isEmpty();
    }

    @Seeds(30)
    void however_the_bytes_arrive_the_writes_are_the_same(RandomGenerator random) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("FirstBurstLength", "65536"));
        var out = new ByteArrayOutputStream();
        var model = new byte[TargetFixture.BYTES];
        int writes = random.nextInt(1, 12);
        for (int i = 0; i < writes; i++) {
            int blocks = random.nextInt(1, 17);
            int block = random.nextInt(TargetFixture.BYTES / 4096 - blocks);
            var data = new byte[blocks * 4096];
            random.nextBytes(data);
            System.arraycopy(data, 0, model, block * 4096, data.length);
            out.writeBytes(initiator.bytes(initiator.write16(Bhs.FINAL, block, blocks), data));
        }
        byte[] stream = out.toByteArray();

        for (int at = 0; at < stream.length; ) {
            int next = Math.min(stream.length, at + 1 + random.nextInt(random.nextBoolean() ? 60 : 100_000));
            initiator.connection.deliver(Arrays.copyOfRange(stream, at, next));
            at = next;
        }

        for (int i = 0; i < writes; i++) {
            assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                    .isZero();
        }
        assertThat(Arrays.mismatch(fixture.all(), model)).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({
        "8192, 1, underflow, 4096", // expects two blocks to move, the command moves one
        "4096, 2, overflow, 4096", // expects one, the command would move two
        "0, 1, overflow, 4096",
    })
    void what_is_expected_and_what_moves_may_differ(int expected, int blocks, String flag, int residual) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        int flags = Bhs.FINAL | Bhs.WRITE;
        var command = initiator.command(flags, expected, "8a00%016x%08x0000".formatted(0, blocks));
        initiator.send(command, pattern(expected));

        Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(response.has(Bhs.UNDERFLOW)).isEqualTo(flag.equals("underflow"));
        assertThat(response.has(Bhs.OVERFLOW)).isEqualTo(flag.equals("overflow"));
        assertThat(Bhs.residual(response.header(), 0)).isEqualTo(residual);
        int moved = Math.min(expected, blocks * 4096);
        assertThat(fixture.bytes(0, moved)).isEqualTo(pattern(moved));
        fixture.assertFilled(moved, 8192, 0);
    }

    @Test
    void a_refused_write_takes_its_data_and_drops_it() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("InitialR2T", "No", "FirstBurstLength", "65536"));
        var command = initiator.write16(0, TargetFixture.BYTES / 4096, 16);
        int tag = Bhs.initiatorTaskTag(command, 0);

        initiator.send(command, pattern(4096));
        assertThat(initiator.hasAnswer())
                .as("answered before its data has come")
                .isFalse();
        initiator.send(initiator.dataOut(Bhs.FINAL, tag, Bhs.NO_TAG, 0, 4096), pattern(61_440));

        Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(response.sense()).isEqualTo("5/21/00");
        assertThat(Bhs.residual(response.header(), 0)).isEqualTo(65_536);
        fixture.assertUntouched();
        initiator.send(initiator.read16(0, 1));
        initiator.receive(Opcode.DATA_IN);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 3", "100, 8"})
    void r2ts_are_sent_ahead_as_far_as_both_want_and_answered_in_their_order(String wanted, int outstanding) {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of(
                        "InitialR2T",
                        "Yes",
                        "ImmediateData",
                        "No",
                        "MaxBurstLength",
                        "4096",
                        "MaxOutstandingR2T",
                        wanted));
        byte[] data = pattern(10 * 4096 - 512);
        var command = initiator.command(Bhs.FINAL | Bhs.WRITE, data.length, "8a00%016x%08x0000".formatted(0, 10));
        int tag = Bhs.initiatorTaskTag(command, 0);

        initiator.send(command);

        var asked = new ArrayDeque<Pdu>();
        int answered = 0;
        int r2tSn = 0;
        while (answered < data.length) {
            while (initiator.hasAnswer()) {
                Pdu r2t = initiator.receive(Opcode.R2T);
                assertThat(Bhs.dataSn(r2t.header(), 0)).isEqualTo(r2tSn++);
                asked.add(r2t);
            }
            int left = Math.ceilDiv(data.length - answered, 4096);
            assertThat(asked).hasSize(Math.min(outstanding, left));
            Pdu next = asked.remove();
            int at = Bhs.bufferOffset(next.header(), 0);
            int length = Bhs.desiredBytes(next.header(), 0);
            assertThat(at).isEqualTo(answered);
            assertThat(initiator.connection.closed()).isNull();
            initiator.send(
                    initiator.dataOut(Bhs.FINAL, tag, Bhs.targetTransferTag(next.header(), 0), 0, at),
                    Arrays.copyOfRange(data, at, at + length));
            answered += length;
        }
        Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(Bhs.scsiStatus(response.header(), 0)).isEqualTo(ScsiStatus.GOOD);
        assertThat(Bhs.dataSn(response.header(), 0)).as("R2Ts sent").isEqualTo(10);
        assertThat(fixture.bytes(0, data.length)).isEqualTo(data);
    }

    @Test
    void an_r2t_answered_before_the_one_before_it_ends_the_connection() {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of(
                        "InitialR2T",
                        "Yes",
                        "ImmediateData",
                        "No",
                        "MaxBurstLength",
                        "4096",
                        "MaxOutstandingR2T",
                        "2"));
        var command = initiator.write16(Bhs.FINAL, 0, 2);
        initiator.send(command);
        initiator.receive(Opcode.R2T);
        Pdu second = initiator.receive(Opcode.R2T);

        initiator.send(
                initiator.dataOut(
                        Bhs.FINAL,
                        Bhs.initiatorTaskTag(command, 0),
                        Bhs.targetTransferTag(second.header(), 0),
                        0,
                        4096),
                pattern(4096));

        assertThat(initiator.connection.closed()).contains("Data-Out");
        fixture.assertUntouched();
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0, 4096", "27, 0", "-1, 8192"})
    void data_that_is_out_of_order_fails_its_command_and_no_other(int dataSn, int offset) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("InitialR2T", "Yes", "ImmediateData", "No"));
        var command = initiator.write16(Bhs.FINAL, 0, 2);
        int tag = Bhs.initiatorTaskTag(command, 0);
        initiator.send(command);
        int transferTag = Bhs.targetTransferTag(initiator.receive(Opcode.R2T).header(), 0);

        initiator.send(initiator.dataOut(0, tag, transferTag, dataSn, offset), pattern(4096));
        assertThat(initiator.hasAnswer()).as("before all of it is there").isFalse();
        initiator.send(initiator.dataOut(Bhs.FINAL, tag, transferTag, 1, 4096), pattern(4096));

        assertThat(initiator.receive(Opcode.SCSI_RESPONSE).sense()).isEqualTo("b/47/05");
        fixture.assertUntouched();
        initiator.send(initiator.read16(0, 1));
        initiator.receive(Opcode.DATA_IN);
    }

    static Stream<Arguments> brokenDataOut() {
        return Stream.of(
                Arguments.of("wrong transfer tag", 0, 0, 1, 4096),
                Arguments.of("more than was asked for", 0, 0, 0, 12_288),
                Arguments.of("less than was asked for", 0, 0, 0, 4096));
    }

    @ParameterizedTest
    @MethodSource("brokenDataOut")
    void data_that_is_not_what_was_asked_for_ends_the_connection(
            String what, int dataSn, int offset, int tagError, int length) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("InitialR2T", "Yes", "ImmediateData", "No"));
        RawInitiator other = fixture.connect();
        other.isid = 2;
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        var command = initiator.write16(Bhs.FINAL, 10, 2);
        initiator.send(command);
        Pdu r2t = initiator.receive(Opcode.R2T);

        int transferTag = Bhs.targetTransferTag(r2t.header(), 0) + tagError;
        initiator.send(
                initiator.dataOut(Bhs.FINAL, Bhs.initiatorTaskTag(command, 0), transferTag, dataSn, offset),
                pattern(length));

        assertThat(initiator.connection.closed()).as(what).contains("Data-Out");
        fixture.assertFilled(0, 10 * 4096, 0);
        fixture.assertFilled(12 * 4096, 65_536, 0);
        assertThat(fixture.persistence.asked).isEmpty();
        assertThat(other.connection.closed()).isNull();
    }

    @Test
    void unasked_data_beyond_the_first_burst_ends_the_connection() {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of("InitialR2T", "No", "ImmediateData", "No", "FirstBurstLength", "4096"));
        var command = initiator.write16(0, 0, 3);
        initiator.send(command);

        initiator.send(initiator.dataOut(0, Bhs.initiatorTaskTag(command, 0), Bhs.NO_TAG, 0, 0), pattern(8192));

        assertThat(initiator.connection.closed()).isEqualTo("Data-Out of 8192 bytes over 4096");
        fixture.assertUntouched();
    }

    @ParameterizedTest
    @CsvSource({"Yes, No, 0, 0", "No, Yes, 4096, 128", "No, No, 4096, 0", "No, Yes, 69632, 128"})
    void data_that_was_not_agreed_on_ends_the_connection(String initialR2t, String immediate, int data, int flags) {
        initiator.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of("InitialR2T", initialR2t, "ImmediateData", immediate, "FirstBurstLength", "2048"));
        var command = initiator.write16(flags, 0, 32);
        initiator.connection.deliver(initiator.bytes(command, pattern(data)));

        assertThat(initiator.connection.closed()).isNotNull();
        fixture.assertUntouched();
    }

    @Test
    void a_data_digest_that_does_not_match_ends_the_connection_and_leaves_the_medium_alone() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("DataDigest", "CRC32C"));
        for (int blocks : List.of(1, 8)) {
            RawInitiator one = fixture.connect();
            one.isid = blocks;
            one.loginNormally(TargetFixture.TARGET, LoginKeys.of("DataDigest", "CRC32C"));
            byte[] pdu = one.bytes(one.write16(Bhs.FINAL, 0, blocks), pattern(blocks * 4096));
            pdu[100] ^= 1;

            one.connection.deliver(pdu);

            assertThat(one.connection.closed()).startsWith("data digest is");
            fixture.assertUntouched();
        }
    }
}
