package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiStatus;

/// The metadata server's fence, for an initiator that is not registered any more when it comes.
class StrangerTest {
    private static final int BYTES = 65_536;
    private static final long KEY = 0x200;
    private static final Nexus SERVER = new Nexus("pnfs-metadata-server", 0);

    private final TargetFixture fixture = new TargetFixture();
    private final RawInitiator initiator = fixture.connect();

    @BeforeEach
    void logIn() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
    }

    /// REGISTER AND IGNORE EXISTING KEY; 0 takes the registration away.
    private void register(long key) {
        byte[] list = new ReserveOutParameters(0, key, false).toBytes();
        var command = initiator.command(Bhs.FINAL | Bhs.WRITE, list.length, "5f 06 00 0000 00000018 00");
        initiator.send(command, list);
        assertThat(status()).isEqualTo(ScsiStatus.GOOD);
    }

    private List<Answer> fence() {
        var answers = new ArrayList<Answer>();
        fixture.shared.reservations().change(now -> now.fence(SERVER, new KeyPair(0x100, KEY)), answers::add);
        fixture.loop.runTasks();
        return answers;
    }

    private int status() {
        return Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0);
    }

    private static byte[] data() {
        var data = new byte[BYTES];
        Arrays.fill(data, (byte) 7);
        return data;
    }

    @Test
    void a_write_that_began_before_it_unregistered_takes_no_byte_after_the_fence() {
        register(KEY);
        initiator.send(initiator.write16(Bhs.FINAL, 1, BYTES / 4096));
        var r2t = initiator.receive(Opcode.R2T);
        register(0);

        assertThat(fence()).hasSize(1);
        initiator.send(
                initiator.dataOut(
                        Bhs.FINAL, Bhs.initiatorTaskTag(r2t.header(), 0), Bhs.targetTransferTag(r2t.header(), 0), 0, 0),
                data());

        fixture.assertUntouched();
        assertThat(status()).isEqualTo(ScsiStatus.TASK_ABORTED);
    }

    @Test
    void what_it_has_on_the_way_to_the_medium_ends_before_the_fence_is_answered() {
        register(KEY);
        fixture.persistence.holds = true;
        initiator.send(initiator.write16(Bhs.FINAL, 1, 1), Arrays.copyOf(data(), 4096));
        register(0);

        var answers = fence();

        assertThat(answers).isEmpty();
        fixture.persistence.answer(true);
        fixture.loop.runTasks();
        assertThat(answers).hasSize(1);
        assertThat(status()).isEqualTo(ScsiStatus.TASK_ABORTED);
    }

    @Test
    void a_fence_leaves_those_alone_who_are_registered() {
        register(KEY + 1);
        initiator.send(initiator.write16(Bhs.FINAL, 1, BYTES / 4096));
        var r2t = initiator.receive(Opcode.R2T);

        assertThat(fence()).hasSize(1);
        initiator.send(
                initiator.dataOut(
                        Bhs.FINAL, Bhs.initiatorTaskTag(r2t.header(), 0), Bhs.targetTransferTag(r2t.header(), 0), 0, 0),
                data());

        assertThat(status()).isEqualTo(ScsiStatus.GOOD);
    }
}
