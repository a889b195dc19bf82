package pnfs.it.process;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import pnfs.client.Addresses;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;
import pnfs.mds.FsckCommand;
import pnfs.mds.MdsCommand;

/// A data server is taken out of a cluster that is written to all the time, with the metadata server killed
/// meanwhile.
class DrainTest {
    private static final int PLACEMENT_UNIT = 256 << 10;
    private static final int FILE_BYTES = 6 << 20;
    private static final int FILES_THERE = 40;
    private static final long POLL_NANOS = 10_000_000;

    @TempDir
    Path folder;

    private final StringWriter said = new StringWriter();

    @Test
    void I4_I5_a_data_server_is_drained_and_forgotten_under_load_and_over_a_kill_of_the_metadata_server()
            throws Exception {
        var shape = new Cluster.Shape(
                3, 96L << 20, List.of("--lease=5s", "--placement-unit=" + (PLACEMENT_UNIT >> 10) + "KiB"));
        try (var cluster = Cluster.start(folder, shape);
                var log = new TortureLog(folder);
                var load = new TortureLoad(cluster, log)) {
            byte[] content = TestCluster.randomBytes(new SplittableRandom(3), FILE_BYTES);
            try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
                TestCluster.put(client, "/still", content);
            }
            load.begin(2, new SplittableRandom(4));
            while (load.progress() < FILES_THERE && load.complaints().isEmpty()) {
                LockSupport.parkNanos(POLL_NANOS);
            }
            assertThat(mds(cluster, "drain", "ds7")).isEqualTo(1);
            assertThat(said.toString()).contains("'ds7'").contains("pnfs status");

            assertThat(mds(cluster, "drain", "ds2")).as(said.toString()).isZero();
            cluster.mds().kill();
            cluster.restartMds();
            assertThat(volumeOf(cluster, "ds2").draining()).isTrue();
            assertThat(mds(cluster, "drain", "ds2", "--wait"))
                    .as(said.toString())
                    .isZero();

            assertThat(said.toString()).contains("drained; it may be stopped");
            assertThat(mds(cluster, "remove", "ds2")).isEqualTo(1);
            assertThat(said.toString()).contains("stop it first");
            load.end();
            assertThat(load.complaints()).isEmpty();
            assertThat(load.lostAcknowledgements()).isZero();
            assertThat(load.staleBytes()).isZero();
            cluster.dataServer(2).close();
            assertThat(mds(cluster, "remove", "ds2")).as(said.toString()).isZero();
            assertThat(PnfsClient.status(cluster.control()).dataServers())
                    .extracting(ClusterStatus.DataServer::name)
                    .containsExactlyInAnyOrder("ds0", "ds1");
            try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
                assertThat(client.extents("/still"))
                        .extracting(extent -> requireNonNull(extent.place()).dataServer())
                        .containsOnly("ds0", "ds1");
                TestCluster.assertSame(TestCluster.get(client, "/still"), content);
            }
            cluster.mds().kill();
            assertThat(fsck()).as(said.toString()).isZero();
        }
    }

    private static ClusterStatus.Volume volumeOf(Cluster cluster, String dataServer) throws Exception {
        ClusterStatus status = PnfsClient.status(cluster.control());
        var region = status.dataServers().stream()
                .filter(server -> server.name().equals(dataServer))
                .findFirst()
                .orElseThrow()
                .regions()
                .getFirst()
                .id();
        return status.volumes().stream()
                .filter(volume -> volume.regions().contains(region))
                .findFirst()
                .orElseThrow();
    }

    private int mds(Cluster cluster, String command, String... arguments) {
        var all = new ArrayList<>(List.of(command, "--control=" + Addresses.text(cluster.control())));
        all.addAll(List.of(arguments));
        return run(new CommandLine(new MdsCommand()), all.toArray(String[]::new));
    }

    private int fsck() {
        return run(new CommandLine(new FsckCommand()), "--store=" + folder.resolve("mds"));
    }

    private int run(CommandLine command, String... arguments) {
        said.getBuffer().setLength(0);
        return command.setOut(new PrintWriter(said))
                .setErr(new PrintWriter(said, true))
                .execute(arguments);
    }
}
