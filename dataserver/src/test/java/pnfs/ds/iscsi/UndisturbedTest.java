package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.region.StoreGate;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.ScsiStatus;

/// COMPARE AND WRITE, WRITE ATOMIC and ORWRITE beside plain WRITEs whose bytes come from other connections at
/// the same time.
@Timeout(60)
class UndisturbedTest {
    private static final int BLOCK = 4096;

    private final TargetFixture fixture = new TargetFixture();

    private static byte[] filled(int blocks, int value) {
        var data = new byte[blocks * BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    @Test
    void a_piece_that_comes_while_a_claimant_is_undisturbed_is_stored_behind_it() throws InterruptedException {
        var gate = new StoreGate();
        ByteBuffer place = ByteBuffer.allocate(BLOCK);
        var sink = new DataSink();
        sink.aim(gate, place, 0, BLOCK, BLOCK);
        var storing = new Thread(() -> sink.takeFrom(to -> to.put(filled(1, 7))));

        gate.claim();
        gate.undisturbed(() -> {
            storing.start();
            while (storing.isAlive() && storing.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            assertThat(place.array()).containsOnly(0);
        });
        gate.release();
        storing.join();

        assertThat(place.array()).containsOnly(7);
        assertThat(sink.remaining()).isZero();
    }

    @Test
    void a_long_segment_is_put_aside_in_pieces_while_there_is_a_claim() {
        var gate = new StoreGate();
        int bytes = 200_000;
        ByteBuffer place = ByteBuffer.allocate(bytes);
        var sink = new DataSink();
        sink.aim(gate, place, 0, bytes, bytes + 100);
        byte[] data = new byte[bytes + 100];
        Arrays.fill(data, (byte) 7);
        ByteBuffer from = ByteBuffer.wrap(data);

        gate.claim();
        while (sink.remaining() > 0) {
            sink.takeFrom(to -> to.put(from.slice(from.position(), Math.min(from.remaining(), to.remaining()))));
            from.position(data.length - (int) sink.remaining());
        }
        gate.release();

        assertThat(place.array()).containsOnly(7);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "89 00 0000000000000000 000000 02 00 00",
                "9c 00 0000000000000000 0000 0004 00 00",
                "8b 00 0000000000000000 00000004 00 00"
            })
    void a_command_that_must_be_undisturbed_waits_until_every_loop_has_come_by(String cdb) {
        var otherLoop = new FakeConnection.FakeLoop();
        RawInitiator here = fixture.connect();
        here.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        var there = new RawInitiator(new FakeConnection(otherLoop, fixture.target::accept));
        there.isid++;
        there.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        byte[] before = fixture.all();

        otherLoop.leave();
        here.send(here.command(Bhs.FINAL | Bhs.WRITE, 4 * BLOCK, cdb), filled(4, 7));
        // What the other loop was storing when the command came is there before anything is compared.
        fixture.memory.asSlice(0, 1).fill((byte) 1);

        assertThat(here.hasAnswer()).isFalse();
        before[0] = 1;
        assertThat(fixture.all()).isEqualTo(before);
        otherLoop.runTasks();
        fixture.loop.runTasks();
        int status = Bhs.scsiStatus(here.receive(Opcode.SCSI_RESPONSE).header(), 0);
        if (cdb.startsWith("89")) {
            assertThat(status).as("miscompares").isEqualTo(ScsiStatus.CHECK_CONDITION);
            assertThat(fixture.all()).isEqualTo(before);
        } else {
            assertThat(status).isEqualTo(ScsiStatus.GOOD);
            fixture.assertFilled(0, 4 * BLOCK, 7);
        }
    }

    @Test
    void afterwards_stores_ask_for_nothing_any_more() {
        RawInitiator initiator = fixture.connect();
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        for (String cdb : new String[] {
            "89 00 0000000000000000 000000 02 00 00",
            "89 00 0000000000000000 000000 02 00 00",
            "9c 00 0000000000000000 0000 0004 00 00"
        }) {
            initiator.send(initiator.command(Bhs.FINAL | Bhs.WRITE, 4 * BLOCK, cdb), filled(4, 7));
            initiator.receive(Opcode.SCSI_RESPONSE);
        }

        assertThat(fixture.region.gate().isClaimed()).isFalse();
    }
}
