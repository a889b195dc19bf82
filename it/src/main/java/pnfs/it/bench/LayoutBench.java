package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.cli.Table;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.GrantOutcome;
import pnfs.layout.grant.Iomode;
import pnfs.layout.grant.LayoutFile;
import pnfs.layout.grant.LayoutLimits;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Requester;
import pnfs.layout.grant.Return;
import pnfs.layout.grant.Want;
import pnfs.layout.space.Space;
import pnfs.wire.xdr.Opaque;

/// `pnfs bench layout`: what an extent costs in memory, and what a lookup and a LAYOUTGET cost in files of few
/// and of many extents. In this process, on one core, without a network and a store.
@Command(
        name = "layout",
        mixinStandardHelpOptions = true,
        description = "Heap of an extent, time of a lookup, LAYOUTGETs a second, for files of 10 to 1,000,000 extents.")
public final class LayoutBench implements Callable<Integer> {
    private static final int[] SIZES = {10, 10_000, 1_000_000};
    /// So many extents are kept at once when their heap is weighed, and when lookups go all over the server.
    private static final int ALL_EXTENTS = 1_000_000;

    private static final int WARM_UPS = 3;
    private static final int LOOKUPS = 1_000_000;
    private static final int LOOKUP_RUNS = 15;
    private static final int LAYOUTGETS = 200_000;
    private static final int BLOCK = ByteRange.BLOCK_BYTES;
    /// Every second block, so that neighbours never join.
    private static final long STRIDE = 2L * BLOCK;

    private static final DeviceId DEVICE = new DeviceId(1, 1, 1);
    private static final Requester CLIENT = new Requester(1, 1024);

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    /// What was found for files of `extents` extents.
    private record Row(
            @JsonProperty("extents") int extents,
            @JsonProperty("heap_bytes_per_extent") double heapBytes,
            @JsonProperty("lookup_nanos") double lookupNanos,
            @JsonProperty("lookup_nanos_among_1e6") double lookupNanosAmongAll,
            @JsonProperty("layoutgets_per_second") long layoutgets) {}

    private record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("files") List<Row> rows,
            @JsonProperty("lookup_1e6_over_1e4") double lookupRatio,
            @JsonProperty("lookup_1e6_over_1e4_in_cache") double lookupRatioInCache) {}

    @Override
    public Integer call() throws IOException {
        List<Row> rows = IntStream.of(SIZES).mapToObj(LayoutBench::measure).toList();
        double ratio = rows.get(2).lookupNanosAmongAll() / rows.get(1).lookupNanosAmongAll();
        double ratioInCache = rows.get(2).lookupNanos() / rows.get(1).lookupNanos();
        if (json) {
            Json.print(new Report("layout", rows, ratio, ratioInCache));
            return 0;
        }
        var table = new Table(">EXTENTS", ">HEAP BYTES/EXTENT", ">LOOKUP NS", ">AMONG 10^6 NS", ">LAYOUTGET/S");
        for (Row row : rows) {
            table.row(
                    Integer.toString(row.extents()),
                    String.format(Locale.ROOT, "%.1f", row.heapBytes()),
                    String.format(Locale.ROOT, "%.0f", row.lookupNanos()),
                    String.format(Locale.ROOT, "%.0f", row.lookupNanosAmongAll()),
                    Long.toString(row.layoutgets()));
        }
        System.out.print(table);
        System.out.printf(
                Locale.ROOT,
                "lookup at 10^6 over 10^4 extents: %.2f among 10^6 extents, %.2f in a file alone%n",
                ratio,
                ratioInCache);
        return 0;
    }

    /// Lookups in one file show what the search costs, but a small file then lies in the processor's cache and a
    /// big one does not. Among files that hold a million extents together, whatever the size of each, all wait
    /// for the same memory: what a file of many extents costs a server that has many extents.
    private static Row measure(int extents) {
        var files = new ArrayList<ExtentMap>();
        double heap = heapBytesPerExtent(extents, files);
        double amongAll = lookupNanos(files, extents);
        List<ExtentMap> alone = files.subList(0, 1);
        return new Row(
                extents, heap, lookupNanos(alone, extents), amongAll, layoutgetsPerSecond(alone.getFirst(), extents));
    }

    private static ExtentMap file(int extents) {
        return ExtentMap.restore(() -> IntStream.range(0, extents)
                .mapToObj(i -> new Extent(
                        DEVICE, ByteRange.ofLength(i * STRIDE, BLOCK), i * STRIDE, ExtentState.READ_WRITE_DATA))
                .iterator());
    }

    private static double heapBytesPerExtent(int extents, List<ExtentMap> files) {
        long before = usedHeap();
        for (int i = 0; i < ALL_EXTENTS / extents; i++) {
            files.add(file(extents));
        }
        return (double) (usedHeap() - before) / ALL_EXTENTS;
    }

    private static long usedHeap() {
        for (int i = 0; i < WARM_UPS; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static double lookupNanos(List<ExtentMap> files, int extents) {
        var random = new Random(1);
        ExtentMap[] maps =
                random.ints(LOOKUPS, 0, files.size()).mapToObj(files::get).toArray(ExtentMap[]::new);
        long[] offsets = random.longs(LOOKUPS, 0, extents).map(i -> i * STRIDE).toArray();
        double best = Double.MAX_VALUE;
        for (int run = 0; run < LOOKUP_RUNS; run++) {
            long found = 0;
            long start = cpuNanos();
            for (int i = 0; i < LOOKUPS; i++) {
                found += maps[i].lookup(offsets[i]) == null ? 0 : 1;
            }
            long nanos = cpuNanos() - start;
            if (found != LOOKUPS) {
                throw new IllegalStateException("found " + found + " of " + LOOKUPS);
            }
            best = Math.min(best, (double) nanos / LOOKUPS);
        }
        return best;
    }

    /// CPU time and not the clock's, because others may use this machine too.
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /// A client asks for one block to read and gives it back.
    private static long layoutgetsPerSecond(ExtentMap map, int extents) {
        var volume = new Volume(
                DEVICE, new Scsi(new RegionId(new UUID(0, 1)), 1L << 40, Designator.naa(Opaque.of(new byte[16]))));
        var manager = new LayoutManager(LayoutLimits.DEFAULT, new Space(), new Placement(1 << 30, List.of(volume)), 1);
        var file = new LayoutFile(1, extents * STRIDE, map);
        long best = 0;
        for (int run = 0; run < WARM_UPS; run++) {
            var random = new Random(run);
            long start = cpuNanos();
            for (int i = 0; i < LAYOUTGETS; i++) {
                getAndReturn(manager, file, random.nextLong(extents) * STRIDE);
            }
            best = Math.max(best, LAYOUTGETS * 1_000_000_000L / (cpuNanos() - start));
        }
        return best;
    }

    private static void getAndReturn(LayoutManager manager, LayoutFile file, long offset) {
        var want = new Want(LayoutType.SCSI, Iomode.READ, offset, BLOCK, BLOCK, 4096);
        if (!(manager.grant(file, CLIENT, Optional.empty(), want) instanceof GrantOutcome.Granted granted)) {
            throw new IllegalStateException("no layout at " + offset);
        }
        manager.giveBack(file, CLIENT, new Return(LayoutType.SCSI, granted.stateid(), Iomode.ANY, 0, -1));
    }
}
