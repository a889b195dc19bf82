package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pnfs.it.process.TestCluster.filled;
import static pnfs.it.process.TestCluster.put;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import pnfs.client.Addresses;
import pnfs.client.ClientOptions;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.mds.FsckCommand;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.RocksDbEngine;
import pnfs.wire.nfs4.NfsStatus;

/// Servers whose files were damaged while they were down say so, and what to do, and serve nothing of it.
@TestInstance(Lifecycle.PER_CLASS)
class DamageTest {
    private static final int FILES = 200;

    private Path folder;

    /// A store that was killed twice: what the first run wrote is in a table, what the second wrote in the log.
    @BeforeAll
    void makeStore(@TempDir Path temporary) throws IOException {
        folder = temporary;
        try (Cluster cluster = Cluster.start(folder, new Cluster.Shape(1, 16L << 20))) {
            for (String run : List.of("first", "second")) {
                try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
                    for (int i = 0; i < FILES; i++) {
                        put(client, "/" + run + i, filled(5_000, i));
                    }
                }
                cluster.mds().kill();
                if (run.equals("first")) {
                    cluster.restartMds();
                }
            }
        }
    }

    @Test
    void a_table_that_is_damaged_all_over_is_refused_at_the_start() throws IOException {
        Path store = copy("tables");
        for (Path table : files(store, ".sst")) {
            flip(table, 100, 512);
        }

        assertThatThrownBy(() -> start(store).close())
                .hasMessageContaining("damaged")
                .hasMessageContaining("restore it from a");
    }

    @Test
    void a_table_that_is_damaged_in_one_place_costs_the_files_that_have_records_there_and_no_other() throws Exception {
        Path store = copy("table");
        for (Path table : files(store, ".sst")) {
            flip(table, Files.size(table) * 3 / 8, Long.MAX_VALUE); // among the inodes, far from what is read first
        }

        for (String run : List.of("first", "second")) {
            try (ServerProcess server = start(store)) {
                assertThat(refused(server)).as(run).isNotEmpty().hasSizeLessThan(FILES / 2);

                assertThat(server.log()).content().contains("damaged record met", "pnfs fsck", "from a backup");
            }
        }
        var said = new StringWriter();
        int code = new CommandLine(new FsckCommand())
                .setErr(new PrintWriter(said, true))
                .execute("--repair", "--store=" + store);
        assertThat(code).isEqualTo(8);
        assertThat(said.toString()).contains("cannot be read", "restore the store from a backup");
    }

    /// Files that cannot be looked at, each for NFS4ERR_IO.
    private static List<String> refused(ServerProcess server) throws IOException {
        var refused = new ArrayList<String>();
        try (PnfsClient client = PnfsClient.connect(Addresses.parse(server.fact("nfs")), ClientOptions.defaults())) {
            for (int i = 0; i < FILES; i++) {
                try {
                    client.stat("/first" + i);
                } catch (PnfsException damaged) {
                    assertThat(damaged.status()).isEqualTo(NfsStatus.IO);
                    refused.add("/first" + i);
                }
            }
        }
        return refused;
    }

    @Test
    void a_log_that_is_damaged_before_its_end_is_refused() throws IOException {
        Path store = copy("log");
        for (Path log : files(store, ".log")) {
            flip(log, Files.size(log) / 2, Long.MAX_VALUE);
        }

        assertThatThrownBy(() -> start(store).close())
                .hasMessageContaining("is damaged")
                .hasMessageContaining("restore it from a backup");
    }

    @Test
    void a_manifest_that_is_damaged_is_refused() throws IOException {
        Path store = copy("manifest");
        for (Path manifest : files(store, "MANIFEST")) {
            flip(manifest, Files.size(manifest) / 2, Long.MAX_VALUE);
        }

        assertThatThrownBy(() -> start(store).close())
                .hasMessageContaining("is damaged")
                .hasMessageContaining("restore it from a backup");
    }

    @Test
    void a_store_that_points_to_no_manifest_is_refused() throws IOException {
        Path store = copy("current");
        flip(store.resolve("CURRENT"), 0, 1);

        assertThatThrownBy(() -> start(store).close())
                .hasMessageContaining("is damaged")
                .hasMessageContaining("restore it from a backup");
    }

    @Test
    void a_table_that_is_missing_is_refused() throws IOException {
        Path store = copy("missing");
        for (Path table : files(store, ".sst")) {
            Files.delete(table);
        }

        assertThatThrownBy(() -> start(store).close())
                .hasMessageContaining("is damaged")
                .hasMessageContaining("restore it from a backup");
    }

    @Test
    void a_region_whose_header_is_damaged_is_refused() throws IOException {
        Path region = folder.resolve("damaged.region");
        Files.copy(folder.resolve("ds0.region"), region);
        flip(region, 0, 4096);
        flip(region, 20, 4096);

        assertThatThrownBy(() -> ServerProcess.start(
                                "ds",
                                folder.resolve("damaged.log"),
                                List.of("-Xmx128m"),
                                List.of("ds", "--region", region.toString(), "--listen", "127.0.0.1:0"))
                        .close())
                .hasMessageContaining("damaged");
    }

    @Test
    void a_damaged_record_of_what_a_client_held_does_not_keep_the_server_from_starting() throws IOException {
        Path store = copy("state");
        garble(store, Keys.OPEN.of(2, 1));

        try (ServerProcess server = start(store)) {
            statAll(server);

            assertThat(server.log()).content().contains("record put aside kind=OPEN");
        }
    }

    @Test
    void a_damaged_record_of_a_reservation_key_is_refused_until_it_is_repaired() throws IOException {
        Path store = copy("fence");
        garble(store, Keys.FENCE.of(1, new byte[16]));

        assertThatThrownBy(() -> start(store).close()).hasMessageContaining("pnfs fsck --repair");

        new CommandLine(new FsckCommand()).execute("--repair", "--store=" + store);
        start(store).close();
    }

    private static void garble(Path store, byte[] key) {
        var batch = new Batch();
        batch.put(key, new byte[] {1, 2, 3});
        try (var records = new MetadataStore(RocksDbEngine.open(store), Long.MAX_VALUE, failure -> {
            throw new AssertionError(failure);
        })) {
            records.append(batch);
        }
    }

    private void statAll(ServerProcess server) throws IOException {
        ClientOptions impatient = ClientOptions.defaults().withPatience(Duration.ofSeconds(2));
        try (PnfsClient client = PnfsClient.connect(Addresses.parse(server.fact("nfs")), impatient)) {
            for (int i = 0; i < FILES; i++) {
                client.stat("/first" + i);
            }
        }
    }

    private static ServerProcess start(Path store) throws IOException {
        return ServerProcess.start(
                "mds",
                Path.of(store + ".log"),
                List.of("-Xmx256m"),
                List.of("mds", "--store", store.toString(), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"));
    }

    private Path copy(String name) throws IOException {
        Path store = Files.createDirectory(folder.resolve(name));
        try (Stream<Path> files = Files.list(folder.resolve("mds"))) {
            for (Path file : files.toList()) {
                Files.copy(file, store.resolve(file.getFileName()));
            }
        }
        return store;
    }

    private static List<Path> files(Path store, String part) throws IOException {
        try (Stream<Path> files = Files.list(store)) {
            List<Path> found = files.filter(
                            file -> file.getFileName().toString().contains(part)
                                    && file.toFile().length() > 0)
                    .toList();
            assertThat(found).as(part).isNotEmpty();
            return found;
        }
    }

    /// Turns all bits of one byte in every `step`.
    private static void flip(Path file, long from, long step) throws IOException {
        try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
            for (long at = from; at < bytes.length() && at >= from; at += step) {
                bytes.seek(at);
                int value = bytes.read();
                bytes.seek(at);
                bytes.write(~value);
            }
        }
    }
}
