package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.ds.reservation.Nexus;
import pnfs.wire.scsi.RegisterAndMoveParameters;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.TransportId;

/// PERSISTENT RESERVE IN and OUT from bytes to bytes, and what they do to the commands of others.
class ReserveCommandsTest {
    private static final String CLIENT_PORT = "iqn.2026-01.test:client,i,0x00023d000001";
    private static final long MDS_KEY = 0x11;
    private static final long CLIENT_KEY = 0x22;

    private final ScsiFixture fixture = new ScsiFixture(1 << 20, 4096);
    private final ScsiNexus mds = new ScsiNexus(new Nexus("iqn.2026-01.test:mds,i,0x00023d000009", 1));
    private final ScsiNexus client = new ScsiNexus(new Nexus(CLIENT_PORT, 1));
    private final ScsiNexus stranger = new ScsiNexus(new Nexus("iqn.2026-01.test:stranger,i,0x00023d000003", 1));

    @BeforeEach
    void everybody_logs_in() {
        List.of(mds, client, stranger).forEach(fixture.target()::join);
    }

    private ScsiTask begin(ScsiNexus nexus, String cdb) {
        return fixture.start(nexus, 0, cdb, 0);
    }

    private ScsiTask out(ScsiNexus nexus, String actionAndType, byte[] list) {
        return ScsiFixture.finish(
                begin(nexus, "5f " + actionAndType + " 0000" + "%08x".formatted(list.length) + "00"), list);
    }

    private ScsiTask out(ScsiNexus nexus, String actionAndType, long key, long actionKey) {
        return out(nexus, actionAndType, new ReserveOutParameters(key, actionKey, true).toBytes());
    }

    private static void good(ScsiTask task) {
        assertThat(task.sense()).isEqualTo(Sense.NONE);
        assertThat(task.status()).isEqualTo(ScsiStatus.GOOD);
    }

    private static void conflict(ScsiTask task) {
        assertThat(task.status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(task.transfer()).isEqualTo(ScsiTask.NONE);
    }

    private String in(int action) {
        ScsiTask task =
                ScsiFixture.finish(begin(stranger, "5e %02x 0000000000 ffff 00".formatted(action)), new byte[0]);
        good(task);
        var bytes = new byte[task.reply().remaining()];
        task.reply().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /// As a pNFS cluster has it: "exclusive access, registrants only" held by the metadata server.
    private void cluster() {
        good(out(mds, "00 00", 0, MDS_KEY));
        good(out(mds, "01 06", MDS_KEY, 0));
        good(out(client, "06 00", 0x77, CLIENT_KEY));
    }

    @Test
    void keys_reservation_and_full_status_are_told_as_they_stand() {
        assertThat(in(0)).isEqualTo("0000000000000000");
        assertThat(in(1)).isEqualTo("0000000000000000");

        cluster();

        assertThat(in(0)).isEqualTo("00000002" + "00000010" + "%016x".formatted(MDS_KEY) + "0000000000000022");
        assertThat(in(1)).isEqualTo("00000002" + "00000010" + "0000000000000011" + "00000000" + "0006" + "0000");
        assertThat(in(2)).isEqualTo("0008" + "0d" + "81" + "ea01" + "0000");
        assertThat(in(3))
                .startsWith("00000002" + "0000008c" + "0000000000000011" + "00000000" + "0106" + "00000000" + "0001")
                .contains(HexFormat.of().formatHex(new TransportId("iqn.2026-01.test:client", 0x23d000001L).toBytes()));
    }

    @Test
    void a_read_is_cut_at_the_allocation_length_but_its_length_is_whole() {
        cluster();

        ScsiTask task = ScsiFixture.finish(begin(stranger, "5e 00 0000000000 0008 00"), new byte[0]);

        assertThat(task.bytes()).isEqualTo(8);
        assertThat(task.reply().getInt(4)).isEqualTo(16);
    }

    @ParameterizedTest(name = "{0} meets the reservation of registrants: stranger {1}")
    @CsvSource({
        "28 00 00000000 00 0001 00, false",
        "2a 00 00000000 00 0001 00, false",
        "2f 00 00000000 00 0001 00, false",
        "35 00 00000000 00 0000 00, false",
        "00, true",
        "12 00 00 0024 00, true",
        "25, true",
        "9e 10 0000000000000000 00000020 00 00, true",
        "1a 00 3f 00 ff 00, true",
        "a3 0c 00 00 0000 00000100 00 00, true",
        "a0 00 00 000000 00000100 00 00, true",
        "03 00 0000 12 00, true",
        "5e 00 0000000000 0100 00, true"
    })
    void who_is_not_registered_may_look_but_not_touch(String cdb, boolean allowed) {
        cluster();

        assertThat(begin(stranger, cdb).status())
                .isEqualTo(allowed ? ScsiStatus.GOOD : ScsiStatus.RESERVATION_CONFLICT);
        assertThat(begin(client, cdb).status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(begin(mds, cdb).status()).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void the_fence_keeps_the_client_out_tells_it_why_and_ends_its_commands_before_it_answers() {
        cluster();
        var aborts = new ArrayList<String>();
        var drained = new ArrayList<Runnable>();
        fixture.target().carriedBy((lun, whose, done) -> {
            for (ScsiNexus nexus : List.of(mds, client, stranger)) {
                if (whose.test(nexus.name())) {
                    aborts.add(lun + " " + nexus.name().initiator());
                }
            }
            drained.add(done);
        });
        var answered = new ArrayList<Integer>();
        byte[] list = new ReserveOutParameters(MDS_KEY, CLIENT_KEY, false).toBytes();

        ScsiTask fence = begin(mds, "5f 05 06 0000 00000018 00");
        fence.write(0, ByteBuffer.wrap(list));
        fence.finish(list.length, () -> answered.add(fence.status()));

        assertThat(aborts).containsExactly("0 " + client.name().initiator());
        assertThat(answered).as("before its commands have ended").isEmpty();
        drained.getFirst().run();
        assertThat(answered).containsExactly(ScsiStatus.GOOD);
        assertThat(begin(client, "2a 00 00000000 00 0001 00").sense()).isEqualTo(Sense.REGISTRATIONS_PREEMPTED);
        conflict(begin(client, "2a 00 00000000 00 0001 00"));
        good(out(client, "06 00", 0, CLIENT_KEY));
        good(begin(client, "2a 00 00000000 00 0001 00"));
    }

    @Test
    void preempt_without_abort_lets_go_on_what_is_under_way() {
        cluster();
        fixture.target().carriedBy((lun, whose, done) -> {
            throw new AssertionError("nothing is to be ended");
        });

        good(out(mds, "04 06", MDS_KEY, CLIENT_KEY));

        assertThat(in(0)).isEqualTo("00000003" + "00000008" + "0000000000000011");
    }

    @Test
    void a_registration_outlives_its_session_and_with_aptpl_the_target() {
        cluster();

        fixture.target().leave(client);
        assertThat(in(0)).endsWith("0000000000000022");
        fixture.restart();

        assertThat(in(0)).isEqualTo("00000002" + "00000010" + "0000000000000011" + "0000000000000022");
        conflict(begin(stranger, "28 00 00000000 00 0001 00"));
        good(begin(client, "28 00 00000000 00 0001 00"));
        good(out(client, "00 00", CLIENT_KEY, 0));
        good(out(mds, "03 00", MDS_KEY, 0));
        fixture.restart();
        assertThat(in(0)).isEqualTo("0000000400000000");
    }

    @Test
    void release_and_clear_are_told_to_the_others() {
        cluster();

        good(out(mds, "02 06", MDS_KEY, 0));
        assertThat(begin(client, "00").sense()).isEqualTo(Sense.RESERVATIONS_RELEASED);
        good(begin(stranger, "28 00 00000000 00 0001 00"));
        good(out(mds, "03 00", MDS_KEY, 0));
        assertThat(begin(client, "00").sense()).isEqualTo(Sense.RESERVATIONS_PREEMPTED);
        good(begin(mds, "00"));
    }

    @Test
    void a_holder_moves_its_reservation_to_another_port() {
        cluster();
        var to = new TransportId("iqn.2026-01.test:stranger", 0x23d000003L);

        good(out(mds, "07 00", new RegisterAndMoveParameters(MDS_KEY, 0x33, true, true, 1, to).toBytes()));

        assertThat(in(0)).isEqualTo("00000003" + "00000010" + "0000000000000022" + "0000000000000033");
        assertThat(in(1)).contains("0000000000000033");
        good(begin(stranger, "2a 00 00000000 00 0001 00"));
        conflict(begin(mds, "2a 00 00000000 00 0001 00"));
    }

    @Test
    void one_registration_may_name_further_ports() {
        var other = new TransportId("iqn.2026-01.test:client", 0x23d000001L);

        good(out(mds, "00 00", new ReserveOutParameters(0, MDS_KEY, true, true, List.of(other)).toBytes()));

        assertThat(in(0)).isEqualTo("00000001" + "00000010" + "0000000000000011" + "0000000000000011");
        good(out(client, "01 06", MDS_KEY, 0));
    }

    @Test
    void keys_that_do_not_match_conflict() {
        cluster();

        conflict(out(stranger, "00 00", 0x99, 0x33));
        conflict(out(client, "00 00", 0x99, 0x33));
        conflict(out(stranger, "01 06", 0, 0));
        conflict(out(client, "01 06", CLIENT_KEY, 0));
        conflict(out(stranger, "02 06", 0, 0));
        conflict(out(stranger, "03 00", 0, 0));
        conflict(out(mds, "05 06", MDS_KEY, 0x99));
        conflict(out(
                client,
                "07 00",
                new RegisterAndMoveParameters(CLIENT_KEY, 0x33, true, true, 1, new TransportId("iqn.a", 1)).toBytes()));
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"01 16", "01 00", "01 02", "01 0f", "02 09", "04 00", "05 16", "08 00", "1f 00"})
    void scopes_types_and_actions_that_do_not_exist_are_refused(String actionAndType) {
        cluster();

        assertThat(out(mds, actionAndType, MDS_KEY, 0).sense()).isEqualTo(Sense.INVALID_FIELD_IN_CDB);
    }

    @Test
    void lists_that_make_no_sense_are_refused() {
        cluster();

        assertThat(out(mds, "00 00", new byte[23]).sense()).isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(out(mds, "00 00", new byte[25]).sense()).isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(out(mds, "00 00", new byte[1 << 20]).sense()).isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(out(mds, "04 06", MDS_KEY, 0).sense()).isEqualTo(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        assertThat(out(mds, "02 05", MDS_KEY, 0).sense()).isEqualTo(Sense.INVALID_RELEASE);
        var everywhere = new TransportId("iqn.a", TransportId.ANY_SESSION);
        assertThat(out(mds, "07 00", new RegisterAndMoveParameters(MDS_KEY, 3, false, true, 1, everywhere).toBytes())
                        .sense())
                .isEqualTo(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        var elsewhere = new TransportId("iqn.a", 7);
        assertThat(out(mds, "07 00", new RegisterAndMoveParameters(MDS_KEY, 3, false, true, 2, elsewhere).toBytes())
                        .sense())
                .isEqualTo(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
        ScsiTask cut = begin(mds, "5f 00 00 0000 00000018 00");
        cut.finish(0, () -> {});
        assertThat(cut.sense()).as("no data came").isEqualTo(Sense.PARAMETER_LIST_LENGTH_ERROR);
    }
}
