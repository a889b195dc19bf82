package pnfs.mds.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.DataServer;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology;
import pnfs.layout.device.VolumeTopology.Concat;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.device.VolumeTopology.Slice;
import pnfs.layout.device.VolumeTopology.Stripe;
import pnfs.mds.cluster.Cluster.Draining;
import pnfs.mds.cluster.Cluster.Presented;
import pnfs.mds.cluster.Cluster.Registration;
import pnfs.mds.cluster.Cluster.Removal;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

class ClusterTest {
    private static final long GIB = 1L << 30;
    private static final UUID ANNA = new UUID(1, 1);
    private static final UUID BORIS = new UUID(2, 2);

    private final MemoryEngine engine = new MemoryEngine();
    private final MetadataStore store = new MetadataStore(engine, 1 << 20, failure -> {});
    private final List<Volume> all = new ArrayList<>();
    private final List<Volume> online = new ArrayList<>();
    private Set<DeviceId> draining = Set.of();
    private final List<Volume> moved = new ArrayList<>();

    private Cluster cluster(MetadataStore from, String... specs) {
        return new Cluster(
                from,
                List.of(specs).stream().map(VolumeSpec::parse).toList(),
                77,
                (known, served, leaving) -> {
                    draining = leaving;
                    all.clear();
                    all.addAll(known);
                    online.clear();
                    online.addAll(served);
                },
                moved::add);
    }

    private static KnownRegion region(UUID server, String name, int number, long size) {
        var naa = ByteBuffer.allocate(16)
                .putLong(0x6000_0000_0000_0000L | number)
                .putLong(size)
                .array();
        return new KnownRegion(
                new RegionId(new UUID(9, number)),
                server,
                name,
                "iqn.2026-11.pnfs:" + name,
                List.of(new Portal("127.0.0.1", 3260 + number)),
                0,
                Opaque.of(naa),
                size,
                4096,
                2);
    }

    private static void comes(Cluster cluster, UUID server, String name, KnownRegion... regions) {
        assertThat(cluster.register(new Presented(server, name, List.of(regions))))
                .isInstanceOf(Registration.Accepted.class);
        cluster.online(server, () -> true);
    }

    @Test
    void each_region_is_a_volume_of_its_own_and_keeps_its_device_id_over_restarts() {
        Cluster cluster = cluster(store);
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        comes(cluster, BORIS, "boris", region(BORIS, "boris", 2, 2 * GIB));
        List<Volume> before = List.copyOf(all);
        engine.commitAll();

        var again = new MetadataStore(engine.crash(), 1 << 20, failure -> {});
        Cluster restarted = cluster(again);
        restarted.tell();

        assertThat(before).hasSize(2);
        assertThat(before.getFirst().id()).isEqualTo(new DeviceId(1, 1, 77));
        assertThat(all).isEqualTo(before);
        assertThat(online).isEmpty();
        comes(restarted, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        assertThat(all).isEqualTo(before);
        assertThat(online).containsExactly(before.getFirst());
        assertThat(restarted.export(new RegionId(new UUID(9, 2))))
                .contains(new DataServer.Export(
                        new RegionId(new UUID(9, 2)),
                        new DataServer(BORIS, "127.0.0.1", 3262, "iqn.2026-11.pnfs:boris"),
                        0));
    }

    @Test
    void a_region_that_comes_online_elsewhere_has_moved_and_one_that_comes_back_has_not() {
        Cluster cluster = cluster(store);
        KnownRegion region = region(ANNA, "anna", 1, GIB);
        var stands = new AtomicBoolean(true);
        comes(cluster, ANNA, "anna", region);
        comes(cluster, ANNA, "anna", region);
        cluster.online(ANNA, stands::get);
        assertThat(moved).isEmpty();
        stands.set(false);

        KnownRegion elsewhere = new KnownRegion(
                region.id(),
                BORIS,
                "boris",
                "iqn.2026-11.pnfs:boris",
                List.of(new Portal("127.0.0.1", 3333)),
                0,
                region.naa(),
                region.sizeBytes(),
                region.blockBytes(),
                region.durability());
        comes(cluster, BORIS, "boris", elsewhere);
        comes(cluster, BORIS, "boris", elsewhere);

        assertThat(moved).containsExactlyElementsOf(all);
    }

    @Test
    void a_registration_that_a_crash_took_back_was_not_told_to_be_durable() {
        Cluster cluster = cluster(store);
        var accepted = (Registration.Accepted)
                cluster.register(new Presented(ANNA, "anna", List.of(region(ANNA, "anna", 1, GIB))));

        assertThat(store.durableTicket()).isLessThan(accepted.ticket());
        Cluster restarted = cluster(new MetadataStore(engine.crash(), 1 << 20, failure -> {}));
        restarted.tell();

        assertThat(all).isEmpty();
    }

    @Test
    void a_configured_stripe_waits_for_its_regions_and_cuts_them_to_one_size() {
        Cluster cluster = cluster(store, "stripe:64KiB:anna,boris");
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        assertThat(all).isEmpty();

        comes(cluster, BORIS, "boris", region(BORIS, "boris", 2, 2 * GIB));

        assertThat(all).hasSize(1);
        assertThat(all.getFirst().topology()).isInstanceOf(Stripe.class);
        assertThat(all.getFirst().capacity()).isEqualTo(2 * GIB);
        cluster.offline(BORIS);
        assertThat(online).isEqualTo(all); // another connection of boris stands
    }

    @Test
    void a_volume_is_offline_while_one_of_its_regions_is() {
        Cluster cluster = cluster(store, "concat:anna,boris");
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        boolean[] stands = {true};
        assertThat(cluster.register(new Presented(BORIS, "boris", List.of(region(BORIS, "boris", 2, GIB)))))
                .isInstanceOf(Registration.Accepted.class);
        cluster.online(BORIS, () -> stands[0]);
        assertThat(online).hasSize(1);

        stands[0] = false;
        cluster.expire();

        assertThat(all).hasSize(1);
        assertThat(online).isEmpty();
    }

    @Test
    void a_data_server_that_was_silent_and_beats_again_over_the_same_connection_is_back() {
        Cluster cluster = cluster(store);
        boolean[] stands = {true};
        cluster.register(new Presented(ANNA, "anna", List.of(region(ANNA, "anna", 1, GIB))));
        cluster.online(ANNA, () -> stands[0]);
        stands[0] = false;
        cluster.expire();
        assertThat(online).isEmpty();

        stands[0] = true;
        cluster.heard(ANNA, () -> stands[0]);

        assertThat(online).hasSize(1);
        cluster.expire();
        assertThat(online).hasSize(1);
    }

    @Test
    void a_data_server_that_was_silent_while_another_came_is_there_when_it_beats_before_it_was_missed() {
        Cluster cluster = cluster(store);
        boolean[] stands = {true};
        cluster.register(new Presented(ANNA, "anna", List.of(region(ANNA, "anna", 1, GIB))));
        cluster.online(ANNA, () -> stands[0]);
        stands[0] = false;
        comes(cluster, BORIS, "boris", region(BORIS, "boris", 2, GIB));

        stands[0] = true;
        cluster.heard(ANNA, () -> stands[0]);

        assertThat(all).hasSize(2);
        assertThat(online).isEqualTo(all);
    }

    @Test
    void a_region_that_changed_and_one_that_another_serves_are_refused_with_what_to_do() {
        Cluster cluster = cluster(store);
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));

        assertThat(cluster.register(new Presented(ANNA, "anna", List.of(region(ANNA, "anna", 1, 2 * GIB)))))
                .isInstanceOfSatisfying(
                        Registration.Refused.class,
                        refused -> assertThat(refused.reason()).contains("format the new one"));
        assertThat(cluster.register(new Presented(BORIS, "boris", List.of(region(BORIS, "boris", 1, GIB)))))
                .isInstanceOfSatisfying(
                        Registration.Refused.class,
                        refused -> assertThat(refused.reason()).contains("stop that data server"));
    }

    @Test
    void a_drain_is_durable_and_lasts_until_it_is_cancelled() {
        Cluster cluster = cluster(store);
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        comes(cluster, BORIS, "boris", region(BORIS, "boris", 2, GIB));

        assertThat(cluster.drain("boris/0", true)).isInstanceOf(Draining.Marked.class);

        DeviceId ofBoris = all.get(1).id();
        assertThat(draining).containsExactly(ofBoris);
        engine.commitAll();
        var again = new MetadataStore(engine.crash(), 1 << 20, failure -> {});
        Cluster restarted = cluster(again);
        restarted.tell();
        assertThat(draining).containsExactly(ofBoris);
        assertThat(restarted.drain(ofBoris.toString(), false)).isInstanceOf(Draining.Marked.class);
        assertThat(draining).isEmpty();
        cluster(again).tell();
        assertThat(draining).isEmpty();
    }

    @Test
    void who_asks_once_more_for_a_drain_waits_until_the_first_is_durable__I5() {
        Cluster cluster = cluster(store);
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        engine.commitAll();
        cluster.drain("anna", true);

        var again = (Draining.Marked) cluster.drain("anna", true);

        assertThat(store.durableTicket()).isLessThan(again.ticket());
        engine.commitAll();
        assertThat(store.durableTicket()).isEqualTo(again.ticket());
    }

    @Test
    void a_data_server_is_not_drained_of_what_lies_on_another_one_too_but_that_volume_as_a_whole_is() {
        Cluster cluster = cluster(store, "stripe:64KiB:anna,boris");
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        comes(cluster, BORIS, "boris", region(BORIS, "boris", 2, GIB));
        String stripe = all.getFirst().id().toString();

        assertThat(cluster.drain("anna", true))
                .isInstanceOfSatisfying(
                        Draining.Refused.class,
                        refused -> assertThat(refused.reason()).contains(stripe, "anna, boris", "name the volume"));
        assertThat(draining).isEmpty();
        assertThat(cluster.drain("carla", true))
                .isInstanceOfSatisfying(
                        Draining.Refused.class,
                        refused -> assertThat(refused.reason()).contains("carla", "pnfs status"));
        assertThat(cluster.drain(stripe, true)).isInstanceOf(Draining.Marked.class);
        assertThat(draining).containsExactly(all.getFirst().id());
    }

    @Test
    void a_data_server_is_forgotten_when_it_is_drained_and_empty_and_stopped_and_its_number_is_never_used_again() {
        Cluster cluster = cluster(store);
        boolean[] stands = {true};
        comes(cluster, ANNA, "anna", region(ANNA, "anna", 1, GIB));
        cluster.register(new Presented(BORIS, "boris", List.of(region(BORIS, "boris", 2, GIB))));
        cluster.online(BORIS, () -> stands[0]);
        DeviceId ofBoris = all.get(1).id();
        var tenants = new FakeTenants();

        assertRefused(cluster.remove("boris", tenants), "pnfs mds drain");
        cluster.drain("boris", true);
        tenants.obstacle = Optional.of("has 4096 bytes of files");
        assertRefused(cluster.remove("boris", tenants), "has 4096 bytes of files");
        tenants.obstacle = Optional.empty();
        assertRefused(cluster.remove("boris", tenants), "stop it first");
        stands[0] = false;
        cluster.expire();
        assertThat(tenants.gone).isEmpty();
        assertThat(cluster.remove("boris", tenants)).isInstanceOf(Removal.Forgotten.class);

        assertThat(all).hasSize(1).doesNotContainAnyElementsOf(tenants.gone);
        assertThat(tenants.gone).extracting(Volume::id).containsExactly(ofBoris);
        assertThat(draining).isEmpty();
        assertThat(cluster.servers()).hasSize(1);
        engine.commitAll();
        Cluster restarted = cluster(new MetadataStore(engine.crash(), 1 << 20, failure -> {}));
        restarted.tell();
        assertThat(all).hasSize(1);
        comes(restarted, BORIS, "boris", region(BORIS, "boris", 2, GIB));
        assertThat(all.get(1).id()).isEqualTo(new DeviceId(3, 1, 77)).isNotEqualTo(ofBoris);
    }

    private static void assertRefused(Removal removal, String why) {
        assertThat(removal)
                .isInstanceOfSatisfying(
                        Removal.Refused.class,
                        refused -> assertThat(refused.reason()).contains(why));
    }

    private static final class FakeTenants implements Cluster.Tenants {
        private Optional<String> obstacle = Optional.empty();
        private final List<Volume> gone = new ArrayList<>();

        @Override
        public Optional<String> obstacle(Volume volume) {
            return obstacle;
        }

        @Override
        public void leave(Volume volume, Batch batch) {}

        @Override
        public void gone(Volume volume) {
            gone.add(volume);
        }
    }

    @Seeds(100)
    void records_are_read_as_they_were_written_and_damage_is_noticed(RandomGenerator random) {
        KnownRegion a = region(ANNA, "anna", random.nextInt(100), GIB);
        KnownRegion b = region(BORIS, "boris", 100 + random.nextInt(100), GIB);
        Scsi disk = a.disk();
        VolumeTopology topology = switch (random.nextInt(4)) {
            case 0 -> disk;
            case 1 -> new Slice(disk, 4096L * random.nextInt(10), 4096L * (1 + random.nextInt(100)));
            case 2 -> new Concat(List.of(disk, b.disk()));
            default -> new Stripe(4096L << random.nextInt(6), List.of(disk, b.disk()));
        };
        var device = new DeviceId(random.nextLong() >>> 1, random.nextInt(), random.nextInt());

        assertThat(ClusterRecords.readRegion(ClusterRecords.keyOf(a.id()), ClusterRecords.write(a)))
                .isEqualTo(a);
        byte[] written = ClusterRecords.write(topology);
        assertThat(ClusterRecords.readVolume(
                        ClusterRecords.keyOf(device), written, id -> id.equals(a.id()) ? a.disk() : b.disk()))
                .isEqualTo(new Volume(device, topology));
        byte[] cut = java.util.Arrays.copyOf(written, random.nextInt(written.length));
        assertThatThrownBy(() -> ClusterRecords.readVolume(ClusterRecords.keyOf(device), cut, id -> disk))
                .isInstanceOf(CorruptStoreException.class);
    }

    @Test
    void a_volume_is_written_in_one_way_and_others_are_refused_with_that_way() {
        assertThat(VolumeSpec.parse("stripe:1MiB:a,b/1"))
                .isEqualTo(new VolumeSpec.OfStripe(1 << 20, List.of("a", "b/1")));
        for (String wrong : List.of("", "stripe:a,b", "stripe:64QiB:a,b", "concat:a", "raid5:a,b", "concat:a,,b")) {
            assertThatThrownBy(() -> VolumeSpec.parse(wrong)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(Portal.parse("[::1]:3260")).contains(new Portal("::1", 3260));
        assertThat(Portal.parse("::1:3260")).isEmpty();
        assertThat(Portal.parse("host:0")).isEmpty();
    }
}
