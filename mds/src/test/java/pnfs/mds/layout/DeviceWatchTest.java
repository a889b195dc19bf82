package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.wire.nfs4.SequenceFlags.DEVID_CHANGED;
import static pnfs.wire.nfs4.SequenceFlags.DEVID_DELETED;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbNotifyDeviceIdArgs;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.xdr.Opaque;

/// Clients ask to hear of their devices; the metadata server is killed and started again, and they go on
/// without asking anew.
class DeviceWatchTest {
    private static final Bitmap BOTH = DeviceNotice.CHANGE.or(DeviceNotice.DELETE);
    private static final Volume VOLUME = LayoutRooms.VOLUMES.getFirst();
    private static final DeviceId DEVICE = VOLUME.id();
    /// As a client with a second key knows it.
    private static final DeviceId KNOWN_AS = new DeviceId(DEVICE.volumeSet(), DEVICE.generation() + 1, DEVICE.epoch());

    private final ManualLoop loop = new ManualLoop();
    private final Map<DeviceId, Integer> places = new HashMap<>();
    private MemoryEngine engine = MemoryEngine.committing();
    private String machine = "machine";
    private TestServer server;

    @SuppressWarnings("NullAway.Init") // made with the server
    private DeviceWatch watch;

    @BeforeEach
    void start() {
        LayoutRooms.VOLUMES.forEach(volume -> places.put(volume.id(), 1));
        restart();
    }

    private void restart() {
        engine = engine.kill();
        server = new TestServer(
                engine,
                loop,
                (made, _) -> {
                    var callbacks = new Callbacks(made.clients, made.loop::execute, Duration.ofSeconds(5));
                    watch = new DeviceWatch(made.store, callbacks, made.clients);
                    made.clients.addHolder(watch);
                    watch.restore(device ->
                            places.containsKey(device) ? OptionalInt.of(places.get(device)) : OptionalInt.empty());
                    return TestServer.ROOT;
                },
                machine);
    }

    /// The client is there, for the first time or again.
    private TestSession come(String owner) {
        TestSession session = TestSession.confirm(server.connect(), owner, 1);
        session.run(new ReclaimCompleteArgs(false));
        return session;
    }

    private void learn(TestSession session, Volume volume, Bitmap wanted) {
        watch.learns(session.clientId, volume.id(), knownAs(volume), LayoutType.SCSI, wanted);
    }

    private static DeviceId knownAs(Volume volume) {
        return volume.equals(VOLUME) ? KNOWN_AS : volume.id();
    }

    private void move(Volume volume) {
        places.merge(volume.id(), 1, Integer::sum);
        watch.moved(volume);
    }

    private static int flags(TestSession session) {
        var sequence = (SequenceResult) session.run().operations().getFirst();
        return sequence.statusFlags() & (DEVID_CHANGED | DEVID_DELETED);
    }

    private static List<DeviceNotice> told(TestPeer peer) {
        var told = new ArrayList<DeviceNotice>();
        while (!peer.callbacks().isEmpty()) {
            told.addAll(((CbNotifyDeviceIdArgs) peer.answer(NfsStatus.OK).operation()).notices());
        }
        return told;
    }

    private static DeviceNotice changed() {
        return new DeviceNotice.Changed(LayoutType.SCSI, Opaque.of(KNOWN_AS.bytes()), false);
    }

    private static DeviceNotice deleted() {
        return new DeviceNotice.Deleted(LayoutType.SCSI, Opaque.of(KNOWN_AS.bytes()));
    }

    @Test
    void who_asked_before_the_restart_is_told_of_what_moves_after_it() {
        learn(come("asked"), VOLUME, BOTH);
        learn(come("only deletion"), VOLUME, DeviceNotice.DELETE);
        learn(come("nothing"), VOLUME, Bitmap.EMPTY);
        restart();
        TestSession asked = come("asked");
        TestSession onlyDeletion = come("only deletion");
        TestSession nothing = come("nothing");

        move(VOLUME);

        assertThat(told(asked.peer)).containsExactly(changed());
        assertThat(flags(asked)).isEqualTo(DEVID_CHANGED);
        assertThat(told(onlyDeletion.peer)).isEmpty();
        assertThat(flags(onlyDeletion)).isZero();
        assertThat(told(nothing.peer)).isEmpty();
        assertThat(flags(nothing)).isZero();
        learn(asked, VOLUME, BOTH);
        assertThat(flags(asked)).isZero();
    }

    /// The server may have been killed between the registration of the data server and the notice.
    @Test
    void who_comes_back_is_told_of_what_moved_meanwhile() {
        learn(come("client"), VOLUME, BOTH);
        places.put(DEVICE, 2);
        restart();
        loop.run();
        TestSession session = come("client");

        watch.tick();

        assertThat(told(session.peer)).containsExactly(changed());
        assertThat(flags(session)).isEqualTo(DEVID_CHANGED);
        watch.tick();
        assertThat(told(session.peer)).as("once is enough").isEmpty();
    }

    @Test
    void who_has_asked_again_since_hears_nothing_more_of_it() {
        TestSession session = come("client");
        learn(session, VOLUME, BOTH);
        move(VOLUME);
        told(session.peer);
        learn(session, VOLUME, BOTH);
        restart();
        session = come("client");

        watch.tick();

        assertThat(told(session.peer)).isEmpty();
        assertThat(flags(session)).isZero();
    }

    @Test
    void who_comes_back_is_told_of_what_is_no_more_until_it_says_that_it_knows() {
        learn(come("client"), VOLUME, BOTH);
        places.remove(DEVICE);
        restart();
        loop.run();
        TestSession session = come("client");

        watch.tick();

        assertThat(told(session.peer)).containsExactly(deleted());
        assertThat(flags(session)).isEqualTo(DEVID_DELETED);
        watch.renounces(session.clientId, KNOWN_AS);
        assertThat(flags(session)).isZero();
        restart();
        session = come("client");
        assertThat(flags(session)).isZero();
        assertThat(records()).isZero();
    }

    @Test
    void who_cannot_be_reached_is_told_when_he_can() {
        TestSession session = come("client");
        learn(session, VOLUME, BOTH);
        session.peer.disconnect();

        move(VOLUME);
        loop.run();
        watch.tick();
        loop.run();
        session = come("client");
        watch.tick();

        assertThat(told(session.peer)).containsExactly(changed());
    }

    @Test
    void who_is_busy_is_told_again() {
        TestSession session = come("client");
        learn(session, VOLUME, BOTH);
        move(VOLUME);
        session.peer.answer(NfsStatus.DELAY);

        watch.tick();

        assertThat(told(session.peer)).containsExactly(changed());
    }

    /// Whoever begins anew asks anew.
    @Test
    void nothing_is_left_of_who_is_gone() {
        learn(come("reboots"), VOLUME, BOTH);
        TestSession.confirm(server.connect(), "reboots", 2);
        assertThat(records()).isZero();
        learn(come("client"), VOLUME, BOTH);

        machine = "another machine";
        restart();

        assertThat(records()).isZero();
    }

    private int records() {
        var count = new int[1];
        server.store.scan(Keys.WATCH.first(), Keys.WATCH.end(), (_, _) -> count[0]++ >= 0);
        return count[0];
    }

    /// A client, and where it has seen each volume.
    private final class Onlooker {
        final String owner;
        final Map<Volume, Seen> seen = new HashMap<>();
        TestSession session;

        Onlooker(String owner) {
            this.owner = owner;
            session = come(owner);
        }
    }

    private record Seen(Bitmap wanted, int place) {}

    /// Beside it a model that forgets nothing.
    @Seeds(40)
    void a_restart_makes_no_difference(RandomGenerator random) {
        List<Onlooker> all = Stream.of("a", "b", "c").map(Onlooker::new).toList();

        for (int step = 0; step < 40; step++) {
            Onlooker one = all.get(random.nextInt(all.size()));
            Volume volume = LayoutRooms.VOLUMES.get(random.nextInt(LayoutRooms.VOLUMES.size()));
            Integer place = places.get(volume.id());
            switch (random.nextInt(8)) {
                case 0 -> {
                    restart();
                    all.forEach(each -> each.session = come(each.owner));
                }
                case 1 -> {
                    if (place != null) {
                        move(volume);
                    }
                }
                case 2 -> {
                    if (place != null && random.nextInt(4) == 0) {
                        places.remove(volume.id());
                        watch.forget(volume.id());
                    }
                }
                case 3 -> {
                    watch.renounces(one.session.clientId, knownAs(volume));
                    if (place == null) {
                        one.seen.remove(volume);
                    }
                }
                default -> {
                    if (place != null) {
                        Bitmap wanted = List.of(BOTH, DeviceNotice.CHANGE, DeviceNotice.DELETE, Bitmap.EMPTY)
                                .get(random.nextInt(4));
                        learn(one.session, volume, wanted);
                        one.seen.put(volume, new Seen(wanted, place));
                    }
                }
            }
            for (Onlooker each : all) {
                int expected = 0;
                for (Map.Entry<Volume, Seen> of : each.seen.entrySet()) {
                    Integer now = places.get(of.getKey().id());
                    Seen last = of.getValue();
                    if (now == null) {
                        expected |= last.wanted().intersects(DeviceNotice.DELETE) ? DEVID_DELETED : 0;
                    } else if (now != last.place()) {
                        expected |= last.wanted().intersects(DeviceNotice.CHANGE) ? DEVID_CHANGED : 0;
                    }
                }
                assertThat(flags(each.session))
                        .as("step %d, %s", step, each.owner)
                        .isEqualTo(expected);
                each.session.peer.callbacks().clear();
            }
        }
    }
}
