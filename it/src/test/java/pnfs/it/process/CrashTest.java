package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.get;
import static pnfs.it.process.TestCluster.put;
import static pnfs.it.process.TestCluster.randomBytes;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.client.PnfsFile;

/// I5 on real processes: what fsync acknowledged survives a `kill -9` of any server, and a writer gets through it.
class CrashTest {
    private static final int CHUNK = 512 << 10;
    private static final int CHUNKS = 40;
    private static final int FILES_BEFORE = 20;

    @TempDir
    Path folder;

    private Cluster cluster;
    private final Map<String, byte[]> committed = new LinkedHashMap<>();

    @BeforeEach
    void start() throws IOException {
        cluster = Cluster.start(folder, TestCluster.SHAPE);
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    @Test
    void I5_what_was_committed_survives_a_killed_metadata_server_in_the_middle_of_a_write() throws Exception {
        try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
            commitFiles(client);
            byte[] content = writeThroughCrash(client, () -> {
                cluster.mds().kill();
                cluster.restartMds();
            });

            assertEverythingThere(client, content);
        }
        try (PnfsClient fresh = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            for (PnfsClient client : new PnfsClient[] {fresh, through}) {
                for (Map.Entry<String, byte[]> file : committed.entrySet()) {
                    assertSame(get(client, file.getKey()), file.getValue());
                }
            }
        }
    }

    @Test
    void I5_what_was_committed_survives_a_killed_data_server_in_the_middle_of_a_write() throws Exception {
        try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
            commitFiles(client);
            byte[] content = writeThroughCrash(client, () -> {
                cluster.dataServer(0).kill();
                cluster.restartDataServer(0);
            });

            assertEverythingThere(client, content);
        }
    }

    private interface Crash {
        void run() throws IOException;
    }

    private void commitFiles(PnfsClient client) throws IOException {
        var random = new Random(5);
        for (int i = 0; i < FILES_BEFORE; i++) {
            String path = "/before-" + i;
            byte[] content = randomBytes(random, random.nextInt(1, 200_000));
            put(client, path, content);
            committed.put(path, content);
        }
    }

    /// Writes a file chunk by chunk, with an fsync after each; the crash comes when a third of it is written. A
    /// chunk whose fsync fails is written again, as the message says.
    private byte[] writeThroughCrash(PnfsClient client, Crash crash) throws Exception {
        byte[] content = randomBytes(new Random(6), CHUNK * CHUNKS);
        var thirdWritten = new CountDownLatch(1);
        CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
            try (PnfsFile file = client.open("/during", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                int chunk = 0;
                while (chunk < CHUNKS) {
                    file.write((long) chunk * CHUNK, ByteBuffer.wrap(content, chunk * CHUNK, CHUNK));
                    if (committed(file)) {
                        chunk++;
                    }
                    if (chunk == CHUNKS / 3) {
                        thirdWritten.countDown();
                    }
                }
            } catch (IOException e) {
                thirdWritten.countDown();
                throw new UncheckedIOException(e);
            }
        });
        thirdWritten.await();
        crash.run();
        writer.get();
        return content;
    }

    private static boolean committed(PnfsFile file) throws IOException {
        try {
            file.fsync();
            return true;
        } catch (PnfsException e) {
            assertThat(e).hasMessageContaining("write them again");
            return false;
        }
    }

    private void assertEverythingThere(PnfsClient client, byte[] content) throws IOException {
        assertSame(get(client, "/during"), content);
        for (Map.Entry<String, byte[]> file : committed.entrySet()) {
            assertSame(get(client, file.getKey()), file.getValue());
        }
        committed.put("/during", Arrays.copyOf(content, content.length));
        assertThat(client.counters().bytesThroughMds()).isZero();
    }
}
