package pnfs.ds.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.ds.region.FakePersistence;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.Access;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.Outcome;
import pnfs.ds.reservation.ReservationTable.Answer;
import pnfs.ds.reservation.Reservations.ExistingKey;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.control.proto.Fence;
import pnfs.wire.control.proto.Registration;
import pnfs.wire.control.proto.Registrations;
import pnfs.wire.control.proto.RegistrationsQuery;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.StatusQuery;

class FenceDeskTest {
    private static final UUID REGION = new UUID(1, 2);
    private static final Nexus CLIENT = new Nexus("iqn.client,i,0x1", 1);
    private static final long OWN_KEY = 0x100;
    private static final long CLIENT_KEY = 0x200;

    private final Volume volume = new Volume(new Region(
            RegionHeader.of(REGION, 4096, 1 << 20),
            MemorySegment.ofArray(new byte[1 << 20]),
            new FakePersistence(),
            Memo.volatileMemo(),
            () -> {}));
    private final SharedVolume shared = SharedVolume.open(volume);
    private final FenceDesk desk = new FenceDesk(List.of(shared), (whose, ended) -> ended.run());
    private final List<Reply> replies = new ArrayList<>();

    private void fence(UUID region, long ownKey, long key) {
        desk.onRequest(
                Request.newBuilder()
                        .setFence(Fence.newBuilder()
                                .setRegionId(Agent.bytes(region))
                                .setOwnKey(ownKey)
                                .setKey(key))
                        .build(),
                replies::add);
    }

    private Registrations registrations() {
        var replied = new ArrayList<Reply>();
        desk.onRequest(
                Request.newBuilder()
                        .setRegistrations(RegistrationsQuery.newBuilder().setRegionId(Agent.bytes(REGION)))
                        .build(),
                replied::add);
        return replied.getFirst().getRegistrations();
    }

    private void register() {
        shared.reservations()
                .change(
                        now -> now.register(CLIENT, new KeyPair(0, CLIENT_KEY), ExistingKey.IGNORED, true, List.of()),
                        answer -> {});
    }

    @Test
    void a_fence_is_answered_when_the_commands_of_the_fenced_have_ended_and_holds_after_a_restart() {
        register();
        var drained = new ArrayList<Runnable>();
        shared.reservations().listen((change, finished) -> drained.add(finished));

        fence(REGION, OWN_KEY, CLIENT_KEY);

        assertThat(shared.reservations().permits(CLIENT, Access.WRITE)).isFalse();
        assertThat(replies).as("its commands have not ended").isEmpty();
        drained.getFirst().run();
        assertThat(replies)
                .singleElement()
                .satisfies(reply ->
                        assertThat(reply.getFenced().getRegistrations()).isEqualTo(1));
        assertThat(SharedVolume.open(volume).reservations().permits(CLIENT, Access.WRITE))
                .isFalse();
    }

    @Test
    void who_repeats_a_fence_or_asks_for_registrations_hears_of_it_when_it_holds() {
        register();
        var drained = new ArrayList<Runnable>();
        shared.reservations().listen((change, finished) -> drained.add(finished));
        fence(REGION, OWN_KEY, CLIENT_KEY);

        fence(REGION, OWN_KEY, CLIENT_KEY);
        desk.onRequest(
                Request.newBuilder()
                        .setRegistrations(RegistrationsQuery.newBuilder().setRegionId(Agent.bytes(REGION)))
                        .build(),
                replies::add);
        drained.getLast().run();

        assertThat(replies).as("the first one's commands have not ended").isEmpty();
        drained.getFirst().run();
        assertThat(replies)
                .extracting(Reply::getKindCase)
                .containsExactly(Reply.KindCase.FENCED, Reply.KindCase.FENCED, Reply.KindCase.REGISTRATIONS);
    }

    @Test
    void the_fence_of_a_key_that_nobody_has_reserves_the_volume() {
        fence(REGION, OWN_KEY, CLIENT_KEY);
        fence(REGION, OWN_KEY, CLIENT_KEY);

        assertThat(replies).allSatisfy(reply -> assertThat(reply.hasFenced()).isTrue());
        assertThat(shared.reservations().permits(CLIENT, Access.READ)).isFalse();
    }

    @Test
    void who_comes_with_its_key_only_after_the_fence_is_refused_also_after_a_restart_and_others_are_not() {
        fence(REGION, OWN_KEY, CLIENT_KEY);

        assertThat(shared.reservations().current().barred()).containsExactly(CLIENT_KEY);
        for (SharedVolume run : List.of(shared, SharedVolume.open(volume))) {
            assertThat(registered(run, CLIENT_KEY)).isInstanceOf(Outcome.Conflict.class);
            assertThat(run.reservations().permits(CLIENT, Access.WRITE)).isFalse();
        }
        assertThat(registered(shared, CLIENT_KEY + 1)).isInstanceOf(Outcome.Done.class);
        assertThat(shared.reservations().permits(CLIENT, Access.WRITE)).isTrue();
    }

    private static Outcome registered(SharedVolume at, long key) {
        var answers = new ArrayList<Answer>();
        at.reservations()
                .change(
                        now -> now.register(CLIENT, new KeyPair(0, key), ExistingKey.IGNORED, true, List.of()),
                        answers::add);
        return ((Answer.Decided) answers.getFirst()).outcome();
    }

    @Test
    void registrations_are_told_with_the_reservation() {
        register();
        fence(REGION, OWN_KEY, 0x999);

        assertThat(registrations())
                .isEqualTo(Registrations.newBuilder()
                        .setGeneration(2)
                        .setType(6)
                        .addRegistrations(Registration.newBuilder()
                                .setInitiator("iqn.client,i,0x1")
                                .setKey(CLIENT_KEY))
                        .addRegistrations(Registration.newBuilder()
                                .setInitiator("pnfs-metadata-server")
                                .setKey(OWN_KEY)
                                .setHolder(true))
                        .build());
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0, 1", "5, 5"})
    void a_fence_wants_two_keys(long own, long other) {
        fence(REGION, own, other);

        assertThat(replies.getFirst().getRefusal().getReason()).contains("two different keys");
    }

    @Test
    void what_is_not_asked_of_a_data_server_is_refused() {
        fence(new UUID(3, 4), OWN_KEY, CLIENT_KEY);
        desk.onRequest(
                Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()).build(), replies::add);
        desk.onRequest(Request.getDefaultInstance(), replies::add);
        desk.onRequest(
                Request.newBuilder()
                        .setRegistrations(RegistrationsQuery.newBuilder().setRegionId(ByteString.copyFromUtf8("x")))
                        .build(),
                replies::add);

        assertThat(replies)
                .hasSize(4)
                .allSatisfy(reply -> assertThat(reply.hasRefusal()).isTrue());
    }
}
