package pnfs.it.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.PnfsClient;

/// What operators look at: Grafana's dashboard, over Prometheus as docker-compose.yml configures it.
@Cluster
class DashboardTest {
    private static final Path DEPLOY = Path.of("..", "deploy");
    private static final Path CONFIGURATION = DEPLOY.resolve("prometheus/prometheus.yml");
    private static final Path DASHBOARD = DEPLOY.resolve("grafana/dashboards/pnfs.json");

    @BeforeAll
    static void needPrometheus() {
        if (!Prometheus.isInstalled()) {
            throw Engine.lacks("no prometheus on the PATH: apt-get install prometheus");
        }
    }

    @Test
    void every_query_of_the_dashboard_finds_something_while_there_is_a_load(PnfsCluster cluster, @TempDir Path folder)
            throws IOException {
        String configuration = Files.readString(CONFIGURATION)
                .replace("scrape_interval: 5s", "scrape_interval: 1s")
                .replace("mds:9464", cluster.mds().address() + ":9464")
                .replace("ds1:9464", cluster.dataServer(0).address() + ":9464")
                .replace("ds2:9464", cluster.dataServer(1).address() + ":9464");
        JsonNode panels = new ObjectMapper().readTree(DASHBOARD.toFile()).path("panels");
        PnfsClient client = cluster.client();
        try (var prometheus = Prometheus.start(folder, configuration);
                Load load = Load.start(cluster)) {
            assertThat(panels).isNotEmpty();
            for (JsonNode panel : panels) {
                for (JsonNode target : panel.path("targets")) {
                    String query = target.path("expr").asText().replace("$__rate_interval", "10s");
                    Await.until(panel.path("title").asText() + " shows something", () -> {
                        assertThatThrownBy(() -> client.stat("/nothing"))
                                .as("a refusal to be counted")
                                .isInstanceOf(IOException.class);
                        return Arrays.stream(prometheus.query(query)).anyMatch(value -> !Double.isNaN(value));
                    });
                }
            }
            load.stopAndVerify(client);
        }
    }
}
