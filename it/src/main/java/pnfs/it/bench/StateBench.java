package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.Addresses;
import pnfs.client.cli.Table;
import pnfs.it.process.ServerProcess;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// `pnfs bench state`: what connected clients and open files take of a metadata server's heap. Weighs what is
/// alive in a server of its own after a full collection.
@Command(
        name = "state",
        mixinStandardHelpOptions = true,
        description = "Heap of a client with its connection and session, and of an open file, in a metadata server.")
public final class StateBench implements Callable<Integer> {
    private static final int OWNER_BYTES = 28; // as Linux's open-owners
    private static final Pattern TOTAL = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)");

    @Option(names = "--clients", paramLabel = "N", defaultValue = "10000", description = "Default: ${DEFAULT-VALUE}.")
    private int clients;

    @Option(
            names = "--opens",
            paramLabel = "N",
            defaultValue = "10",
            description = "Files that each client opens; all open the same ones (default: ${DEFAULT-VALUE}).")
    private int opens;

    @Option(names = "--slots", paramLabel = "N", defaultValue = "64", description = "Default: ${DEFAULT-VALUE}.")
    private int slots;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    private record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("clients") int clients,
            @JsonProperty("opens_each") int opens,
            @JsonProperty("heap_bytes_per_client") long clientBytes,
            @JsonProperty("heap_bytes_per_open") long openBytes) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("pnfs-bench-state");
        List<String> arguments = List.of(
                "mds",
                "--store",
                folder.resolve("mds").toString(),
                "--listen",
                "127.0.0.1:0",
                "--control",
                "127.0.0.1:0",
                "--lease",
                "10m",
                "--delegations",
                "off");
        try (ServerProcess server =
                        ServerProcess.start("mds", folder.resolve("mds.log"), List.of("-Xmx1g"), arguments);
                var network = new NioNetwork(1, System::nanoTime)) {
            report(measure(server, network));
        }
        return 0;
    }

    private Report measure(ServerProcess server, NioNetwork network) throws IOException, InterruptedException {
        InetSocketAddress address = Addresses.parse(server.fact("nfs"));
        openAll(BenchClient.begin(
                BenchClient.connect(network, address), 1)); // the files, and what the first client makes
        long empty = liveBytes(server.pid());
        var begun = new ArrayList<BenchClient>(clients);
        for (int i = 0; i < clients; i++) {
            begun.add(BenchClient.begin(BenchClient.connect(network, address), slots));
        }
        long connected = liveBytes(server.pid());
        for (BenchClient client : begun) {
            openAll(client);
        }
        long open = liveBytes(server.pid());
        return new Report(
                "state", clients, opens, (connected - empty) / clients, (open - connected) / ((long) clients * opens));
    }

    private void openAll(BenchClient client) throws IOException, InterruptedException {
        var owner = new StateOwner(0, Opaque.of(new byte[OWNER_BYTES]));
        for (int i = 0; i < opens; i++) {
            OpArgs open = new OpenArgs(
                    0, ShareBits.BOTH, 0, owner, new OpenHow.Unchecked(Fattr.EMPTY), new OpenClaim.ByName("file-" + i));
            client.ask(new PutRootFhArgs(), open);
        }
    }

    /// What a JVM has on its heap that something refers to.
    private static long liveBytes(long pid) throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        Process process = new ProcessBuilder(jcmd, Long.toString(pid), "GC.class_histogram")
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        var total = TOTAL.matcher(said);
        if (process.waitFor() != 0 || !total.find()) {
            throw new IOException("jcmd does not tell the heap of process " + pid + ": " + said);
        }
        return Long.parseLong(total.group(1));
    }

    private void report(Report report) throws IOException {
        if (json) {
            Json.print(report);
            return;
        }
        var table = new Table(">CLIENTS", ">OPENS EACH", ">BYTES A CLIENT", ">BYTES AN OPEN");
        table.row(
                Integer.toString(report.clients()),
                Integer.toString(report.opens()),
                String.format(Locale.ROOT, "%,d", report.clientBytes()),
                String.format(Locale.ROOT, "%,d", report.openBytes()));
        System.out.print(table);
    }
}
