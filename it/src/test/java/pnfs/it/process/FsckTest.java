package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import pnfs.client.DirectoryEntry;
import pnfs.client.PnfsClient;
import pnfs.mds.FsckCommand;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.RocksDbEngine;

/// `pnfs fsck` beside a server that runs, after one that was killed, and on a damaged store.
class FsckTest {
    @TempDir
    Path folder;

    private final StringWriter said = new StringWriter();

    @Test
    void a_store_is_sound_while_it_is_served_and_after_a_kill_and_damage_is_found_and_repaired() throws Exception {
        try (var cluster = Cluster.start(folder, TestCluster.SHAPE)) {
            try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
                for (int i = 0; i < 20; i++) {
                    TestCluster.put(client, "/file" + i, TestCluster.filled(i * 10_000, i));
                }
                assertThat(fsck()).as(said.toString()).isZero();
                assertThat(said.toString()).contains("21 files on 2 volumes: sound");
                assertThat(fsck("--repair")).isEqualTo(8);
                assertThat(said.toString()).contains("is in use: stop the server");
            }
            cluster.mds().kill();
            assertThat(fsck()).as(said.toString()).isZero();

            loseName("file7");
            assertThat(fsck()).isEqualTo(4);
            assertThat(said.toString()).contains("HALF_NAME: 'file7'").contains("run it with --repair");
            assertThat(fsck("--repair")).isEqualTo(1);
            assertThat(fsck()).as(said.toString()).isZero();

            damage(Keys.INODE, "file8");
            damage(Keys.EXTENT, "file9");
            assertThat(fsck()).isEqualTo(4);
            assertThat(fsck("--repair")).isEqualTo(1);
            assertThat(said.toString())
                    .contains("UNREADABLE_INODE", "UNREADABLE_EXTENT", "DANGLING_NAME: 'file8'", "UNCLAIMED_SPACE");
            assertThat(fsck()).as(said.toString()).isZero();

            cluster.restartMds();
            try (PnfsClient client = PnfsClient.connect(cluster.nfs(), cluster.clientOptions())) {
                for (int i = 20; i < 25; i++) {
                    TestCluster.put(client, "/file" + i, TestCluster.filled(i * 10_000, i));
                }
                for (int i = 0; i < 25; i++) {
                    String path = "/file" + i;
                    if (i == 8 || i == 9) {
                        assertThatThrownBy(() -> client.stat(path)).hasMessageContaining("NOENT");
                    } else {
                        TestCluster.assertSame(TestCluster.get(client, path), TestCluster.filled(i * 10_000, i));
                    }
                }
                List<String> rests = client.list("/").stream()
                        .map(DirectoryEntry::name)
                        .filter(name -> name.startsWith("lost+found."))
                        .toList();
                assertThat(rests)
                        .hasSize(3)
                        .filteredOn(name -> name.endsWith(".incomplete"))
                        .hasSize(2);
                for (String name : rests) {
                    client.remove("/" + name);
                }
            }
            assertThat(fsck()).as(said.toString()).isZero();
            assertThat(said.toString()).contains("24 files on 2 volumes: sound");
        }
    }

    /// The last of those records of a file that are of this kind.
    private void damage(Keys kind, String name) {
        change((store, batch) -> {
            var inode = new byte[Long.BYTES];
            store.scan(Keys.ENTRY.first(), Keys.ENTRY.end(), (key, value) -> {
                if (isOf(key, name)) {
                    System.arraycopy(value, 1, inode, 0, inode.length);
                }
                return true;
            });
            byte[] first = kind.of(inode);
            var last = new byte[1][];
            store.scan(first, Keys.after(first), (key, _) -> {
                last[0] = key.clone();
                return true;
            });
            batch.put(last[0], new byte[] {7, 7, 7});
        });
    }

    private void loseName(String name) {
        change((store, batch) -> store.scan(Keys.ENTRY.first(), Keys.ENTRY.end(), (key, _) -> {
            if (isOf(key, name)) {
                batch.delete(key.clone());
            }
            return true;
        }));
    }

    private static boolean isOf(byte[] entry, String name) {
        return new String(entry, StandardCharsets.ISO_8859_1).endsWith(name);
    }

    private void change(BiConsumer<MetadataStore, Batch> change) {
        try (var store = new MetadataStore(RocksDbEngine.open(store()), Long.MAX_VALUE, failure -> {
            throw new AssertionError(failure);
        })) {
            var batch = new Batch();
            change.accept(store, batch);
            store.append(batch);
        }
    }

    private Path store() {
        return folder.resolve("mds");
    }

    private int fsck(String... options) {
        said.getBuffer().setLength(0);
        var arguments = new ArrayList<String>();
        arguments.add("--store=" + store());
        arguments.addAll(List.of(options));
        return new CommandLine(new FsckCommand())
                .setOut(new PrintWriter(said))
                .setErr(new PrintWriter(said, true))
                .execute(arguments.toArray(String[]::new));
    }
}
