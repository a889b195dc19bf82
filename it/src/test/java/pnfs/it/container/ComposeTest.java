package pnfs.it.container;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import pnfs.client.ClientOptions;
import pnfs.client.ClusterStatus.DataServer;
import pnfs.client.PnfsClient;

/// `docker-compose up` as a user does it, and a client that knows nothing but the published ports.
@Cluster
class ComposeTest {
    @Test
    void clients_outside_reach_every_part_by_its_published_port_and_lose_nothing_when_one_dies() throws IOException {
        try (Compose compose = Compose.find()) {
            compose.run("up", "-d", "--no-build");
            ClientOptions options = ClientOptions.defaults().withControl(compose.published("PNFS_CONTROL_PORT"));
            Await.until("both data servers are online", () -> online(compose) == 2);
            try (PnfsClient writing = PnfsClient.connect(compose.published("PNFS_NFS_PORT"), options);
                    PnfsClient reading = PnfsClient.connect(compose.published("PNFS_NFS_PORT"), options);
                    Load load = Load.start(writing, reading)) {
                load.awaitProgress();
                assertThat(writing.counters().bytesThroughMds()).isZero();
                for (String service : new String[] {"mds", "ds1"}) {
                    compose.run("kill", service);
                    compose.run("start", service);
                    load.awaitProgress();
                }
                compose.run("--profile", "scale", "up", "-d", "--no-build", "--scale", "ds=1");
                Await.until("a third data server is online", () -> online(compose) == 3);
                assertThat(compose.run("run", "--rm", "-T", "cli")).contains("ds1", "ds2", "ds-");
                load.awaitProgress();

                try (PnfsClient fresh = PnfsClient.connect(compose.published("PNFS_NFS_PORT"), options)) {
                    load.stopAndVerify(fresh);
                    assertThat(fresh.counters().bytesThroughMds()).isZero();
                }
            }
        }
    }

    private static long online(Compose compose) throws IOException {
        return PnfsClient.status(compose.published("PNFS_CONTROL_PORT")).dataServers().stream()
                .filter(DataServer::online)
                .count();
    }
}
