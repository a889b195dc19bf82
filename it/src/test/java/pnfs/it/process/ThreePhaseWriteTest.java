package pnfs.it.process;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static pnfs.it.process.TestCluster.assertSame;
import static pnfs.it.process.TestCluster.filled;
import static pnfs.it.process.TestCluster.get;
import static pnfs.it.process.TestCluster.put;
import static pnfs.it.process.TestCluster.randomBytes;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.DirectoryEntry;
import pnfs.client.FileExtent;
import pnfs.client.FileExtent.State;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.client.PnfsFile;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;

/// The main job on real processes.
@TestInstance(Lifecycle.PER_CLASS)
class ThreePhaseWriteTest {
    private static final int MIB = 1 << 20;
    private static final int BLOCK = 4096;

    private Cluster cluster;
    private PnfsClient direct;
    private PnfsClient through;

    @BeforeAll
    void start(@TempDir Path folder) throws IOException {
        cluster = Cluster.start(folder, TestCluster.SHAPE);
        direct = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
        through = PnfsClient.connect(cluster.nfs(), cluster.clientOptions().throughMds());
    }

    @AfterAll
    void stop() {
        through.close();
        direct.close();
        cluster.close();
    }

    @Test
    void a_file_written_through_layouts_lies_on_both_data_servers_and_reads_back_both_ways() throws IOException {
        byte[] content = randomBytes(new Random(1), 24 * MIB + 4321);
        long throughMdsBefore = direct.counters().bytesThroughMds();

        put(direct, "/big", content);

        assertSame(get(direct, "/big"), content);
        assertSame(get(through, "/big"), content);
        assertThat(direct.counters().bytesThroughMds()).isEqualTo(throughMdsBefore);
        List<FileExtent> extents = direct.extents("/big");
        assertThat(extents).extracting(FileExtent::state).containsOnly(State.WRITTEN);
        assertThat(extents)
                .extracting(extent -> requireNonNull(extent.place()).dataServer())
                .contains("ds0", "ds1");
    }

    @Test
    void a_file_written_through_the_metadata_server_is_read_from_the_data_servers() throws IOException {
        byte[] content = randomBytes(new Random(2), 3 * MIB + 77);

        put(through, "/proxied", content);

        assertSame(get(direct, "/proxied"), content);
        assertThat(through.counters().bytesDirect()).isZero();
    }

    @Test
    void an_overwrite_goes_to_the_same_place() throws IOException {
        byte[] content = randomBytes(new Random(3), 2 * MIB);
        put(direct, "/overwritten", content);
        List<FileExtent> before = direct.extents("/overwritten");
        byte[] patch = filled(10_000, 'x');

        try (PnfsFile file = direct.open("/overwritten", StandardOpenOption.WRITE)) {
            file.write(5000, ByteBuffer.wrap(patch));
            file.fsync();
        }

        System.arraycopy(patch, 0, content, 5000, patch.length);
        assertSame(get(direct, "/overwritten"), content);
        assertSame(get(through, "/overwritten"), content);
        assertThat(direct.extents("/overwritten")).isEqualTo(before);
    }

    @Test
    void two_clients_that_write_one_file_in_turn_get_its_layout_from_each_other_at_once() throws IOException {
        byte[] content = filled(16 * BLOCK, 0);
        put(direct, "/shared", content);
        try (PnfsClient rival = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsFile ours = direct.open("/shared", StandardOpenOption.WRITE);
                PnfsFile theirs = rival.open("/shared", StandardOpenOption.WRITE)) {
            long throughMdsBefore = direct.counters().bytesThroughMds();

            for (int turn = 1; turn <= 12; turn++) {
                PnfsFile writer = turn % 2 == 0 ? ours : theirs;
                byte[] half = filled(BLOCK / 2, turn);
                long offset = turn % 5 * (long) BLOCK + turn % 3 * 100L; // recalled with nothing but this uncommitted
                writer.write(offset, ByteBuffer.wrap(half));
                System.arraycopy(half, 0, content, (int) offset, half.length);
            }
            ours.fsync();
            theirs.fsync();

            assertSame(get(ours), content);
            assertSame(get(theirs), content);
            assertThat(direct.counters().bytesThroughMds()).isEqualTo(throughMdsBefore);
            assertThat(rival.counters().bytesThroughMds()).isZero();
        }
    }

    @Test
    void a_recalled_layout_of_new_blocks_is_committed_before_it_goes_back() throws IOException {
        byte[] content = randomBytes(new Random(7), 4 * MIB);
        try (PnfsClient rival = PnfsClient.connect(cluster.nfs(), cluster.clientOptions());
                PnfsFile ours = direct.open("/grown", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            ours.write(0, ByteBuffer.wrap(content));

            rival.open("/grown", StandardOpenOption.WRITE).close();
            try (PnfsFile theirs = rival.open("/grown", StandardOpenOption.WRITE)) {
                theirs.write(4 * MIB, ByteBuffer.wrap(filled(BLOCK, 'x')));
                theirs.fsync();
            }

            assertSame(Arrays.copyOf(get(rival, "/grown"), 4 * MIB), content);
            assertThat(rival.counters().bytesThroughMds()).isZero();
        }
    }

    @Test
    void two_opens_of_a_file_in_one_client_share_its_layout() throws IOException {
        byte[] content = filled(8 * BLOCK, 0);
        put(direct, "/twice", content);
        try (PnfsFile one = direct.open("/twice", StandardOpenOption.WRITE)) {
            one.write(0, ByteBuffer.wrap(filled(BLOCK, 1)));
            try (PnfsFile other = direct.open("/twice", StandardOpenOption.WRITE)) {
                other.write(BLOCK, ByteBuffer.wrap(filled(BLOCK, 2)));
            }
            one.write(2 * BLOCK, ByteBuffer.wrap(filled(BLOCK, 3)));
            one.fsync();
        }

        for (int block = 0; block < 3; block++) {
            Arrays.fill(content, block * BLOCK, (block + 1) * BLOCK, (byte) (block + 1));
        }
        assertSame(get(through, "/twice"), content);
    }

    @Test
    void what_was_left_out_is_a_hole_without_storage_and_reads_as_zeros_both_ways() throws IOException {
        byte[] content = randomBytes(new Random(4), 4 * MIB);
        Arrays.fill(content, MIB, 3 * MIB, (byte) 0);

        try (PnfsFile file = direct.open("/sparse", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(0, ByteBuffer.wrap(content, 0, MIB));
            file.write(3 * MIB, ByteBuffer.wrap(content, 3 * MIB, MIB));
            file.fsync();
        }

        assertSame(get(direct, "/sparse"), content);
        assertSame(get(through, "/sparse"), content);
        assertThat(direct.extents("/sparse")).extracting(FileExtent::state).contains(State.HOLE);
    }

    @Test
    void storage_that_was_taken_ahead_of_a_writer_is_given_back_when_it_closes() throws IOException {
        try (PnfsFile file = direct.open("/ahead", StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < 8; i++) {
                file.write((long) i * BLOCK, ByteBuffer.wrap(filled(BLOCK, i)));
            }
        }

        assertThat(direct.extents("/ahead")).extracting(FileExtent::state).containsOnly(State.WRITTEN);
        assertThat(direct.stat("/ahead").spaceUsed()).isEqualTo(8 * BLOCK);
    }

    @Test
    void a_file_that_was_cut_reads_zeros_where_it_grows_again() throws IOException {
        put(direct, "/cut", filled(2 * MIB, 'a'));

        try (PnfsFile file = direct.open("/cut", StandardOpenOption.WRITE)) {
            file.truncate(5000);
            file.write(MIB, ByteBuffer.wrap(filled(10, 'b')));
        }

        byte[] expected = new byte[MIB + 10];
        Arrays.fill(expected, 0, 5000, (byte) 'a');
        Arrays.fill(expected, MIB, MIB + 10, (byte) 'b');
        assertSame(get(direct, "/cut"), expected);
        assertSame(get(through, "/cut"), expected);
    }

    @Seeds(6)
    void writes_of_any_size_anywhere_read_as_if_written_to_an_array(RandomGenerator random) throws IOException {
        String path = "/model-" + random.nextLong();
        var model = new byte[0];
        for (int open = 0; open < 3; open++) {
            try (PnfsFile file = direct.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                for (int step = 0; step < 12; step++) {
                    int offset = random.nextInt(300_000);
                    byte[] data = randomBytes(random, random.nextInt(1, 40_000));
                    file.write(offset, ByteBuffer.wrap(data));
                    model = Arrays.copyOf(model, Math.max(model.length, offset + data.length));
                    System.arraycopy(data, 0, model, offset, data.length);
                    if (random.nextInt(4) == 0) {
                        file.fsync();
                    }
                    if (random.nextInt(4) == 0) {
                        assertSame(get(file), model);
                    }
                }
            }
            assertSame(get(direct, path), model);
            assertSame(get(through, path), model);
        }
    }

    @Test
    void names_are_made_moved_linked_followed_and_removed() throws IOException {
        direct.mkdirs("/a/b/c");
        put(direct, "/a/b/c/file", filled(100, 1));
        direct.symlink("b/c", "/a/short");
        direct.link("/a/b/c/file", "/a/second");
        direct.rename("/a/second", "/a/b/third");

        assertThat(direct.readlink("/a/short")).isEqualTo("b/c");
        assertThat(direct.stat("/a/short").type()).isEqualTo(FileType.SYMLINK);
        assertSame(get(direct, "/a/short/file"), filled(100, 1));
        assertThat(direct.stat("/a/b/third").links()).isEqualTo(2);
        assertThat(direct.list("/a/b")).extracting(DirectoryEntry::name).containsExactlyInAnyOrder("c", "third");

        direct.remove("/a/b/third");
        direct.remove("/a/b/c/file");
        direct.remove("/a/b/c");
        assertThat(direct.list("/a/b")).isEmpty();
        assertThatThrownBy(() -> direct.stat("/a/b/c"))
                .isInstanceOfSatisfying(
                        PnfsException.class, e -> assertThat(e.status()).isEqualTo(NfsStatus.NOENT));
    }

    @Test
    void many_entries_of_a_directory_come_in_several_answers_and_each_once() throws IOException {
        direct.mkdir("/many");
        for (int i = 0; i < 700; i++) {
            direct.mkdir("/many/an-entry-with-a-rather-long-name-" + i);
        }

        List<DirectoryEntry> entries = direct.list("/many");

        assertThat(entries).hasSize(700).extracting(DirectoryEntry::name).doesNotHaveDuplicates();
    }
}
