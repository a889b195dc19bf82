package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.filled;
import static pnfs.it.process.TestCluster.get;
import static pnfs.it.process.TestCluster.put;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.DirectoryEntry;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;

/// A metadata server that is killed after it did what it was asked for, and before anybody heard so. Its sessions
/// outlive it (CREATE_SESSION4_FLAG_PERSIST, RFC 8881 §2.10.6.5), so our client asks again in the same slot under
/// the same sequence, and hears how it went.
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class LostAnswerTest {
    private static final int BYTES = 1 << 20;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private Cluster cluster;
    private DeafWire wire;
    private PnfsClient client;

    @BeforeEach
    void start(@TempDir Path folder) throws IOException {
        cluster = Cluster.start(folder, new Cluster.Shape(1, 64L << 20));
        wire = new DeafWire(cluster.nfs());
        client = PnfsClient.connect(wire.address(), cluster.clientOptions());
    }

    @AfterEach
    void end() throws IOException {
        threads.close();
        client.close();
        wire.close();
        cluster.close();
    }

    private interface Work {
        void run() throws IOException;
    }

    private CompletableFuture<Void> begin(Work work) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                threads);
    }

    /// All of these are done, and their answers lost with the server.
    private void inVain(Work... works) throws Exception {
        wire.beDeaf();
        List<CompletableFuture<Void>> begun =
                List.of(works).stream().map(this::begin).toList();
        wire.awaitDropped(works.length);
        cluster.mds().kill();
        wire.hear();
        cluster.restartMds();
        for (CompletableFuture<Void> each : begun) {
            each.get();
        }
    }

    @Test
    void what_was_done_and_not_answered_is_not_done_again() throws Exception {
        client.mkdir("/from");
        client.mkdir("/gone");
        put(client, "/file", filled(10, 1));

        inVain(
                () -> client.rename("/from", "/to"),
                () -> client.remove("/gone"),
                () -> client.mkdir("/made"),
                () -> client.link("/file", "/linked"),
                () -> client.symlink("file", "/symbolic"),
                () -> client.open("/new", StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
                        .close());

        assertThat(client.list("/"))
                .extracting(DirectoryEntry::name)
                .containsExactlyInAnyOrder("to", "made", "file", "linked", "symbolic", "new");
    }

    /// The connections of before are gone, and with them the way back: the client opens it again, or its layout
    /// could not be recalled.
    @Test
    void the_way_back_is_open_again_for_who_wants_what_the_client_has() throws Exception {
        try (PnfsFile file = client.open("/file", StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                PnfsClient other = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
            file.write(0, ByteBuffer.wrap(filled(BYTES, 1)));

            inVain(file::fsync);
            put(other, "/file", filled(BYTES, 2));

            assertThat(client.counters().layoutreturns()).isPositive();
            assertSame(get(other, "/file"), filled(BYTES, 2));
            assertThat(client.counters().bytesThroughMds()).isZero();
            assertThat(other.counters().bytesThroughMds()).isZero();
        }
    }
}
