package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultRule;
import pnfs.ds.iscsi.RawInitiator.Pdu;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.TaskManagement;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// What each kind of fault looks like from an initiator.
class FaultTest {
    private static final int BLOCK = 4096;

    private final TargetFixture fixture = new TargetFixture();
    private final RawInitiator initiator = fixture.connect();

    @BeforeEach
    void logIn() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
    }

    private static byte[] filled(int blocks, int value) {
        var data = new byte[blocks * BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private int write(long block, int blocks, int value) {
        var command = initiator.write16(Bhs.FINAL, block, blocks);
        initiator.send(command, filled(blocks, value));
        return Bhs.initiatorTaskTag(command, 0);
    }

    private static int status(Pdu pdu) {
        return Bhs.scsiStatus(pdu.header(), 0);
    }

    @Test
    void a_delayed_command_is_done_and_answered_later() {
        fixture.faults.add(FaultRule.of(new Fault.Delay(Duration.ofSeconds(3))).command("write"));

        int tag = write(0, 1, 7);
        fixture.loop.pass(2);

        fixture.assertFilled(0, BLOCK, 7);
        assertThat(initiator.hasAnswer()).isFalse();
        fixture.loop.pass(1);
        Pdu answer = initiator.receive(Opcode.SCSI_RESPONSE);
        assertThat(Bhs.initiatorTaskTag(answer.header(), 0)).isEqualTo(tag);
        assertThat(status(answer)).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void a_delayed_read_brings_its_data_with_it() {
        write(0, 1, 7);
        initiator.receive(Opcode.SCSI_RESPONSE);
        fixture.faults.add(FaultRule.of(new Fault.Delay(Duration.ofSeconds(3))));

        initiator.send(initiator.read16(0, 1));
        assertThat(initiator.hasAnswer()).isFalse();
        fixture.loop.pass(3);

        assertThat(initiator.receive(Opcode.DATA_IN).data()).containsOnly(7);
    }

    @Test
    void an_aborted_delay_is_never_answered() {
        fixture.faults.add(FaultRule.of(new Fault.Delay(Duration.ofSeconds(3))).times(1));
        int tag = write(0, 1, 7);

        initiator.send(initiator.taskRequest(TaskManagement.ABORT_TASK, tag));

        assertThat(Bhs.response(initiator.receive(Opcode.TASK_RESPONSE).header(), 0))
                .isEqualTo(TaskManagement.COMPLETE);
        write(1, 1, 8);
        initiator.receive(Opcode.SCSI_RESPONSE);
        fixture.loop.pass(3);
        assertThat(initiator.hasAnswer()).isFalse();
    }

    @Test
    void a_dropped_command_is_stuck_until_it_is_aborted() {
        fixture.faults.add(FaultRule.of(new Fault.Drop()).command("write"));
        int tag = write(0, 1, 7);
        fixture.loop.pass(20);

        assertThat(initiator.hasAnswer()).isFalse();
        fixture.assertFilled(0, BLOCK, 7);
        initiator.send(initiator.taskRequest(TaskManagement.ABORT_TASK, tag));
        assertThat(Bhs.response(initiator.receive(Opcode.TASK_RESPONSE).header(), 0))
                .isEqualTo(TaskManagement.COMPLETE);
    }

    @Test
    void a_dropped_command_that_another_initiator_ends_is_answered() {
        fixture.faults.add(FaultRule.of(new Fault.Drop()).command("write"));
        write(0, 1, 7);
        RawInitiator other = fixture.connect();
        other.isid = 2;
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);

        other.send(other.taskRequest(TaskManagement.CLEAR_TASK_SET, 0));
        fixture.loop.runTasks();

        other.receive(Opcode.TASK_RESPONSE);
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isEqualTo(ScsiStatus.TASK_ABORTED);
    }

    @Test
    void a_failed_command_is_not_done() {
        fixture.faults.add(FaultRule.of(Fault.Fail.with(Sense.WRITE_ERROR)).times(1));
        fixture.faults.add(
                FaultRule.of(new Fault.Fail(ScsiStatus.BUSY, Sense.NONE)).times(1));

        write(0, 1, 7);
        assertThat(initiator.receive(Opcode.SCSI_RESPONSE).sense()).isEqualTo("3/0c/00");
        write(0, 1, 7);
        assertThat(status(initiator.receive(Opcode.SCSI_RESPONSE))).isEqualTo(ScsiStatus.BUSY);
        fixture.assertUntouched();
        write(0, 1, 7);
        assertThat(status(initiator.receive(Opcode.SCSI_RESPONSE))).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void a_short_read_is_good_and_tells_what_is_missing() {
        write(0, 2, 7);
        initiator.receive(Opcode.SCSI_RESPONSE);
        fixture.faults.add(FaultRule.of(new Fault.ShortRead(512)).blocks(new FaultRule.Blocks(1, 1)));

        initiator.send(initiator.read16(0, 2));

        Pdu read = initiator.receive(Opcode.DATA_IN);
        assertThat(read.data()).hasSize(512).containsOnly(7);
        assertThat(read.has(Bhs.UNDERFLOW)).isTrue();
        assertThat(Bhs.residual(read.header(), 0)).isEqualTo(2 * BLOCK - 512);
        initiator.send(initiator.read16(0, 1));
        assertThat(initiator.receive(Opcode.DATA_IN).data()).hasSize(BLOCK);
    }

    @Test
    void a_reset_closes_the_connection_and_no_other_and_does_nothing() {
        fixture.faults.add(FaultRule.of(new Fault.Reset()).initiator(RawInitiator.NAME));

        write(0, 1, 7);

        assertThat(initiator.connection.closed()).isEqualTo("fault script");
        fixture.assertUntouched();
        RawInitiator again = fixture.connect();
        fixture.faults.clear();
        again.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        again.send(again.read16(0, 1));
        assertThat(again.receive(Opcode.DATA_IN).data()).hasSize(BLOCK);
    }

    @ParameterizedTest
    @EnumSource
    void a_torn_write_leaves_old_and_new_cache_lines_when_the_power_fails(Fault.Survivors survivors) {
        write(0, 4, 7);
        initiator.receive(Opcode.SCSI_RESPONSE);
        fixture.faults.add(FaultRule.of(new Fault.TornWrite(survivors, 0)).command("write"));

        write(1, 2, 8);

        assertThat(fixture.powerCuts).isOne();
        assertThat(initiator.hasAnswer()).isFalse();
        fixture.assertFilled(0, BLOCK, 7);
        fixture.assertFilled(3 * BLOCK, BLOCK, 7);
        byte[] torn = fixture.bytes(BLOCK, 2 * BLOCK);
        int changes = 0;
        for (int line = 0; line < torn.length / 64; line++) {
            byte value = torn[line * 64];
            fixture.assertFilled(BLOCK + line * 64L, 64, value);
            changes += line > 0 && value != torn[line * 64 - 64] ? 1 : 0;
        }
        switch (survivors) {
            case PREFIX -> assertThat(changes).isLessThanOrEqualTo(1);
            case SUBSET -> assertThat(changes).isGreaterThan(10);
        }
        assertThat(torn).contains(7);
    }
}
