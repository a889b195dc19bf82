package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.Addresses;
import pnfs.client.cli.Table;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// `pnfs bench mds`: how many metadata operations a second any NFSv4.1 server does, and what each costs it.
@Command(
        name = "mds",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Metadata operations a second of any NFSv4.1 server, one COMPOUND each, and with --pid the"
                + " processor time that each costs it.",
        footer = {"", "Example: pnfs bench mds --target 127.0.0.1:2049 --ops getattr,create --pid 4711"})
public final class MdsBench implements Callable<Integer> {
    private static final int REPLY_BYTES = 32 << 10;
    private static final Bitmap TYPE = Bitmap.of(Attribute.TYPE);

    @Option(names = "--target", required = true, paramLabel = "HOST:PORT", description = "The server.")
    private String target = "";

    @Option(
            names = "--path",
            paramLabel = "PATH",
            defaultValue = "/",
            description = "A directory in which root may make a directory for the run; it is removed at the end"
                    + " (default: ${DEFAULT-VALUE}).")
    private String path = "/";

    @Option(
            names = "--conns",
            paramLabel = "N",
            defaultValue = "8",
            description = "Connections, each a client of its own (default: ${DEFAULT-VALUE}).")
    private int connections;

    @Option(
            names = "--slots",
            paramLabel = "N",
            defaultValue = "8",
            description = "Calls in flight on each connection (default: ${DEFAULT-VALUE}).")
    private int slots;

    @Option(
            names = "--ops",
            paramLabel = "OP",
            split = ",",
            defaultValue = "null,getattr,lookup,open,mkdir,create,readdir",
            description = "What to measure, of ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private List<MdsOperation> operations = List.of();

    @Option(
            names = "--layout-type",
            paramLabel = "TYPE",
            defaultValue = "SCSI",
            description = "Of layoutget: SCSI or BLOCK_VOLUME (default: ${DEFAULT-VALUE}).")
    private LayoutType layoutType = LayoutType.SCSI;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "5",
            description = "How long each is measured, after as long a warm-up (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--pid", paramLabel = "PID", description = "The server's process on this machine.")
    private @Nullable Long pid;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    /// What one operation came to.
    ///
    /// @param cpuMicros processor time of the server for each; absent without `--pid`
    @JsonInclude(JsonInclude.Include.NON_ABSENT)
    private record Row(
            @JsonProperty("operation") String operation,
            @JsonProperty("compound") String compound,
            @JsonProperty("per_second") long perSecond,
            @JsonProperty("server_cpu_us") Optional<Double> cpuMicros) {}

    private record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("target") String target,
            @JsonProperty("connections") int connections,
            @JsonProperty("slots") int slots,
            @JsonProperty("operations") List<Row> operations) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        InetSocketAddress server = Addresses.parse(target);
        var rows = new ArrayList<Row>();
        try (var network = new NioNetwork(1, System::nanoTime)) {
            String name = "bench-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
            PutFhArgs parent = lookUp(keeper(network, server));
            PutFhArgs work = makeDirectory(keeper(network, server), parent, name);
            for (MdsOperation operation : operations) {
                System.err.printf("%s, %d of %d%n", text(operation), rows.size() + 1, operations.size());
                PutFhArgs directory = makeDirectory(keeper(network, server), work, text(operation));
                rows.add(measure(server, operation, directory));
            }
            BenchClient keeper = keeper(network, server);
            empty(keeper, work);
            keeper.ask(parent, new RemoveArgs(name));
        }
        print(rows);
        return 0;
    }

    /// Who makes and removes directories. A new one each time: its lease would not outlive a measurement.
    private static BenchClient keeper(NioNetwork network, InetSocketAddress server)
            throws IOException, InterruptedException {
        return BenchClient.begin(BenchClient.connect(network, server), 1);
    }

    private Row measure(InetSocketAddress server, MdsOperation operation, PutFhArgs directory)
            throws IOException, InterruptedException {
        var clients = new AtomicInteger();
        var calls = new RpcLoad.Calls() {
            @Override
            public List<Supplier<XdrWriter>> on(RpcConnection connection, int slots)
                    throws IOException, InterruptedException {
                BenchClient client = BenchClient.begin(connection, slots);
                String name = "client" + clients.incrementAndGet();
                return operation.calls(client, slots, makeDirectory(client, directory, name), layoutType);
            }

            @Override
            public Optional<NfsStatus> refusal(XdrReader results) {
                return operation == MdsOperation.NULL ? Optional.empty() : BenchClient.refusal(results);
            }
        };
        Duration time = Duration.ofSeconds(seconds);
        Long process = pid;
        RpcLoad.Meter meter = process == null ? () -> new ServerCpu(0, 0) : () -> ServerCpu.ofProcess(process);
        RpcLoad.Result result = new RpcLoad(connections, slots, time, time).drive(server, calls, meter);
        return new Row(
                text(operation),
                operation.compound(),
                result.callsPerSecond(),
                process == null ? Optional.empty() : Optional.of(result.cpuMicros()));
    }

    private PutFhArgs lookUp(BenchClient client) throws IOException, InterruptedException {
        Stream<OpArgs> steps =
                Stream.of(path.split("/", -1)).filter(step -> !step.isEmpty()).map(LookupArgs::new);
        return handle(client.ask(Stream.of(Stream.of(new PutRootFhArgs()), steps, Stream.of(new GetFhArgs()))
                .flatMap(operations -> operations)
                .toArray(OpArgs[]::new)));
    }

    private static PutFhArgs makeDirectory(BenchClient client, PutFhArgs parent, String name)
            throws IOException, InterruptedException {
        return handle(
                client.ask(parent, new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY), new GetFhArgs()));
    }

    private static PutFhArgs handle(List<OpResult> results) {
        return new PutFhArgs(((GetFhResult) results.getLast()).fileHandle());
    }

    /// Removes everything in a directory; what a client has open goes with that client.
    private static void empty(BenchClient client, PutFhArgs directory) throws IOException, InterruptedException {
        while (true) {
            var list =
                    (ReadDirResult) client.ask(directory, new ReadDirArgs(0, 0, REPLY_BYTES, REPLY_BYTES, Bitmap.EMPTY))
                            .getLast();
            for (DirectoryEntry entry : list.entries()) {
                List<OpResult> found =
                        client.ask(directory, new LookupArgs(entry.name()), new GetAttrArgs(TYPE), new GetFhArgs());
                var attributes = ((GetAttrResult) found.get(2)).attributes();
                if (AttributeCodec.read(attributes).type() == FileType.DIRECTORY) {
                    empty(client, handle(found));
                }
                client.ask(directory, new RemoveArgs(entry.name()));
            }
            if (list.entries().isEmpty()) {
                return;
            }
        }
    }

    private static String text(MdsOperation operation) {
        return operation.name().toLowerCase(Locale.ROOT);
    }

    private void print(List<Row> rows) throws IOException {
        if (json) {
            Json.print(new Report("mds", target, connections, slots, rows));
            return;
        }
        var table = new Table("OPERATION", "COMPOUND", ">OPS/S", ">SERVER CPU US");
        rows.forEach(row -> table.row(
                row.operation(),
                row.compound(),
                Long.toString(row.perSecond()),
                row.cpuMicros()
                        .map(micros -> String.format(Locale.ROOT, "%.1f", micros))
                        .orElse("-")));
        System.out.print(table);
    }
}
