package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.cli.Table;
import pnfs.ds.region.Durability;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;

/// `pnfs bench region`: what it costs to store bytes in a region and have them durable, and to fetch them, with
/// each kind of durability that a folder of this machine offers. In this process, one writer, without a
/// network.
@Command(
        name = "region",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Time of a durable 4 KiB write and GB/s of 1 MiB writes and reads, for each kind of durability.")
public final class RegionBench implements Callable<Integer> {
    private static final long REGION_BYTES = 64 << 20;
    private static final int SMALL_BYTES = 4 << 10;
    private static final int LARGE_BYTES = 1 << 20;
    private static final int DEEP = 32;
    private static final ByteBuffer PAYLOAD = ByteBuffer.allocateDirect(LARGE_BYTES);
    private static final ByteBuffer FETCHED = ByteBuffer.allocateDirect(LARGE_BYTES);

    @Option(
            names = "--folder",
            paramLabel = "FOLDER",
            description =
                    "Where to make a region for the measurement; repeat it for more. Durability is what its file system"
                            + " offers (default: the folder for temporary files, and /dev/shm).")
    private List<Path> folders = List.of();

    @Option(
            names = "--millis",
            paramLabel = "N",
            defaultValue = "1000",
            description = "How long each figure is measured, after as long a warm-up (default: ${DEFAULT-VALUE}).")
    private int millis;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    /// Figures of one kind of durability; null where no folder offers it.
    ///
    /// @param write4kMicros from the store to durable, one at a time
    /// @param write4kDeepMicros the same a write, with 32 under way
    /// @param writeGbPerSecond 1 MiB each, one at a time
    /// @param readGbPerSecond 1 MiB each, copied out
    public record Figures(
            @JsonProperty("durability") String durability,
            @JsonProperty("folder") @Nullable String folder,
            @JsonProperty("write_4k_us") @Nullable Double write4kMicros,
            @JsonProperty("write_4k_depth_32_us") @Nullable Double write4kDeepMicros,
            @JsonProperty("write_gb_per_s") @Nullable Double writeGbPerSecond,
            @JsonProperty("read_gb_per_s") @Nullable Double readGbPerSecond) {
        static Figures unavailable(Durability durability) {
            return new Figures(durability.name(), null, null, null, null, null);
        }
    }

    /// All kinds, in the order of [Durability].
    public record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("durabilities") List<Figures> durabilities) {}

    /// Measures in the folders given; those that are not there are passed over.
    public static Report run(List<Path> folders, Duration each) throws IOException {
        var measured = new ArrayList<Figures>();
        for (Path folder : folders) {
            if (Files.isDirectory(folder)) {
                measured.add(measure(folder, each));
            }
        }
        for (Durability durability : Durability.values()) {
            if (measured.stream().noneMatch(figures -> figures.durability().equals(durability.name()))) {
                measured.add(Figures.unavailable(durability));
            }
        }
        return new Report("region", List.copyOf(measured));
    }

    private static Figures measure(Path folder, Duration each) throws IOException {
        Path path = Files.createTempFile(folder, "pnfs-bench", ".region");
        try {
            var header = RegionHeader.of(UUID.randomUUID(), 4096, REGION_BYTES);
            RegionFile.format(path, header, IfPresent.OVERWRITE, written -> {});
            try (Region region = RegionFile.open(path, new SimpleMeterRegistry())) {
                double small = nanosEach(each, at -> write(region, at, SMALL_BYTES, 1), SMALL_BYTES);
                double deep = nanosEach(each, at -> write(region, at, SMALL_BYTES, DEEP), DEEP * SMALL_BYTES) / DEEP;
                double large = nanosEach(each, at -> write(region, at, LARGE_BYTES, 1), LARGE_BYTES);
                double read = nanosEach(each, at -> read(region, at), LARGE_BYTES);
                return new Figures(
                        region.durability().name(),
                        folder.toString(),
                        rounded(small / 1000),
                        rounded(deep / 1000),
                        rounded(LARGE_BYTES / large),
                        rounded(LARGE_BYTES / read));
            }
        } finally {
            Files.deleteIfExists(path);
        }
    }

    /// Does a thing at one place after the other until the time is over, twice; the second time counts.
    private static double nanosEach(Duration time, Work work, int stepBytes) {
        double nanos = 0;
        for (int pass = 0; pass < 2; pass++) {
            long began = System.nanoTime();
            long end = began + time.toNanos();
            long done = 0;
            for (long at = 0; System.nanoTime() < end; at = (at + stepBytes) % REGION_BYTES) {
                work.at(at);
                done++;
            }
            nanos = (double) (System.nanoTime() - began) / done;
        }
        return nanos;
    }

    private interface Work {
        void at(long offset);
    }

    /// Writes `count` pieces side by side and waits until all are durable.
    private static void write(Region region, long offset, int bytes, int count) {
        var durable = new Semaphore(0);
        var failed = new AtomicBoolean();
        for (int i = 0; i < count; i++) {
            long at = offset + (long) i * bytes;
            region.write(at, PAYLOAD.duplicate().limit(bytes));
            region.persist(at, bytes, good -> {
                if (!good) {
                    failed.set(true);
                }
                durable.release();
            });
        }
        durable.acquireUninterruptibly(count);
        if (failed.get()) {
            throw new IllegalStateException("the medium failed");
        }
    }

    private static void read(Region region, long offset) {
        if (!region.readable(offset, LARGE_BYTES)) {
            throw new IllegalStateException("the medium failed");
        }
        FETCHED.clear().put(region.view(offset, LARGE_BYTES));
    }

    private static double rounded(double figure) {
        return Math.round(figure * 100) / 100.0;
    }

    @Override
    public Integer call() throws IOException {
        List<Path> where = folders.isEmpty()
                ? List.of(Path.of(System.getProperty("java.io.tmpdir")), Path.of("/dev/shm"))
                : folders;
        Report report = run(where, Duration.ofMillis(millis));
        if (json) {
            Json.print(report);
            return 0;
        }
        var table = new Table("DURABILITY", "FOLDER", ">4 KIB US", ">4 KIB US AT 32", ">WRITE GB/S", ">READ GB/S");
        for (Figures figures : report.durabilities()) {
            table.row(
                    figures.durability(),
                    figures.folder() == null ? "no folder offers it" : figures.folder(),
                    text(figures.write4kMicros()),
                    text(figures.write4kDeepMicros()),
                    text(figures.writeGbPerSecond()),
                    text(figures.readGbPerSecond()));
        }
        System.out.print(table);
        return 0;
    }

    private static String text(@Nullable Double figure) {
        return figure == null ? "-" : String.format(Locale.ROOT, "%.2f", figure);
    }
}
