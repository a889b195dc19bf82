package pnfs.ds.region;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.layout.device.DiskSignature;
import pnfs.layout.device.RegionId;
import pnfs.testing.Seeds;
import pnfs.wire.xdr.Opaque;

class RegionFileTest {
    private static final RegionHeader HEADER = RegionHeader.of(new UUID(0x1122, 0x3344), 4096, 1 << 20);

    @TempDir
    Path folder;

    private Path formatted() throws IOException {
        Path path = folder.resolve("region");
        RegionFile.format(path, HEADER, IfPresent.REFUSE, written -> {});
        return path;
    }

    private static Region open(Path path) throws IOException {
        return RegionFile.open(path, new SimpleMeterRegistry());
    }

    private static void overwrite(Path path, long at, byte... bytes) throws IOException {
        try (var file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            assertThat(file.write(ByteBuffer.wrap(bytes), at)).isEqualTo(bytes.length);
        }
    }

    private static byte[] page(Path path, long at) throws IOException {
        var page = ByteBuffer.allocate(RegionHeader.BYTES);
        try (var file = FileChannel.open(path)) {
            assertThat(file.read(page, at)).isEqualTo(RegionHeader.BYTES);
        }
        return page.array();
    }

    @Test
    void a_new_region_reads_zero_behind_its_signature_and_keeps_what_it_was_made_with() throws IOException {
        Path path = formatted();
        Opaque signature = DiskSignature.of(new RegionId(HEADER.uuid()));

        try (Region region = open(path)) {
            assertThat(region.header()).isEqualTo(HEADER);
            assertThat(region.view(0, 1 << 20))
                    .isEqualTo(ByteBuffer.allocate(1 << 20).put(0, signature.toByteArray()));
        }
    }

    @Test
    void format_tells_its_progress_up_to_the_whole_file() throws IOException {
        var told = new ArrayList<Long>();

        RegionFile.format(folder.resolve("region"), HEADER, IfPresent.REFUSE, told::add);

        assertThat(told).isSorted().last().isEqualTo(HEADER.fileBytes());
        assertThat(folder.resolve("region")).hasSize(HEADER.fileBytes());
    }

    @Test
    void what_was_persisted_is_there_when_the_region_is_opened_again() throws Exception {
        Path path = formatted();
        var durable = new CompletableFuture<Boolean>();
        try (Region region = open(path)) {
            region.write(4096, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            region.persist(4096, 3, durable::complete);
        }

        try (Region region = open(path)) {
            assertThat(durable).isCompletedWithValue(true);
            assertThat(region.view(4095, 5)).isEqualTo(ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 0}));
        }
    }

    @Test
    void format_refuses_a_file_that_is_there_and_leaves_it_alone() throws IOException {
        Path path = folder.resolve("letters");
        Files.writeString(path, "keep me");

        assertThatThrownBy(() -> RegionFile.format(path, HEADER, IfPresent.REFUSE, written -> {}))
                .isInstanceOf(RegionException.class)
                .hasMessageContaining("letters exists (7 bytes)")
                .hasMessageContaining("--force");
        assertThat(path).hasContent("keep me");
    }

    @Test
    void format_overwrites_when_told_to() throws IOException {
        Path path = formatted();
        overwrite(path, RegionHeader.DATA_OFFSET + 4096, (byte) 9);
        var other = RegionHeader.of(new UUID(5, 6), 512, 2 << 20);

        RegionFile.format(path, other, IfPresent.OVERWRITE, written -> {});

        try (Region region = open(path)) {
            assertThat(region.header()).isEqualTo(other);
            assertThat(region.view(4096, 1).get()).isZero();
        }
    }

    @Test
    void format_refuses_to_overwrite_a_region_in_use() throws IOException {
        Path path = formatted();

        try (Region region = open(path)) {
            assertThatThrownBy(() -> RegionFile.format(path, HEADER, IfPresent.OVERWRITE, written -> {}))
                    .hasMessageContaining("is in use: stop the data server");
            assertThat(region.view(0, 1).get()).isEqualTo((byte) 'p');
        }
    }

    @Test
    void format_refuses_folders_missing_folders_and_what_does_not_fit() {
        var huge = RegionHeader.of(new UUID(1, 2), 4096, RegionHeader.MAX_SIZE_BYTES);

        assertThatThrownBy(() -> RegionFile.format(folder, HEADER, IfPresent.OVERWRITE, written -> {}))
                .hasMessageContaining("is not a regular file: name a file");
        assertThatThrownBy(() -> RegionFile.format(folder.resolve("a/b"), HEADER, IfPresent.REFUSE, written -> {}))
                .hasMessageContaining("no folder");
        assertThatThrownBy(() -> RegionFile.format(folder.resolve("c"), huge, IfPresent.REFUSE, written -> {}))
                .hasMessageContaining("choose a smaller --size");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void an_interrupted_format_leaves_no_region() throws IOException {
        Path path = formatted();

        assertThatThrownBy(() -> RegionFile.format(path, HEADER, IfPresent.OVERWRITE, written -> {
                    throw new IllegalStateException("power cut");
                }))
                .hasMessage("power cut");

        assertThatThrownBy(() -> open(path)).hasMessageContaining("is not a region");
    }

    @Test
    void a_missing_region_is_refused_with_the_command_that_makes_one() {
        assertThatThrownBy(() -> open(folder.resolve("none"))).hasMessageContaining("make one with 'pnfs format");
    }

    @Test
    void a_region_in_use_is_refused() throws IOException {
        Path path = formatted();

        try (Region first = open(path)) {
            assertThat(first.sizeBytes()).isEqualTo(1 << 20);
            assertThatThrownBy(() -> open(path)).hasMessageContaining("is in use: stop the data server");
        }
        open(path).close();
    }

    @Test
    void a_file_of_something_else_is_refused() throws IOException {
        Path path = folder.resolve("novel");
        Files.writeString(path, "It was a dark and stormy night.");

        assertThatThrownBy(() -> open(path)).hasMessageContaining("is not a region: name another file");
    }

    @Test
    void a_region_of_another_version_is_refused_by_its_number() throws IOException {
        Path path = formatted();
        overwrite(path, 11, (byte) 7);
        overwrite(path, RegionHeader.COPY_OFFSET + 11, (byte) 7);

        assertThatThrownBy(() -> open(path))
                .hasMessageContaining("is a region of version 7 and this server knows version 1: use the release");
    }

    @Test
    void a_region_that_was_cut_off_is_refused() throws IOException {
        Path path = formatted();
        try (var file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            file.truncate(HEADER.journalOffset() - 1);
        }

        assertThatThrownBy(() -> open(path)).hasMessageContaining("is cut off: 2097151 bytes of 2097152; restore it");
    }

    @Test
    void a_region_without_a_journal_gets_one() throws IOException {
        Path path = formatted();
        try (var file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            file.truncate(HEADER.journalOffset());
        }

        var told = new CompletableFuture<Boolean>();
        try (Region region = open(path)) {
            region.writeAtomic(4096, ByteBuffer.allocate(Journal.MAX_BYTES - 4096), told::complete);
            assertThat(told.join()).isTrue();
        }

        assertThat(path).hasSize(HEADER.fileBytes());
    }

    @Test
    void a_write_that_a_crash_has_interrupted_is_done_again_once() throws IOException {
        Path path = formatted();
        var record = new byte[RegionHeader.JOURNAL_BYTES];
        var journal = new Journal(MemorySegment.ofArray(record), InlinePersistence.none());
        var interrupted = new byte[RegionHeader.JOURNAL_BYTES];
        journal.write(
                8192,
                ByteBuffer.allocate(4096).putInt(0, 0x55667788),
                (at, bytes) -> {
                    System.arraycopy(record, 0, interrupted, 0, record.length);
                    return true;
                },
                InlinePersistence.none(),
                durable -> {});
        try (var file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(interrupted), HEADER.journalOffset());
        }

        try (Region region = open(path)) {
            assertThat(region.view(8192, 4096).getInt()).isEqualTo(0x55667788);
            region.write(8192, ByteBuffer.allocate(4096));
        }
        try (Region region = open(path)) {
            assertThat(region.view(8192, 4096).getInt())
                    .as("a later write is not undone")
                    .isZero();
        }
    }

    @Test
    void a_header_damaged_on_both_pages_is_refused() throws IOException {
        Path path = formatted();
        overwrite(path, 60, (byte) 1);
        overwrite(path, RegionHeader.COPY_OFFSET + 60, (byte) 1);

        assertThatThrownBy(() -> open(path)).hasMessageContaining("has a damaged header (its checksum does not match)");
    }

    @Seeds(40)
    void one_damaged_header_is_repaired_from_the_other(RandomGenerator random) throws IOException {
        Path path = formatted();
        long at = random.nextBoolean() ? 0 : RegionHeader.COPY_OFFSET;
        int victim = random.nextInt(RegionHeader.BYTES);
        byte was = page(path, at)[victim];
        overwrite(path, at + victim, (byte) (was ^ (1 + random.nextInt(255))));

        try (Region region = open(path)) {
            assertThat(region.header()).isEqualTo(HEADER);
        }
        assertThat(page(path, at)).isEqualTo(HEADER.toPage().array());
        Files.delete(path);
    }

    private static final ByteBuffer ONE = ByteBuffer.allocateDirect(4096);

    @Test
    void a_page_that_fails_is_a_failed_command_and_not_a_crash() throws IOException {
        Path path = formatted();
        try (Region region = open(path);
                var file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            // Hot code is where a fault is told late, if anywhere.
            for (int i = 0; i < 30_000; i++) {
                assertThat(region.readable(i & 0xffff, 1 + (i & 0xfff)) && region.write(i & 0xffff, ONE, 0, 512))
                        .isTrue();
            }
            // Pages past the end of a file raise what an uncorrectable memory error raises.
            file.truncate(RegionHeader.DATA_OFFSET + 8192);

            for (int length : new int[] {1, 128, 129, 4096, 4097, 65_536}) {
                assertThat(region.readable(65_536, length)).isFalse();
                assertThat(region.write(65_536, ByteBuffer.allocate(Math.max(length, 512))))
                        .isFalse();
            }
            assertThat(region.readable(4096, 8192)).isFalse();
            assertThat(region.readable(0, 8192)).isTrue();
            assertThat(region.write(4096, ByteBuffer.allocate(4096))).isTrue();
        }
    }
}
