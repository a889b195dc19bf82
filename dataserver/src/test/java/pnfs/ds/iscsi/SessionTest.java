package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.iscsi.RawInitiator.Pdu;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.wire.iscsi.AsyncEvent;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.RejectReason;
import pnfs.wire.iscsi.TaskManagement;
import pnfs.wire.scsi.Lun;
import pnfs.wire.scsi.ScsiStatus;

class SessionTest {
    private final TargetFixture fixture = new TargetFixture();
    private final RawInitiator initiator = fixture.connect();

    private void logIn() {
        initiator.loginNormally(
                TargetFixture.TARGET, LoginKeys.of("MaxRecvDataSegmentLength", "65536", "MaxBurstLength", "131072"));
    }

    private RawInitiator another(long isid) {
        RawInitiator other = fixture.connect();
        other.isid = isid;
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        return other;
    }

    private void testUnitReady(RawInitiator from) {
        from.send(from.command(Bhs.FINAL, 0, "00"));
    }

    @Test
    void a_small_read_is_one_pdu_with_its_status() {
        logIn();
        fixture.memory.asSlice(5 * 4096, 4096).fill((byte) 0x5a);

        initiator.send(initiator.read16(5, 1));

        Pdu data = initiator.receive(Opcode.DATA_IN);
        assertThat(Bhs.flags(data.header(), 0)).isEqualTo(Bhs.FINAL | Bhs.STATUS);
        assertThat(Bhs.scsiStatus(data.header(), 0)).isZero();
        assertThat(Bhs.statSn(data.header(), 0)).isEqualTo(initiator.expStatSn);
        assertThat(Bhs.expCmdSn(data.header(), 0)).isEqualTo(initiator.cmdSn);
        assertThat(Bhs.maxCmdSn(data.header(), 0)).isEqualTo(initiator.cmdSn + 31);
        assertThat(data.data()).isEqualTo(fixture.bytes(5 * 4096, 4096));
        assertThat(initiator.hasAnswer()).isFalse();
    }

    @Test
    void a_large_read_comes_in_segments_and_sequences_that_the_login_allows() {
        logIn();
        for (int i = 0; i < 100; i++) {
            fixture.memory.asSlice(i * 4096L, 4096).fill((byte) (i + 1));
        }

        initiator.send(initiator.read16(0, 100));

        var all = new ByteArrayOutputStream();
        int dataSn = 0;
        boolean done = false;
        while (!done) {
            Pdu data = initiator.receive(Opcode.DATA_IN);
            assertThat(data.data().length).isLessThanOrEqualTo(65_536);
            assertThat(Bhs.dataSn(data.header(), 0)).isEqualTo(dataSn++);
            assertThat(Bhs.bufferOffset(data.header(), 0)).isEqualTo(all.size());
            all.writeBytes(data.data());
            done = data.has(Bhs.STATUS);
            assertThat(data.has(Bhs.FINAL))
                    .as("a sequence ends each 128 KiB")
                    .isEqualTo(done || all.size() % 131_072 == 0);
        }
        assertThat(all.toByteArray()).isEqualTo(fixture.bytes(0, 100 * 4096));
    }

    @Test
    void a_read_of_less_than_expected_tells_the_residual_in_its_last_pdu() {
        logIn();
        initiator.send(initiator.command(Bhs.FINAL | Bhs.READ, 255, "12 00 00 00ff 00"));

        Pdu data = initiator.receive(Opcode.DATA_IN);
        assertThat(data.data()).hasSize(74);
        assertThat(data.has(Bhs.UNDERFLOW)).isTrue();
        assertThat(Bhs.residual(data.header(), 0)).isEqualTo(255 - 74);
    }

    @Test
    void a_read_of_more_than_expected_is_cut_and_told() {
        logIn();
        initiator.send(initiator.command(Bhs.FINAL | Bhs.READ, 512, "88000000000000000000000000010000"));

        Pdu data = initiator.receive(Opcode.DATA_IN);
        assertThat(data.data()).hasSize(512);
        assertThat(data.has(Bhs.OVERFLOW)).isTrue();
        assertThat(Bhs.residual(data.header(), 0)).isEqualTo(4096 - 512);
    }

    @Test
    void a_refusal_carries_its_sense() {
        logIn();
        initiator.send(initiator.command(Bhs.FINAL | Bhs.READ, 4096, "77"));

        Pdu response = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(Bhs.scsiStatus(response.header(), 0)).isEqualTo(2);
        assertThat(response.sense()).isEqualTo("5/20/00");
        assertThat(Bhs.residual(response.header(), 0)).isEqualTo(4096);
    }

    @Test
    void the_command_window_closes_while_commands_are_under_way_and_opens_again() {
        logIn();
        fixture.persistence.holds = true;
        for (int i = 0; i < 32; i++) {
            initiator.send(initiator.write16(Bhs.FINAL, i, 1), new byte[4096]);
        }
        testUnitReady(initiator);
        assertThat(initiator.hasAnswer())
                .as("outside of the window: not answered")
                .isFalse();
        assertThat(initiator.connection.closed()).isNull();

        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();
        Pdu last = initiator.receive(Opcode.SCSI_RESPONSE);
        for (int i = 1; i < 32; i++) {
            last = initiator.receive(Opcode.SCSI_RESPONSE);
        }
        assertThat(Bhs.expCmdSn(last.header(), 0)).isEqualTo(initiator.cmdSn - 1);
        assertThat(Bhs.maxCmdSn(last.header(), 0)).isEqualTo(initiator.cmdSn - 1 + 31);

        initiator.cmdSn--;
        testUnitReady(initiator);
        initiator.receive(Opcode.SCSI_RESPONSE);
    }

    @Test
    void a_command_that_was_seen_before_is_not_run_again() {
        logIn();
        testUnitReady(initiator);
        initiator.receive(Opcode.SCSI_RESPONSE);
        initiator.cmdSn--;
        testUnitReady(initiator);

        assertThat(initiator.hasAnswer()).isFalse();
        assertThat(initiator.connection.closed()).isNull();
    }

    @Test
    void a_gap_in_the_numbers_ends_the_connection() {
        logIn();
        initiator.cmdSn++;
        testUnitReady(initiator);

        assertThat(initiator.connection.closed()).isEqualTo("CmdSN 101 where 100 is next");
    }

    @Test
    void a_task_tag_in_use_is_rejected() {
        logIn();
        fixture.persistence.holds = true;
        var first = initiator.write16(Bhs.FINAL, 0, 1);
        initiator.send(first, new byte[4096]);
        var second = initiator.write16(Bhs.FINAL, 1, 1);
        Bhs.putInitiatorTaskTag(second, 0, Bhs.initiatorTaskTag(first, 0));
        initiator.send(second, new byte[4096]);

        Pdu reject = initiator.receive(Opcode.REJECT);
        assertThat(Bhs.response(reject.header(), 0)).isEqualTo(RejectReason.TASK_IN_PROGRESS);
        assertThat(reject.data()).hasSize(Bhs.BYTES);
    }

    @Test
    void immediate_commands_are_limited_beside_the_window() {
        logIn();
        fixture.persistence.holds = true;
        for (int i = 0; i <= TaskSet.MAX_IMMEDIATE; i++) {
            var write = initiator.write16(Bhs.FINAL, i, 1);
            Bhs.setImmediate(write, 0);
            initiator.cmdSn--;
            initiator.send(write, new byte[4096]);
        }

        Pdu reject = initiator.receive(Opcode.REJECT);
        assertThat(Bhs.response(reject.header(), 0)).isEqualTo(RejectReason.IMMEDIATE_REJECTED);
        assertThat(Bhs.maxCmdSn(reject.header(), 0))
                .as("the window is not touched")
                .isEqualTo(100 + 31);
    }

    @Test
    void what_we_do_not_know_is_rejected_and_the_session_goes_on() {
        logIn();
        initiator.send(RawInitiator.header(0x1c, Bhs.FINAL));
        initiator.send(RawInitiator.header(Opcode.SNACK, Bhs.FINAL));
        testUnitReady(initiator);

        assertThat(Bhs.response(initiator.receive(Opcode.REJECT).header(), 0)).isEqualTo(RejectReason.NOT_SUPPORTED);
        assertThat(Bhs.response(initiator.receive(Opcode.REJECT).header(), 0)).isEqualTo(RejectReason.PROTOCOL_ERROR);
        initiator.receive(Opcode.SCSI_RESPONSE);
    }

    @Test
    void a_login_after_login_ends_the_connection() {
        logIn();
        initiator.send(initiator.loginRequest(0));

        assertThat(initiator.connection.closed()).isEqualTo("Login Request after login");
    }

    @Test
    void a_segment_over_the_limit_ends_the_connection_before_any_of_it_is_taken() {
        logIn();
        var nop = RawInitiator.header(Opcode.NOP_OUT, Bhs.FINAL);
        Bhs.putDataBytes(nop, 0, 65_537);
        initiator.connection.deliver(RawInitiator.array(nop));

        assertThat(initiator.connection.closed()).contains("a data segment of 65537 bytes over 65536");
    }

    @Test
    void a_ping_of_the_initiator_is_answered_with_its_data() {
        logIn();
        for (int bytes : new int[] {0, 5, 40_000}) {
            var data = new byte[bytes];
            Arrays.fill(data, (byte) 0x33);
            var nop = RawInitiator.header(Opcode.NOP_OUT, Bhs.FINAL);
            Bhs.setImmediate(nop, 0);
            Bhs.putInitiatorTaskTag(nop, 0, 77);
            Bhs.putTargetTransferTag(nop, 0, Bhs.NO_TAG);
            Bhs.putCmdSn(nop, 0, initiator.cmdSn);
            initiator.send(nop, data);

            Pdu answer = initiator.receive(Opcode.NOP_IN);
            assertThat(Bhs.initiatorTaskTag(answer.header(), 0)).isEqualTo(77);
            assertThat(Bhs.targetTransferTag(answer.header(), 0)).isEqualTo(Bhs.NO_TAG);
            assertThat(answer.data()).isEqualTo(data);
        }
    }

    @Test
    void a_silent_initiator_is_asked_and_then_given_up() {
        logIn();
        fixture.loop.pass(30);
        assertThat(initiator.hasAnswer()).isFalse();
        fixture.loop.pass(30);
        Pdu ping = initiator.receive(Opcode.NOP_IN);
        assertThat(Bhs.initiatorTaskTag(ping.header(), 0)).isEqualTo(Bhs.NO_TAG);
        assertThat(Bhs.targetTransferTag(ping.header(), 0)).isNotEqualTo(Bhs.NO_TAG);
        assertThat(Bhs.statSn(ping.header(), 0)).as("carried, not used up").isEqualTo(initiator.expStatSn);

        fixture.loop.pass(30);
        assertThat(initiator.connection.closed()).isEqualTo("initiator does not answer");
        assertThat(fixture.target.sessionCount()).isZero();
    }

    @Test
    void an_initiator_that_answers_pings_stays() {
        logIn();
        for (int i = 0; i < 5; i++) {
            fixture.loop.pass(30);
            if (initiator.hasAnswer()) {
                Pdu ping = initiator.receive(Opcode.NOP_IN);
                var nop = RawInitiator.header(Opcode.NOP_OUT, Bhs.FINAL);
                Bhs.setImmediate(nop, 0);
                Bhs.putInitiatorTaskTag(nop, 0, Bhs.NO_TAG);
                Bhs.putTargetTransferTag(nop, 0, Bhs.targetTransferTag(ping.header(), 0));
                initiator.send(nop);
            }
        }
        assertThat(initiator.connection.closed()).isNull();
        assertThat(initiator.hasAnswer()).isFalse();
    }

    @Test
    void an_aborted_write_that_waits_for_data_ends_at_once_and_late_data_is_dropped() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("ImmediateData", "No"));
        var write = initiator.write16(Bhs.FINAL, 0, 1);
        int tag = Bhs.initiatorTaskTag(write, 0);
        initiator.send(write);
        Pdu r2t = initiator.receive(Opcode.R2T);

        initiator.send(initiator.taskRequest(TaskManagement.ABORT_TASK, tag));
        Pdu done = initiator.receive(Opcode.TASK_RESPONSE);
        var late = new byte[4096];
        Arrays.fill(late, (byte) 1);
        initiator.send(initiator.dataOut(Bhs.FINAL, tag, Bhs.targetTransferTag(r2t.header(), 0), 0, 0), late);

        assertThat(Bhs.response(done.header(), 0)).isEqualTo(TaskManagement.COMPLETE);
        fixture.assertUntouched();
        assertThat(initiator.hasAnswer()).isFalse();
        assertThat(initiator.connection.closed()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"8a 00 0000000000000000 00000010 00 00", "9c 00 0000000000000000 0000 0010 00 00"})
    void a_fence_does_not_wait_for_a_victim_that_stops_in_the_middle_of_a_segment(String cdb) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("ImmediateData", "Yes"));
        byte[] write = initiator.bytes(initiator.command(Bhs.FINAL | Bhs.WRITE, 65_536, cdb), filled(65_536, 1));
        initiator.connection.deliver(Arrays.copyOf(write, write.length / 2));
        assertThat(initiator.connection.receivesInPlace()).isTrue();
        byte[] atTheFence = fixture.all();
        var fenced = new ArrayList<Answer>();

        fixture.shared.reservations().change(now -> now.fence(new Nexus("server", 0), new KeyPair(1, 2)), fenced::add);
        fixture.loop.runTasks();

        assertThat(fenced).as("the fence is answered").hasSize(1);
        assertThat(initiator.hasAnswer()).as("there is more of it to come").isFalse();
        initiator.connection.deliver(Arrays.copyOfRange(write, write.length / 2, write.length));
        assertThat(fixture.all()).isEqualTo(atTheFence);
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isEqualTo(ScsiStatus.TASK_ABORTED);
    }

    private static int status(RawInitiator of) {
        return Bhs.scsiStatus(of.receive(Opcode.SCSI_RESPONSE).header(), 0);
    }

    private static byte[] filled(int length, int value) {
        var bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void an_abort_is_answered_only_when_the_write_no_longer_touches_the_medium() {
        logIn();
        fixture.persistence.holds = true;
        var write = initiator.write16(Bhs.FINAL, 0, 1);
        initiator.send(write, new byte[4096]);

        initiator.send(initiator.taskRequest(TaskManagement.ABORT_TASK, Bhs.initiatorTaskTag(write, 0)));
        assertThat(initiator.hasAnswer()).isFalse();

        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();
        initiator.receive(Opcode.TASK_RESPONSE);
        assertThat(initiator.hasAnswer()).as("the write itself is not answered").isFalse();
    }

    @Test
    void task_requests_that_cannot_be_say_why() {
        logIn();
        var wrongLun = initiator.taskRequest(TaskManagement.LOGICAL_UNIT_RESET, 0);
        Bhs.putLun(wrongLun, 0, Lun.toWire(9));
        initiator.send(wrongLun);
        initiator.send(initiator.taskRequest(TaskManagement.ABORT_TASK, 4242));
        initiator.send(initiator.taskRequest(TaskManagement.TASK_REASSIGN, 1));
        var wrongTaskSet = initiator.taskRequest(TaskManagement.ABORT_TASK_SET, 0);
        Bhs.putLun(wrongTaskSet, 0, Lun.toWire(9));
        initiator.send(wrongTaskSet);
        initiator.send(initiator.taskRequest(TaskManagement.CLEAR_ACA, 1));

        for (int expected : new int[] {
            TaskManagement.NO_SUCH_LUN,
            TaskManagement.NO_SUCH_TASK,
            TaskManagement.NO_REASSIGNMENT,
            TaskManagement.NO_SUCH_LUN,
            TaskManagement.NOT_SUPPORTED
        }) {
            assertThat(Bhs.response(initiator.receive(Opcode.TASK_RESPONSE).header(), 0))
                    .isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {TaskManagement.LOGICAL_UNIT_RESET, TaskManagement.TARGET_WARM_RESET})
    void a_reset_ends_the_tasks_of_all_sessions_waits_for_the_medium_and_tells_the_others(int function) {
        logIn();
        RawInitiator other = another(2);
        fixture.persistence.holds = true;
        other.send(other.write16(Bhs.FINAL, 0, 1), new byte[4096]);

        initiator.send(initiator.taskRequest(function, 0));
        assertThat(initiator.hasAnswer())
                .as("answered while a write is on its way")
                .isFalse();
        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();

        assertThat(Bhs.response(initiator.receive(Opcode.TASK_RESPONSE).header(), 0))
                .isEqualTo(TaskManagement.COMPLETE);
        assertThat(status(other)).as("of the write").isEqualTo(ScsiStatus.TASK_ABORTED);
        testUnitReady(other);
        assertThat(other.receive(Opcode.SCSI_RESPONSE).sense()).isEqualTo("6/29/03");
        testUnitReady(initiator);
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isZero();
    }

    @Test
    void a_reset_is_answered_at_once_and_what_still_arrives_of_a_write_goes_nowhere() {
        logIn();
        RawInitiator other = another(2);
        var ones = new byte[32_768];
        Arrays.fill(ones, (byte) 1);
        byte[] pdu = other.bytes(other.write16(Bhs.FINAL, 0, 8), ones);
        other.connection.deliver(Arrays.copyOf(pdu, 5000));
        assertThat(other.connection.receivesInPlace()).isTrue();

        initiator.send(initiator.taskRequest(TaskManagement.LOGICAL_UNIT_RESET, 0));
        initiator.receive(Opcode.TASK_RESPONSE);
        byte[] then = fixture.all();
        other.connection.deliver(Arrays.copyOfRange(pdu, 5000, pdu.length));

        assertThat(fixture.all()).isEqualTo(then);
        assertThat(status(other)).isEqualTo(ScsiStatus.TASK_ABORTED);
        assertThat(fixture.persistence.asked).isEmpty();
        testUnitReady(other);
        assertThat(other.receive(Opcode.SCSI_RESPONSE).sense())
                .as("the session goes on, and is told")
                .startsWith("6/29");
    }

    @Test
    void whose_task_another_session_has_cleared_is_told_when_its_data_is_there_and_nobody_else() {
        logIn();
        RawInitiator busy = another(2);
        RawInitiator idle = another(3);
        var write = busy.write16(Bhs.FINAL, 0, 1);
        int tag = Bhs.initiatorTaskTag(write, 0);
        busy.send(write);
        int transferTag = Bhs.targetTransferTag(busy.receive(Opcode.R2T).header(), 0);

        initiator.send(initiator.taskRequest(TaskManagement.CLEAR_TASK_SET, 0));
        initiator.receive(Opcode.TASK_RESPONSE);

        assertThat(busy.hasAnswer()).as("data was asked for").isFalse();
        busy.send(busy.dataOut(Bhs.FINAL, tag, transferTag, 0, 0), filled(4096, 1));
        assertThat(status(busy)).isEqualTo(ScsiStatus.TASK_ABORTED);
        fixture.assertUntouched();
        for (RawInitiator other : List.of(initiator, busy, idle)) {
            testUnitReady(other);
            assertThat(other.receive(Opcode.SCSI_RESPONSE).data()).isEmpty();
        }
    }

    @Test
    void a_task_that_both_its_own_initiator_and_another_end_has_no_answer() {
        logIn();
        RawInitiator other = another(2);
        fixture.persistence.holds = true;
        var write = other.write16(Bhs.FINAL, 0, 1);
        other.send(write, new byte[4096]);

        initiator.send(initiator.taskRequest(TaskManagement.CLEAR_TASK_SET, 0));
        other.send(other.taskRequest(TaskManagement.ABORT_TASK, Bhs.initiatorTaskTag(write, 0)));
        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();

        initiator.receive(Opcode.TASK_RESPONSE);
        other.receive(Opcode.TASK_RESPONSE);
        assertThat(other.hasAnswer()).isFalse();
    }

    @Test
    void digests_of_reads_cover_header_and_data() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("HeaderDigest", "CRC32C", "DataDigest", "CRC32C"));
        initiator.send(initiator.read16(0, 10)); // the raw initiator checks all sums

        int bytes = 0;
        while (bytes < 40_960) {
            bytes += initiator.receive(Opcode.DATA_IN).data().length;
        }
        assertThat(initiator.connection.closed()).isNull();
    }

    @Test
    void a_header_digest_that_does_not_match_ends_the_connection() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("HeaderDigest", "CRC32C"));
        byte[] pdu = initiator.bytes(initiator.read16(0, 1), new byte[0]);
        pdu[35] ^= 1;

        initiator.connection.deliver(pdu);

        assertThat(initiator.connection.closed()).startsWith("header digest is");
        assertThat(initiator.hasAnswer()).isFalse();
    }

    @Test
    void a_cold_reset_is_answered_when_all_tasks_have_ended_and_then_ends_all_sessions() {
        logIn();
        RawInitiator other = another(2);
        fixture.persistence.holds = true;
        other.send(other.write16(Bhs.FINAL, 0, 1), new byte[4096]);

        initiator.send(initiator.taskRequest(TaskManagement.TARGET_COLD_RESET, 0));
        assertThat(initiator.hasAnswer()).isFalse();
        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();

        assertThat(Bhs.response(initiator.receive(Opcode.TASK_RESPONSE).header(), 0))
                .isEqualTo(TaskManagement.COMPLETE);
        assertThat(status(other)).isEqualTo(ScsiStatus.TASK_ABORTED);
        assertThat(initiator.connection.closed()).isEqualTo("target cold reset");
        assertThat(other.connection.closed()).isEqualTo("target cold reset");
        assertThat(fixture.target.sessionCount()).isZero();
    }

    @Test
    void a_target_that_stops_asks_everybody_to_log_out_and_lets_nobody_in() throws InterruptedException {
        logIn();

        fixture.target.dismiss(Duration.ZERO);
        fixture.loop.runTasks();

        Pdu asked = initiator.receive(Opcode.ASYNC_MESSAGE);
        assertThat(Bhs.asyncEvent(asked.header(), 0)).isEqualTo(AsyncEvent.LOGOUT_REQUEST);
        assertThat(Bhs.initiatorTaskTag(asked.header(), 0)).isEqualTo(Bhs.NO_TAG);
        RawInitiator late = fixture.connect();
        Pdu refused = late.login(LoginKeys.of(
                LoginKeys.INITIATOR_NAME, RawInitiator.NAME + 9, LoginKeys.TARGET_NAME, TargetFixture.TARGET));
        assertThat(Bhs.loginStatus(refused.header(), 0)).isEqualTo(0x0302);

        var logout = RawInitiator.header(Opcode.LOGOUT_REQUEST, Bhs.FINAL);
        Bhs.setImmediate(logout, 0);
        Bhs.putCmdSn(logout, 0, initiator.cmdSn);
        initiator.send(logout);
        initiator.receive(Opcode.LOGOUT_RESPONSE);
        fixture.target.dismiss(Duration.ofDays(1)); // returns: nobody is left
    }

    @Test
    void a_reset_does_not_wait_for_a_connection_that_has_died() {
        logIn();
        RawInitiator other = another(2);
        byte[] pdu = other.bytes(other.write16(Bhs.FINAL, 0, 8), new byte[32_768]);
        other.connection.deliver(Arrays.copyOf(pdu, 5000));

        initiator.send(initiator.taskRequest(TaskManagement.LOGICAL_UNIT_RESET, 0));
        other.connection.close("peer died");
        fixture.loop.runTasks();

        initiator.receive(Opcode.TASK_RESPONSE);
    }

    @Test
    void a_logout_is_answered_and_then_closes() {
        logIn();
        var logout = RawInitiator.header(Opcode.LOGOUT_REQUEST, Bhs.FINAL);
        Bhs.setImmediate(logout, 0);
        Bhs.putInitiatorTaskTag(logout, 0, 9);
        Bhs.putCmdSn(logout, 0, initiator.cmdSn);
        initiator.send(logout);

        Pdu response = initiator.receive(Opcode.LOGOUT_RESPONSE);
        assertThat(Bhs.response(response.header(), 0)).isZero();
        assertThat(initiator.connection.closed()).isEqualTo("logged out");
        assertThat(fixture.target.sessionCount()).isZero();
    }

    @Test
    void a_long_answer_comes_in_pieces_that_the_initiator_takes() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.of("MaxRecvDataSegmentLength", "512"));
        var keys = LoginKeys.EMPTY;
        for (int i = 0; i < 60; i++) {
            keys = keys.plus("X-unheard-of-" + i, "1");
        }
        var text = new ByteArrayOutputStream();
        int transferTag = Bhs.NO_TAG;
        byte[] question = keys.toBytes();
        boolean more = true;
        while (more) {
            var request = RawInitiator.header(Opcode.TEXT_REQUEST, Bhs.FINAL);
            Bhs.putCmdSn(request, 0, initiator.cmdSn++);
            Bhs.putInitiatorTaskTag(request, 0, 5);
            Bhs.putTargetTransferTag(request, 0, transferTag);
            initiator.send(request, question);
            Pdu answer = initiator.receive(Opcode.TEXT_RESPONSE);
            assertThat(answer.data().length).isBetween(1, 512);
            text.writeBytes(answer.data());
            more = !answer.has(Bhs.FINAL);
            transferTag = Bhs.targetTransferTag(answer.header(), 0);
            question = new byte[0];
        }

        assertThat(LoginKeys.parse(ByteBuffer.wrap(text.toByteArray()), 64).pairs())
                .hasSize(60)
                .allSatisfy(pair -> assertThat(pair.value()).isEqualTo("NotUnderstood"));
    }
}
