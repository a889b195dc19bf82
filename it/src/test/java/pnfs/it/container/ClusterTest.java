package pnfs.it.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.client.PnfsFile;
import pnfs.wire.nfs4.NfsStatus;

/// What befalls a cluster in production, most of it under a load that knows what it must find (I5).
@Cluster(mds = "--lease=5s")
class ClusterTest {
    private static final int MIB = 1 << 20;
    private static final int NEW_FILES = 10;
    /// In each container.
    private static final String FILE = "/opt/pnfs/java.options";

    @Test
    void a_copy_by_a_client_in_a_container_goes_around_the_metadata_server(PnfsCluster cluster) {
        assertThat(cluster.cli("cp", FILE, "pnfs:/file")).contains(", 0 B through the metadata server");
        assertThat(cluster.cli("cp", "--json", "-q", FILE, "pnfs:/again"))
                .startsWith("{\"files\":1,\"bytes\":")
                .contains("\"bytes_through_mds\":0}");

        assertThat(cluster.cli("cat", "/file")).contains("--enable-native-access");
    }

    @Test
    void I5_servers_that_are_killed_lose_nothing_and_fail_no_call(PnfsCluster cluster) throws IOException {
        try (Load load = Load.start(cluster)) {
            for (Node node : cluster.nodes()) {
                load.awaitProgress();
                node.kill();
                node.start();
            }
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    @Test
    void I5_a_rolling_restart_loses_nothing_and_fails_no_call(PnfsCluster cluster) throws IOException {
        try (Load load = Load.start(cluster)) {
            for (Node node : cluster.nodes().reversed()) {
                load.awaitProgress();
                node.stop();
                node.start();
            }
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    @Test
    void I5_servers_that_hang_for_a_while_lose_nothing_and_fail_no_call(PnfsCluster cluster) throws IOException {
        Node mds = cluster.mds();
        Node hanging = cluster.dataServer(0);
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            hanging.pause();
            Await.until("ds0 is offline", () -> !cluster.status(hanging).online());
            hanging.unpause();
            Await.until("ds0 is online", () -> cluster.status(hanging).online());

            load.awaitProgress();
            mds.pause();
            hanging.awaitHealth("unhealthy"); // it hears nothing of the metadata server any more
            mds.unpause();
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    @Test
    void I5_a_client_cut_off_from_a_data_server_goes_through_the_metadata_server(PnfsCluster cluster)
            throws IOException {
        Node lost = cluster.dataServer(0);
        PnfsClient client = cluster.client();
        try (Load load = Load.start(client, cluster.client())) {
            load.awaitProgress();
            assertThat(client.counters().bytesThroughMds()).isZero();
            cluster.cut(lost, cluster.host());
            Await.until(
                    "bytes go through the metadata server",
                    () -> client.counters().bytesThroughMds() > 0);
            load.awaitProgress();
            cluster.heal(lost, cluster.host());
            load.awaitProgress();

            PnfsClient fresh = cluster.client();
            load.stopAndVerify(fresh);
            assertThat(fresh.counters().bytesThroughMds()).isZero();
        }
    }

    @Test
    void I5_a_data_server_cut_off_from_the_metadata_server_comes_back_with_everything(PnfsCluster cluster)
            throws IOException {
        Node lost = cluster.dataServer(1);
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            cluster.cut(lost, cluster.mds().address());
            Await.until("ds1 is offline", () -> !cluster.status(lost).online());
            cluster.heal(lost, cluster.mds().address());
            Await.until("ds1 is online", () -> cluster.status(lost).online());
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    @Test
    void I5_a_client_cut_off_for_longer_than_its_lease_goes_on_where_it_was(PnfsCluster cluster) throws IOException {
        Node mds = cluster.mds();
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            cluster.cut(mds, cluster.host());
            Await.until("the lease is over", () -> mds.log().contains("from=ACTIVE to=COURTESY"));
            cluster.heal(mds, cluster.host());
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    @Test
    @Cluster(clocks = true, mds = "--lease=30s")
    void I5_clocks_that_are_hours_off_and_jump_lose_nothing_and_end_no_lease(PnfsCluster cluster) throws Exception {
        Node mds = cluster.mds();
        Node odd = cluster.dataServer(0);
        PnfsClient client = cluster.client();
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            mds.setClock(Duration.ofHours(-7));
            odd.setClock(Duration.ofHours(9));
            load.awaitProgress();
            assertThat(ageOfNewFile(client, "/behind")).isBetween(Duration.ofHours(6), Duration.ofHours(8));

            for (Node node : List.of(odd, mds)) { // and from its start on
                node.stop();
                node.start();
                load.awaitProgress();
            }
            assertThat(ahead(odd)).isBetween(Duration.ofHours(8), Duration.ofHours(10));
            mds.setClock(Duration.ofDays(20));
            odd.setClock(Duration.ofDays(-3));
            load.awaitProgress();
            assertThat(ageOfNewFile(client, "/ahead")).isBetween(Duration.ofDays(-21), Duration.ofDays(-19));
            mds.setClock(Duration.ZERO);
            odd.setClock(Duration.ZERO);
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
            assertThat(mds.log()).doesNotContain("from=ACTIVE", "key is being fenced", "went silent");
        }
    }

    /// By how much less than a day the clock is ahead that it looked at when it wrote into its log last.
    private static Duration ahead(Node node) {
        String last = node.log().lines().toList().getLast();
        Duration difference = Duration.between(LocalTime.now(ZoneOffset.UTC), LocalTime.parse(last.substring(0, 8)));
        return difference.isNegative() ? difference.plusDays(1) : difference;
    }

    /// How long ago its server says that a file was made just now.
    private static Duration ageOfNewFile(PnfsClient client, String path) throws IOException {
        write(client, path, MIB);
        return Duration.between(client.stat(path).modified(), Instant.now());
    }

    @Test
    @Cluster(dataServers = 1, regionSize = "16MiB")
    void a_data_server_added_while_others_run_takes_new_files(PnfsCluster cluster) throws IOException {
        PnfsClient client = cluster.client();
        assertThatThrownBy(() -> write(client, "/large", 24 * MIB)).satisfies(ClusterTest::isFull);
        client.remove("/large");

        Node added = cluster.addDataServer();
        write(client, "/large", 24 * MIB);

        assertThat(cluster.status(added).regions().getFirst().sizeBytes()).isEqualTo(16 * MIB);
        assertThat(client.extents("/large"))
                .extracting(extent -> Objects.requireNonNull(extent.place()).dataServer())
                .contains("ds0", added.name());
        assertThat(client.counters().bytesThroughMds()).isZero();
    }

    @Test
    void I5_a_data_server_added_under_load_takes_new_files_and_is_drained_and_forgotten(PnfsCluster cluster)
            throws IOException {
        PnfsClient client = cluster.client();
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            Node added = cluster.addDataServer();
            for (int i = 0; i < NEW_FILES; i++) {
                write(client, "/new" + i, MIB);
            }
            assertThat(dataServersOf(client)).contains(added.name());

            assertThat(cluster.cli("mds", "drain", added.name(), "--wait")).contains("drained; it may be stopped");
            assertThat(dataServersOf(client)).doesNotContain(added.name());
            load.awaitProgress();
            added.stop();
            assertThat(cluster.cli("mds", "remove", added.name())).contains(added.name() + ": forgotten");
            assertThatThrownBy(() -> cluster.status(added)).hasMessageContaining("does not know");
            cluster.dropDataServer(added);
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    private static List<String> dataServersOf(PnfsClient client) throws IOException {
        var names = new ArrayList<String>();
        for (int i = 0; i < NEW_FILES; i++) {
            client.extents("/new" + i).stream()
                    .map(extent -> Objects.requireNonNull(extent.place()).dataServer())
                    .forEach(names::add);
        }
        return names;
    }

    @Test
    @Cluster(dataServers = 1, regionSize = "16MiB")
    void a_full_cluster_says_so_keeps_what_it_has_and_takes_more_when_something_is_removed(PnfsCluster cluster)
            throws IOException {
        PnfsClient client = cluster.client();
        write(client, "/kept", 4 * MIB);
        write(client, "/removed", 8 * MIB);
        assertThatThrownBy(() -> write(client, "/too-much", 8 * MIB)).satisfies(ClusterTest::isFull);

        client.remove("/too-much");
        client.remove("/removed");
        write(client, "/fits", 8 * MIB);

        try (PnfsFile kept = cluster.client().open("/kept", StandardOpenOption.READ)) {
            assertThat(kept.size()).isEqualTo(4 * MIB);
        }
    }

    @Test
    @Cluster(dataServers = 1, smallStore = true, mds = "--lease=5s")
    void I5_a_metadata_server_whose_disk_is_full_says_so_and_has_everything_when_there_is_space_again(
            PnfsCluster cluster) throws IOException {
        Node mds = cluster.mds();
        try (Load load = Load.start(cluster)) {
            load.awaitProgress();
            cluster.storeDisk().fill();
            mds.awaitEnd();
            assertThat(mds.log()).contains("the store cannot be written, so nothing is served any more");

            cluster.storeDisk().free();
            mds.start();
            load.awaitProgress();

            load.stopAndVerify(cluster.client());
        }
    }

    private static void isFull(Throwable failure) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        PnfsException.class, e -> assertThat(e.status()).isEqualTo(NfsStatus.NOSPC));
    }

    private static void write(PnfsClient client, String path, int bytes) throws IOException {
        try (PnfsFile file = client.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int offset = 0; offset < bytes; offset += MIB) {
                file.write(offset, ByteBuffer.allocate(MIB));
            }
        }
    }
}
