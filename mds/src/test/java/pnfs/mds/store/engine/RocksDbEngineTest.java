package pnfs.mds.store.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.StoreRefusedException;
import pnfs.testing.Seeds;

class RocksDbEngineTest {
    private static final long CONGESTED_BYTES = 64L << 20;
    /// Entries: more than fit into one block of a table.
    private static final int MANY = 2_000;

    @TempDir
    Path directory;

    @Seeds(4)
    void a_store_that_is_opened_again_holds_what_was_appended(RandomGenerator random) {
        var model = new TreeMap<Long, Long>();
        for (int run = 0; run < 3; run++) {
            try (var store = open()) {
                assertThat(contents(store)).isEqualTo(model);
                for (int i = 0; i < 200; i++) {
                    store.append(randomBatch(random, model));
                    if (i % 50 == 0) {
                        assertThat(contents(store)).isEqualTo(model);
                    }
                }
            }
        }
    }

    @Test
    void groups_commit_in_the_order_of_their_tickets() {
        var acknowledged = new ArrayList<Long>();
        try (var store = open()) {
            var all = new ArrayList<CompletableFuture<Void>>();
            for (int i = 0; i < 500; i++) {
                long ticket = store.append(put(i % 7, i));
                var done = new CompletableFuture<Void>();
                all.add(done);
                store.whenDurable(ticket, () -> {
                    synchronized (acknowledged) {
                        acknowledged.add(ticket);
                    }
                    done.complete(null);
                });
            }
            all.forEach(CompletableFuture::join);
            assertThat(store.durableTicket()).isEqualTo(500);
        }
        assertThat(acknowledged).hasSize(500).doesNotHaveDuplicates();
    }

    @Test
    void a_scan_sees_each_batch_whole_while_others_append_and_commit() throws InterruptedException {
        try (var store = open()) {
            var writer = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 4000; i++) {
                    var both = new Batch();
                    both.put(Keys.INODE.of(1), Keys.INODE.of(i));
                    both.put(Keys.INODE.of(2), Keys.INODE.of(i));
                    store.append(both);
                }
            });
            while (writer.isAlive()) {
                var seen = contents(store);
                assertThat(seen.get(1L)).isEqualTo(seen.get(2L));
            }
            writer.join();
        }
    }

    @Test
    void what_was_acknowledged_before_kill_9_is_there_afterwards__I5() throws IOException, InterruptedException {
        Process writer = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        AcknowledgingWriter.class.getName(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        long last = 0;
        try (BufferedReader acknowledged = writer.inputReader()) {
            while (last < 2000) {
                last = Long.parseLong(acknowledged.readLine());
            }
            writer.destroyForcibly().waitFor();
        }

        try (var store = open()) {
            NavigableMap<Long, Long> found = contents(store);
            assertThat(found.keySet())
                    .containsAll(Stream.iterate(1L, i -> i + 1).limit(last).toList());
            assertThat(found.lastKey()).as("a prefix: no gaps").isEqualTo(found.size());
        }
    }

    /// Appends 1, 2, 3, … and prints each number once it is durable.
    static final class AcknowledgingWriter {
        public static void main(String[] args) {
            var store = new MetadataStore(RocksDbEngine.open(Path.of(args[0])), CONGESTED_BYTES, failure -> {});
            for (long i = 1; ; i++) {
                long number = i;
                var done = new CompletableFuture<Void>();
                store.whenDurable(store.append(put(number, number)), () -> {
                    System.out.println(number);
                    done.complete(null);
                });
                if (i % 16 == 0) {
                    done.join();
                }
            }
        }
    }

    @Test
    void a_read_is_announced_before_it_goes_to_the_disk_and_only_then() {
        byte[] there = Keys.INODE.of(MANY / 2);
        try (var store = open()) {
            for (long key = 0; key < MANY; key++) {
                store.append(put(key, key));
            }
        }
        try (var engine = RocksDbEngine.open(directory)) {
            var announced = new AtomicInteger();

            assertThat(engine.get(there, announced::incrementAndGet)).isEqualTo(there);
            assertThat(announced).hasValue(1);
            assertThat(engine.get(there, announced::incrementAndGet)).isEqualTo(there);
            assertThat(engine.get(Keys.XATTR.of(MANY), announced::incrementAndGet))
                    .isNull();
            assertThat(announced).as("cached, or known to be nowhere").hasValue(1);
        }
    }

    @Seeds(4)
    void a_walk_that_has_to_go_to_the_disk_on_its_way_stays_on_its_snapshot(RandomGenerator random) {
        var model = new TreeMap<Long, Long>();
        try (var store = open()) {
            for (long key = 0; key < MANY; key++) {
                model.put(key, random.nextLong());
                store.append(put(key, model.get(key)));
            }
        }
        var engine = RocksDbEngine.open(directory);
        try (var store = new MetadataStore(engine, CONGESTED_BYTES, failure -> {})) {
            engine.get(Keys.INODE.of(random.nextLong(MANY))); // some of it is in memory
            var announced = new AtomicInteger();
            try (var cursor = engine.open(Keys.INODE.first(), Keys.INODE.end(), announced::incrementAndGet)) {
                store.append(put(random.nextLong(MANY), 0));
                var changed = new CompletableFuture<Void>();
                store.whenDurable(store.append(put(MANY, 0)), () -> changed.complete(null));
                changed.join();
                assertThat(walk(cursor)).isEqualTo(model);
            }
            assertThat(announced).hasValue(1);
        }
    }

    private static NavigableMap<Long, Long> walk(StoreEngine.Cursor cursor) {
        var all = new TreeMap<Long, Long>();
        while (cursor.next()) {
            all.put(number(cursor.key()), number(cursor.value()));
        }
        return all;
    }

    @Test
    void a_store_in_use_is_refused_with_what_to_do() {
        try (var store = open()) {
            assertThat(store.durableTicket()).isZero();
            assertThatThrownBy(() -> RocksDbEngine.open(directory))
                    .isInstanceOf(StoreRefusedException.class)
                    .hasMessageContaining("is in use: stop the server")
                    .hasMessageNotContaining("\n");
        }
    }

    @Test
    void a_store_of_another_version_is_refused_with_what_to_do() throws RocksDBException {
        open().close();
        try (var options = new Options();
                var db = RocksDB.open(options, directory.toString())) {
            db.put(RocksDbEngine.FORMAT_KEY, ByteBuffer.allocate(4).putInt(77).array());
        }

        assertThatThrownBy(() -> RocksDbEngine.open(directory))
                .isInstanceOf(StoreRefusedException.class)
                .hasMessageContaining("format version 77, this server reads version 1: start the server version")
                .hasMessageNotContaining("\n");
    }

    @Test
    void a_database_of_another_program_is_refused() throws RocksDBException {
        RocksDB.loadLibrary();
        try (var options = new Options().setCreateIfMissing(true);
                var db = RocksDB.open(options, directory.toString())) {
            db.put("key".getBytes(StandardCharsets.UTF_8), new byte[0]);
        }

        assertThatThrownBy(() -> RocksDbEngine.open(directory))
                .isInstanceOf(StoreRefusedException.class)
                .hasMessageContaining("of another program: choose an empty");
    }

    @Test
    void a_directory_full_of_something_else_is_refused_and_left_alone() throws IOException {
        Files.writeString(directory.resolve("thesis.tex"), "irreplaceable");

        assertThatThrownBy(() -> RocksDbEngine.open(directory))
                .isInstanceOf(StoreRefusedException.class)
                .hasMessageContaining("holds no store: choose an empty");
        assertThat(directory).isDirectoryNotContaining("glob:**CURRENT");
    }

    @Test
    void a_damaged_store_is_refused_with_what_to_do() throws IOException {
        try (var store = open()) {
            store.append(put(1, 1));
        }
        Path manifest;
        try (Stream<Path> files = Files.list(directory)) {
            manifest = files.filter(file -> file.getFileName().toString().startsWith("MANIFEST"))
                    .findAny()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(manifest);
        bytes[bytes.length / 2] ^= 0x55;
        Files.write(manifest, bytes);

        assertThatThrownBy(() -> RocksDbEngine.open(directory))
                .isInstanceOf(StoreRefusedException.class)
                .hasMessageContaining("damaged")
                .hasMessageContaining("restore it from a backup");
    }

    @Test
    void a_log_damaged_before_its_end_is_refused_rather_than_cut_short__I5() throws IOException {
        try (var store = open()) {
            for (int i = 0; i < 100; i++) {
                store.append(put(i, i));
                contents(store);
            }
        }
        Path log;
        try (Stream<Path> files = Files.list(directory)) {
            log = files.filter(file -> file.getFileName().toString().endsWith(".log"))
                    .findAny()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(log);
        bytes[bytes.length / 3] ^= 0x55;
        Files.write(log, bytes);

        assertThatThrownBy(() -> RocksDbEngine.open(directory))
                .isInstanceOf(StoreRefusedException.class)
                .hasMessageContaining("restore it from a backup");
    }

    /// Each start makes a table of what the log has; of four RocksDB makes one, for which it has to read them.
    @Test
    void a_damaged_block_of_a_table_is_gone_around_until_the_table_is_to_be_rewritten() throws IOException {
        try (var store = open()) {
            for (long key = 0; key < MANY; key++) {
                store.append(put(key, key));
            }
        }
        open().close();
        Path table;
        try (Stream<Path> files = Files.list(directory)) {
            table = files.filter(file -> file.getFileName().toString().endsWith(".sst"))
                    .findAny()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(table);
        bytes[bytes.length / 2] ^= 0x55;
        Files.write(table, bytes);
        var failed = new CompletableFuture<Throwable>();

        for (int run = 0; run < 3; run++) {
            try (var store = open(failed::complete)) {
                assertThat(unreadable(store)).isBetween(1L, MANY / 2L);
                store.append(put(0, run));
                store.append(put(MANY - 1, run));
            }
            assertThat(failed).isNotDone();
        }
        try (var store = open(failed::complete)) {
            long key = MANY;
            while (!failed.isDone() && key < 50 * MANY) {
                var written = new CompletableFuture<Void>();
                store.whenDurable(store.append(put(key++, 0)), () -> written.complete(null));
                CompletableFuture.anyOf(written, failed).join();
            }
        }

        assertThat(failed)
                .isCompletedWithValueMatching(failure ->
                        String.valueOf(failure.getMessage()).matches(".*checksum.*" + table.getFileName() + ".*"));
    }

    private static long unreadable(MetadataStore store) {
        long count = 0;
        for (long key = 0; key < MANY; key++) {
            try {
                store.get(Keys.INODE.of(key)).require("record");
            } catch (CorruptStoreException damaged) {
                count++;
            }
        }
        return count;
    }

    private MetadataStore open() {
        return open(failure -> {
            throw new AssertionError(failure);
        });
    }

    private MetadataStore open(Consumer<Throwable> onFailure) {
        return new MetadataStore(RocksDbEngine.open(directory), CONGESTED_BYTES, onFailure);
    }

    private static Batch put(long key, long value) {
        var batch = new Batch();
        batch.put(Keys.INODE.of(key), Keys.INODE.of(value));
        return batch;
    }

    private static Batch randomBatch(RandomGenerator random, NavigableMap<Long, Long> model) {
        var batch = new Batch();
        for (int i = 0; i < 3; i++) {
            long key = random.nextLong(40);
            if (random.nextInt(3) == 0) {
                batch.delete(Keys.INODE.of(key));
                model.remove(key);
            } else {
                long value = random.nextLong();
                batch.put(Keys.INODE.of(key), Keys.INODE.of(value));
                model.put(key, value);
            }
        }
        return batch;
    }

    private static NavigableMap<Long, Long> contents(MetadataStore store) {
        var all = new TreeMap<Long, Long>();
        store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, value) -> {
            all.put(number(key), number(value));
            return true;
        });
        return all;
    }

    private static long number(byte[] key) {
        return ByteBuffer.wrap(key).getLong(1);
    }
}
