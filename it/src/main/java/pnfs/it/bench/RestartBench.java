package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.cli.Table;
import pnfs.it.process.Cluster;
import pnfs.it.process.Folders;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.xdr.Opaque;

/// `pnfs bench restart`: how long nobody is served when the metadata server is killed. The files are made through
/// the server, each with storage of its own, and some are removed again, so that free space is in pieces. What
/// is measured ends with the answer to a GETATTR on a session that was made after the restart.
@Command(
        name = "restart",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Time from the start of a metadata server that was killed to its first answer, beside that of"
                + " one whose store is empty.")
public final class RestartBench implements Callable<Integer> {
    private static final int MAKERS = 32;
    /// For so many files that stay one is removed.
    private static final int ONE_REMOVED_A = 10;
    /// With SEQUENCE, PUTFH and SAVEFH what a session of ours takes.
    private static final int FILES_A_COMPOUND = 3;

    private static final int FILES_A_DIRECTORY = 1_000;
    private static final Duration CONNECT_POLL = Duration.ofMillis(1);
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("maker"));
    private static final FileRange ONE_BLOCK = FileRange.of(0, ByteRange.BLOCK_BYTES);

    @Option(names = "--files", paramLabel = "N", defaultValue = "1000000", description = "Default: ${DEFAULT-VALUE}.")
    private int files;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            defaultValue = "5",
            description = "Restarts of each store; the median counts (default: ${DEFAULT-VALUE}).")
    private int restarts;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    /// @param restartMillis of the store with the files; the first of them after all of them were made
    /// @param emptyMillis of a store without any: what the JVM, its classes and an empty store take
    private record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("files") int files,
            @JsonProperty("restart_ms") long restartMillis,
            @JsonProperty("first_restart_ms") long firstMillis,
            @JsonProperty("empty_restart_ms") long emptyMillis) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Long> empty = measure(0);
        List<Long> full = measure(files);
        report(new Report("restart", files, median(full), full.getFirst(), median(empty)));
        return 0;
    }

    private static long median(List<Long> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }

    /// Milliseconds of each restart of a cluster with so many files.
    private List<Long> measure(int count) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("pnfs-bench-restart");
        long bytes = Math.ceilDiv(count * 12L, 10) * ByteRange.BLOCK_BYTES + (64 << 20);
        try (Cluster cluster = Cluster.start(folder, new Cluster.Shape(1, bytes))) {
            makeFiles(cluster.nfs(), count);
            var millis = new ArrayList<Long>();
            for (int i = 0; i < restarts; i++) {
                millis.add(restart(cluster));
            }
            return millis;
        } finally {
            Folders.delete(folder);
        }
    }

    private static long restart(Cluster cluster) throws IOException, InterruptedException {
        InetSocketAddress address = cluster.nfs();
        cluster.mds().kill();
        long start = System.nanoTime();
        CompletableFuture<Void> ready = CompletableFuture.runAsync(() -> {
            try {
                cluster.restartMds();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        try (var network = new NioNetwork(1, System::nanoTime)) {
            BenchClient.begin(await(network, address, ready), 1).ask(new PutRootFhArgs(), MdsOperation.GET_ATTRIBUTES);
            long nanos = System.nanoTime() - start;
            ready.join();
            return Duration.ofNanos(nanos).toMillis();
        }
    }

    /// Knocks until somebody opens.
    private static RpcConnection await(NioNetwork network, InetSocketAddress server, Future<Void> starting)
            throws IOException, InterruptedException {
        while (true) {
            try {
                return BenchClient.connect(network, server);
            } catch (IOException refused) {
                if (starting.state() == Future.State.FAILED) {
                    throw new IOException("the server did not start again", starting.exceptionNow());
                }
                LockSupport.parkNanos(CONNECT_POLL.toNanos());
            }
        }
    }

    /// Free space is in pieces only when nothing is made any more that could fill them.
    private static void makeFiles(InetSocketAddress server, int count) throws IOException, InterruptedException {
        if (count == 0) {
            return;
        }
        inDirectories("files", server, count, RestartBench::fill);
        inDirectories("removed", server, count, RestartBench::thinOut);
    }

    private interface Task {
        void run(BenchClient client, String directory, int files) throws IOException, InterruptedException;
    }

    private static void inDirectories(String what, InetSocketAddress server, int count, Task task)
            throws IOException, InterruptedException {
        var next = new AtomicInteger();
        try (var network = new NioNetwork(1, System::nanoTime);
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var progress = new ProgressBar(what, count)) {
            var makers = new ArrayList<Future<?>>();
            for (int i = 0; i < MAKERS; i++) {
                makers.add(threads.submit(() -> {
                    BenchClient client = BenchClient.begin(BenchClient.connect(network, server), 2, 1); // with ALLOCATE
                    for (int at = next.getAndAdd(FILES_A_DIRECTORY);
                            at < count;
                            at = next.getAndAdd(FILES_A_DIRECTORY)) {
                        int here = Math.min(FILES_A_DIRECTORY, count - at);
                        task.run(client, "d" + at / FILES_A_DIRECTORY, here);
                        progress.stepBy(here);
                    }
                    return null;
                }));
            }
            for (Future<?> maker : makers) {
                maker.get();
            }
        } catch (ExecutionException e) {
            throw new IOException("files could not be made: " + e.getCause(), e.getCause());
        }
    }

    private static void fill(BenchClient client, String name, int count) throws IOException, InterruptedException {
        var made = (GetFhResult) client.ask(
                        new PutRootFhArgs(),
                        new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY),
                        new GetFhArgs())
                .getLast();
        var directory = new PutFhArgs(made.fileHandle());
        int all = count + Math.ceilDiv(count, ONE_REMOVED_A);
        for (int file = 0; file < all; file += FILES_A_COMPOUND) {
            int end = Math.min(file + FILES_A_COMPOUND, all);
            Stream<OpArgs> creations = IntStream.range(file, end).boxed().flatMap(RestartBench::creation);
            client.ask(Stream.concat(Stream.of(directory, new SaveFhArgs()), creations)
                    .toArray(OpArgs[]::new));
        }
    }

    private static void thinOut(BenchClient client, String name, int count) throws IOException, InterruptedException {
        for (int file = 0; file < count; file += ONE_REMOVED_A) {
            client.ask(new PutRootFhArgs(), new LookupArgs(name), new RemoveArgs("f" + file));
        }
    }

    private static Stream<OpArgs> creation(int file) {
        return Stream.of(
                new OpenArgs(
                        0,
                        ShareBits.BOTH | ShareBits.WANT_NO_DELEG,
                        0,
                        OWNER,
                        new OpenHow.Guarded(Fattr.EMPTY),
                        new OpenClaim.ByName("f" + file)),
                new AllocateArgs(Stateid.CURRENT, ONE_BLOCK),
                new CloseArgs(0, Stateid.CURRENT),
                new RestoreFhArgs());
    }

    private void report(Report report) throws IOException {
        if (json) {
            Json.print(report);
            return;
        }
        var table = new Table(">FILES", ">RESTART MS", ">FIRST RESTART MS", ">OF AN EMPTY STORE MS");
        table.row(
                String.format(Locale.ROOT, "%,d", report.files()),
                Long.toString(report.restartMillis()),
                Long.toString(report.firstMillis()),
                Long.toString(report.emptyMillis()));
        System.out.print(table);
    }
}
