package pnfs.wire.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class MetricsServerTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final MetricsServer.Scrape ONE =
            out -> out.write("writes_total 1\n".getBytes(StandardCharsets.UTF_8));

    @Test
    void what_is_counted_is_read_over_http() throws Exception {
        try (var server = new MetricsServer(ANY_PORT, ONE, () -> true)) {
            HttpResponse<String> metrics = send(server, "/metrics", "GET");

            assertThat(metrics.statusCode()).isEqualTo(200);
            assertThat(metrics.body()).isEqualTo("writes_total 1\n");
            assertThat(metrics.headers().firstValue("content-type").orElseThrow())
                    .contains("version=0.0.4");
            assertThat(send(server, "/health", "GET").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void who_is_not_ready_is_healthy_all_the_same() throws Exception {
        var ready = new AtomicBoolean();
        try (var server = new MetricsServer(ANY_PORT, ONE, ready::get)) {
            assertThat(send(server, "/ready", "GET").statusCode()).isEqualTo(503);
            assertThat(send(server, "/health", "GET").statusCode()).isEqualTo(200);

            ready.set(true);

            assertThat(send(server, "/ready", "GET").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void nothing_else_is_there_and_nothing_can_be_changed() throws Exception {
        try (var server = new MetricsServer(ANY_PORT, ONE, () -> true)) {
            assertThat(send(server, "/", "GET").statusCode()).isEqualTo(404);
            assertThat(send(server, "/metrics", "POST").statusCode()).isEqualTo(405);
        }
    }

    @Test
    void an_address_in_use_is_refused_with_a_line_that_names_it() throws Exception {
        try (var server = new MetricsServer(ANY_PORT, ONE, () -> true)) {
            assertThatThrownBy(() -> new MetricsServer(server.address(), ONE, () -> true).close())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot serve metrics on " + server.address());
        }
    }

    private static HttpResponse<String> send(MetricsServer server, String path, String method) throws Exception {
        var uri = new URI("http", null, "127.0.0.1", server.address().getPort(), path, null, null);
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(uri)
                            .method(method, BodyPublishers.noBody())
                            .build(),
                    BodyHandlers.ofString());
        }
    }
}
