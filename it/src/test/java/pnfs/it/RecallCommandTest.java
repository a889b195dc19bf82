package pnfs.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;
import pnfs.it.process.Cluster;

class RecallCommandTest {
    private static final int BYTES = 64 << 10;

    /// What it wrote and has not committed is there when the layouts are back, and it goes on.
    @Test
    void our_client_gives_back_what_an_operator_wants_back(@TempDir Path folder) throws IOException {
        try (Cluster cluster = Cluster.start(folder, new Cluster.Shape(1, 64L << 20));
                PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient reader = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsFile one = client.open("/one", StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                PnfsFile two = client.open("/two", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (List<String> scope : List.of(List.of("--file", "/one"), List.of("--export", "/"), List.of("--all"))) {
                one.write(0, ByteBuffer.allocate(BYTES));
                two.write(0, ByteBuffer.allocate(BYTES));

                assertThat(recall(cluster, scope))
                        .contains("answered OK after")
                        .contains("returned after")
                        .contains("1 of 1 answered");
                assertThat(reader.stat("/one").size()).isEqualTo(BYTES);
            }
            assertThat(reader.stat("/two").size()).isEqualTo(BYTES);
            assertThat(recall(cluster, List.of("--all"))).contains("0 of 0 answered");
            assertThat(client.counters().bytesThroughMds()).isZero();
        }
    }

    private static String recall(Cluster cluster, List<String> scope) {
        var out = new StringWriter();
        var command = Pnfs.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(out));
        var arguments = new ArrayList<>(List.of("mds", "recall"));
        arguments.addAll(scope);
        arguments.addAll(List.of("--control", "127.0.0.1:" + cluster.control().getPort()));
        assertThat(command.execute(arguments.toArray(String[]::new)))
                .as(out.toString())
                .isZero();
        return out.toString();
    }
}
