package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.ds.agent.FenceDesk;
import pnfs.wire.control.proto.Disconnect;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.ScsiStatus;

/// The metadata server has the sessions ended of those that have a key: what they sent before and the target has
/// not carried out yet never reaches the volume, and they go on in new sessions.
class DisconnectTest {
    private static final long KEY = 0xabcd;
    private static final long OTHER_KEY = 0xef;
    private static final int BLOCK = 4096;

    private final TargetFixture fixture = new TargetFixture();
    private final FenceDesk desk = new FenceDesk(List.of(fixture.shared), fixture.target::cutOff);
    private final List<Reply> replies = new ArrayList<>();
    private final RawInitiator writer = fixture.connect();
    private final RawInitiator other = fixture.connect();

    @BeforeEach
    void register() {
        other.isid = 2;
        logIn(writer);
        register(writer, KEY);
        logIn(other);
        register(other, OTHER_KEY);
    }

    private static void logIn(RawInitiator initiator) {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
    }

    private static void register(RawInitiator initiator, long key) {
        byte[] list = ByteBuffer.allocate(24).putLong(8, key).array();
        initiator.send(initiator.command(Bhs.FINAL | Bhs.WRITE, 24, "5f000000000000001800"), list);
        assertGood(initiator);
    }

    private static void assertGood(RawInitiator initiator) {
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isEqualTo(ScsiStatus.GOOD);
    }

    private static byte[] block(int value) {
        var data = new byte[BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private void disconnect(long key) {
        desk.onRequest(
                Request.newBuilder()
                        .setDisconnect(Disconnect.newBuilder()
                                .setRegionId(ByteString.copyFrom(ByteBuffer.allocate(16)
                                        .putLong(1)
                                        .putLong(2)
                                        .array()))
                                .setKey(key))
                        .build(),
                replies::add);
        fixture.loop.runTasks();
    }

    @Test
    void what_a_writer_had_sent_stays_away_from_the_volume_and_in_a_new_session_it_goes_on_with_its_registration() {
        writer.send(writer.write16(Bhs.FINAL, 0, 2), block(1));
        ByteBuffer ready = writer.receive(Opcode.R2T).header();
        ByteBuffer rest =
                writer.dataOut(Bhs.FINAL, Bhs.initiatorTaskTag(ready, 0), Bhs.targetTransferTag(ready, 0), 0, BLOCK);
        byte[] late = writer.bytes(writer.write16(Bhs.FINAL, 4, 1), block(2));

        disconnect(KEY);

        assertThat(replies)
                .singleElement()
                .satisfies(reply -> assertThat(reply.hasDisconnected()).isTrue());
        assertThat(writer.connection.closed()).isNotNull();
        writer.send(rest, block(3));
        writer.connection.deliver(late);
        fixture.assertFilled(BLOCK, TargetFixture.BYTES - BLOCK, 0);
        assertThat(fixture.shared.reservations().current().keys().values()).containsExactly(KEY, OTHER_KEY);
        RawInitiator again = fixture.connect();
        logIn(again);
        again.send(again.write16(Bhs.FINAL, 5, 1), block(4));
        assertGood(again);
        fixture.assertFilled(5 * BLOCK, BLOCK, 4);
    }

    @Test
    void sessions_of_other_keys_go_on() {
        disconnect(KEY);

        assertThat(other.connection.closed()).isNull();
        other.send(other.write16(Bhs.FINAL, 0, 1), block(1));
        assertGood(other);
        fixture.assertFilled(0, BLOCK, 1);
    }

    @Test
    void it_is_answered_when_no_write_touches_the_volume_any_more() {
        fixture.persistence.holds = true;
        writer.send(writer.write16(Bhs.FINAL, 0, 1), block(1));

        disconnect(KEY);

        assertThat(writer.connection.closed()).isNotNull();
        assertThat(replies).isEmpty();
        disconnect(KEY);
        assertThat(replies).as("asked once more, the write is no further").isEmpty();
        fixture.persistence.answer(true);
        fixture.loop.runTasks();
        assertThat(replies).hasSize(2).allMatch(Reply::hasDisconnected);
    }

    @Test
    void where_nobody_has_the_key_nothing_is_under_way() {
        disconnect(0x1234);

        assertThat(replies)
                .singleElement()
                .satisfies(reply -> assertThat(reply.hasDisconnected()).isTrue());
        assertThat(writer.connection.closed()).isNull();
    }
}
