package pnfs.it.demo;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import pnfs.client.ClientOptions;
import pnfs.client.ClusterStatus;
import pnfs.client.ClusterStatus.DataServer;
import pnfs.client.ClusterStatus.Traffic;
import pnfs.client.Counters;
import pnfs.client.FileCopy;
import pnfs.client.FileExtent;
import pnfs.client.FileExtent.State;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;
import pnfs.client.cli.Bytes;
import pnfs.client.cli.ExtentsTable;
import pnfs.it.process.Cluster;
import pnfs.layout.extent.ByteRange;

/// The steps of the demo on a cluster that stands. What does not hold is said and remembered; the steps go on,
/// so that one run shows everything that is wrong. Confined to one thread.
final class DemoRun {
    private static final String BIG = "/modules";
    private static final String SMALL = "/jdk";
    private static final String SPARSE = "/sparse";
    private static final String INTERRUPTED = "/modules-copied-while-killed";
    private static final int MIB = 1 << 20;
    /// Neither end on a block.
    private static final ByteRange OVERWRITTEN = ByteRange.ofLength(40L * MIB + 1234, 3 * MIB + 777);

    private static final ByteRange HOLE = new ByteRange(2 * MIB, 6 * MIB);
    private static final int SPARSE_BYTES = 8 * MIB;
    private static final int EXTENTS_SHOWN = 12;
    private static final Duration HEARTBEAT_LIMIT = Duration.ofSeconds(15);
    private static final Duration HEARTBEAT_POLL = Duration.ofMillis(100);

    private final Cluster cluster;
    private final Timeline timeline;
    private final PrintStream out;
    private final Random random = new Random(1);
    /// Every file that was committed, and what it must hold.
    private final Map<String, String> expected = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private boolean sha256Match = true;
    private int restarts;

    DemoRun(Cluster cluster, Timeline timeline, PrintStream out) {
        this.cluster = cluster;
        this.timeline = timeline;
        this.out = out;
    }

    DemoResult run() throws IOException {
        SampleFiles samples = SampleFiles.ofThisJdk();
        ClientOptions layouts = cluster.clientOptions().withEvents(timeline);
        try (PnfsClient direct = PnfsClient.connect(cluster.nfs(), layouts);
                PnfsClient through = PnfsClient.connect(
                        cluster.nfs(), cluster.clientOptions().throughMds())) {
            timeline.titles();
            writeBig(direct, samples.big());
            writeSmall(direct, samples);
            showExtents(direct);
            checkDataServers(direct, samples.big());
            readBack("read, layouts", direct);
            readBack("read, through MDS", through);
            overwrite(direct, samples.big());
            makeHole(direct);
            readBack("read changed, layouts", direct);
            readBack("read changed, through MDS", through);
            writeWhileMdsIsKilled(direct, samples.big());
            readBack("read after kill -9", direct);
            try (PnfsClient fresh = PnfsClient.connect(cluster.nfs(), layouts)) {
                readBack("read, new client", fresh);
            }
            return result(direct);
        }
    }

    private void writeBig(PnfsClient client, Path file) throws IOException {
        timeline.step("write lib/modules");
        expected.put(BIG, Sha256.of(file));
        long start = System.nanoTime();
        long bytes = FileCopy.in(file, client, BIG, step -> {});
        said("wrote " + file + " as " + BIG, 1, bytes, start);
    }

    private void writeSmall(PnfsClient client, SampleFiles samples) throws IOException {
        timeline.step("write small files");
        long start = System.nanoTime();
        long bytes = 0;
        for (Path file : samples.small()) {
            String target = samples.target(SMALL, file);
            client.mkdirs(target.substring(0, target.lastIndexOf('/')));
            bytes += FileCopy.in(file, client, target, step -> {});
            expected.put(target, Sha256.of(file));
        }
        said("wrote folders of the JDK below " + SMALL, samples.small().size(), bytes, start);
    }

    private void readBack(String step, PnfsClient client) throws IOException {
        timeline.step(step);
        long start = System.nanoTime();
        long bytes = 0;
        for (Map.Entry<String, String> entry : expected.entrySet()) {
            try (PnfsFile file = client.open(entry.getKey(), StandardOpenOption.READ)) {
                bytes += file.size();
                if (!Sha256.of(file).equals(entry.getValue())) {
                    sha256Match = false;
                    failed(step + ": " + entry.getKey() + " is not what was written");
                }
            }
        }
        said(step + ": SHA-256 of all files compared", expected.size(), bytes, start);
    }

    private void showExtents(PnfsClient client) throws IOException {
        List<FileExtent> extents = client.extents(BIG);
        timeline.say("extents of " + BIG + ": " + extents.size());
        out.print(ExtentsTable.of(extents.subList(0, Math.min(extents.size(), EXTENTS_SHOWN))));
    }

    /// Both data servers have taken bytes, and the bytes of the file are in the files behind their regions.
    private void checkDataServers(PnfsClient client, Path source) throws IOException {
        long inPlace = RegionBytes.inPlace(cluster, client.extents(BIG), source);
        timeline.say(Bytes.human(inPlace) + " of " + BIG + " found in the files of the regions, byte for byte");
        check(inPlace == Files.size(source), BIG + " differs from byte " + inPlace + " on in the regions");
        for (DataServer server : afterHeartbeat(client).dataServers()) {
            Traffic written = server.regions().getFirst().written();
            timeline.say(server.name() + " has taken " + Bytes.human(written.bytes()) + " in " + written.commands()
                    + " writes");
            check(written.bytes() > 0, server.name() + " has taken no bytes");
        }
    }

    /// Data servers tell what they have moved with their heartbeats.
    private static ClusterStatus afterHeartbeat(PnfsClient client) throws IOException {
        long deadline = System.nanoTime() + HEARTBEAT_LIMIT.toNanos();
        while (true) {
            ClusterStatus status = client.status();
            boolean told = status.dataServers().stream()
                    .allMatch(server -> server.regions().getFirst().written().bytes() > 0);
            if (told || System.nanoTime() > deadline) {
                return status;
            }
            LockSupport.parkNanos(HEARTBEAT_POLL.toNanos());
        }
    }

    private void overwrite(PnfsClient client, Path source) throws IOException {
        timeline.step("overwrite in place");
        List<FileExtent> before = client.extents(BIG);
        byte[] whole = Files.readAllBytes(source);
        var patch = new byte[(int) OVERWRITTEN.length()];
        random.nextBytes(patch);
        System.arraycopy(patch, 0, whole, (int) OVERWRITTEN.offset(), patch.length);
        long start = System.nanoTime();
        try (PnfsFile file = client.open(BIG, StandardOpenOption.WRITE)) {
            file.write(OVERWRITTEN.offset(), ByteBuffer.wrap(patch));
            file.fsync();
        }
        expected.put(BIG, Sha256.of(whole));
        said("overwrote " + OVERWRITTEN + " of " + BIG, 1, patch.length, start);
        check(client.extents(BIG).equals(before), "an overwrite moved extents of " + BIG);
    }

    private void makeHole(PnfsClient client) throws IOException {
        timeline.step("hole");
        var whole = new byte[SPARSE_BYTES];
        random.nextBytes(whole);
        long start = System.nanoTime();
        try (PnfsFile file = client.open(SPARSE, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(0, ByteBuffer.wrap(whole, 0, (int) HOLE.offset()));
            file.write(HOLE.end(), ByteBuffer.wrap(whole, (int) HOLE.end(), SPARSE_BYTES - (int) HOLE.end()));
            file.fsync();
        }
        Arrays.fill(whole, (int) HOLE.offset(), (int) HOLE.end(), (byte) 0);
        expected.put(SPARSE, Sha256.of(whole));
        said("wrote " + SPARSE + " and left out " + HOLE, 1, SPARSE_BYTES - HOLE.length(), start);
        for (FileExtent extent : client.extents(SPARSE)) {
            check(
                    extent.state() == State.HOLE || !extent.file().overlaps(HOLE),
                    SPARSE + " has storage in its hole: " + extent);
        }
    }

    /// The copy has an open file, layouts and writes that are not committed when the server dies, and knows
    /// nothing of it.
    private void writeWhileMdsIsKilled(PnfsClient client, Path file) throws IOException {
        timeline.step("kill -9 in mid-copy");
        expected.put(INTERRUPTED, Sha256.of(file));
        long killAt = Files.size(file) / 2;
        long start = System.nanoTime();
        var copied = new AtomicLong();
        var restarted = new AtomicReference<@Nullable CompletableFuture<Void>>();
        long bytes = FileCopy.in(file, client, INTERRUPTED, step -> {
            if (copied.addAndGet(step) >= killAt && restarted.get() == null) {
                cluster.mds().kill();
                timeline.say(
                        "killed the metadata server with kill -9, " + Bytes.human(copied.get()) + " into the copy");
                restarted.set(CompletableFuture.runAsync(this::restartMds));
            }
        });
        requireNonNull(restarted.get(), "half of a file was copied").join();
        said("wrote " + file + " as " + INTERRUPTED + " through the kill", 1, bytes, start);
    }

    private void restartMds() {
        long start = System.nanoTime();
        try {
            cluster.restartMds();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        restarts++;
        timeline.say(String.format("metadata server ready again after %.2f s", (System.nanoTime() - start) / 1e9));
    }

    private DemoResult result(PnfsClient client) throws IOException {
        Counters counters = client.counters();
        long unwritten = unwrittenBytes(client);
        check(counters.bytesThroughMds() == 0, "layout copies went through the metadata server");
        check(unwritten == 0, unwritten + " unwritten bytes are left");
        failures.forEach(failure -> out.println("FAILED: " + failure));
        return new DemoResult(
                failures.isEmpty(),
                counters.bytesDirect(),
                counters.bytesThroughMds(),
                sha256Match,
                counters.layoutgets(),
                counters.layoutcommits(),
                unwritten,
                restarts,
                restarts > 0);
    }

    private long unwrittenBytes(PnfsClient client) throws IOException {
        long bytes = 0;
        for (String path : expected.keySet()) {
            bytes += client.extents(path).stream()
                    .filter(extent -> extent.state() == State.UNWRITTEN)
                    .mapToLong(extent -> extent.file().length())
                    .sum();
        }
        return bytes;
    }

    private void check(boolean holds, String otherwise) {
        if (!holds) {
            failed(otherwise);
        }
    }

    private void failed(String what) {
        failures.add(what);
        timeline.say("FAILED: " + what);
    }

    private void said(String what, int files, long bytes, long startNanos) {
        Duration time = Duration.ofNanos(System.nanoTime() - startNanos);
        timeline.say(String.format(
                "%s: %d files, %s in %.2f s, %s",
                what, files, Bytes.human(bytes), time.toNanos() / 1e9, Bytes.rate(bytes, time)));
    }
}
