package pnfs.it.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import pnfs.client.cli.Table;
import pnfs.it.bench.IscsiLoad.Direction;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.NioNetwork;

/// `pnfs bench iscsi`: what commands cost a target, driven by our initiator over loopback: ours in a process of
/// its own, or one that runs already; beside it, in the same run, tgt.
@Command(
        name = "iscsi",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Commands a second, GB/s, and the target's processor time and allocated bytes a command, for 4 KiB"
                        + " and 1 MiB reads and writes at random places.")
public final class IscsiBench implements Callable<Integer> {
    private static final int SMALL_BYTES = 4 << 10;
    private static final int LARGE_BYTES = 1 << 20;
    private static final int DEEP = 32;
    private static final long LUN_BYTES = 256L << 20;
    private static final Pattern URL =
            Pattern.compile("iscsi://(?:\\[([0-9A-Fa-f:]+)]|([^:/\\[\\]]+)):([0-9]{1,5})/([^/]+)/([0-9]{1,5})");

    private static final List<IscsiLoad> LOADS = List.of(
            new IscsiLoad("4k-read-qd1", Direction.READ, SMALL_BYTES, 1),
            new IscsiLoad("4k-read-qd32", Direction.READ, SMALL_BYTES, DEEP),
            new IscsiLoad("4k-write-qd1", Direction.WRITE, SMALL_BYTES, 1),
            new IscsiLoad("4k-write-qd32", Direction.WRITE, SMALL_BYTES, DEEP),
            new IscsiLoad("1m-read-qd4", Direction.READ, LARGE_BYTES, 4),
            new IscsiLoad("1m-write-qd4", Direction.WRITE, LARGE_BYTES, 4));

    @Option(
            names = "--folder",
            paramLabel = "FOLDER",
            defaultValue = "/dev/shm",
            description = "Where to make the units under measurement (default: ${DEFAULT-VALUE}).")
    private Path folder = Path.of("/dev/shm");

    @Option(
            names = "--millis",
            paramLabel = "N",
            defaultValue = "3000",
            description = "How long each figure is measured, after as long a warm-up (default: ${DEFAULT-VALUE}).")
    private int millis;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description =
                    "Measure the target that runs at iscsi://HOST:PORT/IQN/LUN instead. Its blocks are overwritten.")
    private @Nullable String url;

    @Option(
            names = "--pid",
            paramLabel = "PID",
            description = "Process of --url on this machine, for its processor time.")
    private @Nullable Long pid;

    @Option(
            names = "--tgt",
            description = "Measure tgt beside it and print ratios (needs root, and Debian's package tgt).")
    private boolean tgt;

    @Option(
            names = "--tools",
            description = "Also drive by iscsi-perf and qemu-img bench, those that are installed (Debian: libiscsi-bin,"
                    + " qemu-utils, qemu-block-extra).")
    private boolean tools;

    @Option(names = "--json", description = "Write one line of JSON instead of a table.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    /// Figures of one load at one target; null where nobody can tell.
    ///
    /// @param latencyMicros mean, as the initiator sees it
    /// @param cpuMicros processor time of the target's process for each command
    /// @param driverPercent processor time of the driver, 100 for one core all the time: near it, the figure is
    ///     the driver's limit and not the target's
    /// @param allocatedBytes by the target's loop for each command
    public record Row(
            @JsonProperty("target") String target,
            @JsonProperty("driver") String driver,
            @JsonProperty("load") String load,
            @JsonProperty("commands_per_second") long commandsPerSecond,
            @JsonProperty("gb_per_s") double gbPerSecond,
            @JsonProperty("latency_us") double latencyMicros,
            @JsonProperty("cpu_us_per_command") @Nullable Double cpuMicros,
            @JsonProperty("driver_cpu_percent") double driverPercent,

            @JsonProperty("allocated_bytes_per_command") @Nullable
            Double allocatedBytes) {}

    /// Ours to tgt's with one driver under one load.
    ///
    /// @param speed commands a second, or GB/s
    /// @param perCpu commands a second of processor time
    public record Ratio(
            @JsonProperty("driver") String driver,
            @JsonProperty("load") String load,
            @JsonProperty("speed") double speed,
            @JsonProperty("per_cpu_second") @Nullable Double perCpu,
            @JsonProperty("latency") double latency) {}

    /// All of a run.
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    public record Report(
            @JsonProperty("benchmark") String benchmark,
            @JsonProperty("rows") List<Row> rows,
            @JsonProperty("ratios_to_tgt") List<Ratio> ratios,
            @JsonProperty("notes") List<String> notes) {}

    private final List<String> notes = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Duration time = Duration.ofMillis(millis);
        var rows = new ArrayList<Row>();
        try (IscsiPeer measured = url == null ? IscsiPeer.ours(folder, LUN_BYTES) : given(url)) {
            if (tgt) {
                requireCommand("tgtd", "apt-get install tgt");
                try (IscsiPeer peer = IscsiPeer.tgt(folder, LUN_BYTES)) {
                    measure(List.of(measured, peer), time, rows);
                }
            } else {
                measure(List.of(measured), time, rows);
            }
        }
        print(new Report("iscsi", rows, ratios(rows), notes));
        return 0;
    }

    private IscsiPeer given(String where) {
        Matcher match = URL.matcher(where);
        if (!match.matches()) {
            throw new ParameterException(
                    spec.commandLine(), "--url: '" + where + "' is no unit: write iscsi://HOST:PORT/IQN/LUN");
        }
        String host = match.group(1) == null ? match.group(2) : match.group(1);
        var portal = new InetSocketAddress(host, Integer.parseInt(match.group(3)));
        return IscsiPeer.at(portal, match.group(4), Integer.parseInt(match.group(5)), pid);
    }

    /// Load by load, all targets under one load right after each other: the machine is shared and changes.
    private void measure(List<IscsiPeer> peers, Duration time, List<Row> rows)
            throws IOException, InterruptedException {
        for (IscsiLoad load : LOADS) {
            for (IscsiPeer peer : peers) {
                rows.add(drive(peer, load, time));
            }
        }
        if (tools) {
            for (IscsiTool tool : IscsiTool.ALL) {
                if (!requireCommand(tool.program(), tool.install())) {
                    continue;
                }
                for (IscsiPeer peer : peers) {
                    int blockBytes = blockBytes(peer);
                    try {
                        rows.add(tool.drive(peer, blockBytes, time));
                    } catch (IOException failed) {
                        notes.add(failed.getMessage()); // the others may fare better
                    }
                }
            }
        }
    }

    private boolean requireCommand(String program, String install) throws IOException {
        for (String folderOfPath : String.valueOf(System.getenv("PATH")).split(":", -1)) {
            if (Files.isExecutable(Path.of(folderOfPath, program))) {
                return true;
            }
        }
        if (program.equals("tgtd")) {
            throw new IOException("no tgtd on the PATH: " + install + ", or leave out --tgt");
        }
        String note = program + " is not installed (" + install + "): not measured";
        if (!notes.contains(note)) {
            notes.add(note);
        }
        return false;
    }

    private static IscsiInitiator logIn(NioNetwork network, IscsiPeer peer) {
        var config = InitiatorConfig.of(peer.portal, peer.target, "iqn.2026-01.pnfs:bench-client", 1);
        var initiator = IscsiInitiator.open(network, config);
        initiator.loggedIn().join();
        return initiator;
    }

    private static int blockBytes(IscsiPeer peer) throws IOException {
        try (var network = new NioNetwork(1, System::nanoTime);
                var initiator = logIn(network, peer)) {
            return initiator.readCapacity(peer.lun).join().blockBytes();
        }
    }

    private static Row drive(IscsiPeer peer, IscsiLoad load, Duration time) throws IOException, InterruptedException {
        try (var network = new NioNetwork(1, System::nanoTime);
                var initiator = logIn(network, peer)) {
            load.drive(initiator, peer.lun, time);
            long cpu = peer.cpuNanos();
            long allocated = peer.allocatedBytes();
            long driver = initiatorNanos();
            IscsiLoad.Counted counted = load.drive(initiator, peer.lun, time);
            return row(
                    peer,
                    "pnfs",
                    load,
                    counted,
                    cpu < 0 ? -1 : peer.cpuNanos() - cpu,
                    initiatorNanos() - driver,
                    allocated < 0 ? -1 : peer.allocatedBytes() - allocated);
        } catch (CompletionException failed) {
            throw new IOException("no session with " + peer.url() + ": " + failed.getMessage(), failed);
        }
    }

    /// Our initiator is the one network loop of this process.
    private static long initiatorNanos() throws IOException {
        return ServerCpu.ofProcess(ProcessHandle.current().pid()).loopNanos();
    }

    static Row row(
            IscsiPeer peer,
            String driver,
            IscsiLoad load,
            IscsiLoad.Counted counted,
            long cpuNanos,
            long driverNanos,
            long allocated) {
        long commands = counted.commands();
        long nanos = counted.nanos();
        return new Row(
                peer.name,
                driver,
                load.name(),
                Math.round(commands * 1e9 / nanos),
                rounded((double) commands * load.bytes() / nanos),
                rounded(nanos / 1e3 * load.depth() / commands),
                cpuNanos < 0 ? null : rounded(cpuNanos / 1e3 / commands),
                rounded(100.0 * driverNanos / nanos),
                allocated < 0 ? null : rounded((double) allocated / commands));
    }

    private static List<Ratio> ratios(List<Row> rows) {
        var ratios = new ArrayList<Ratio>();
        for (Row ours : rows) {
            for (Row theirs : rows) {
                boolean pair = theirs.target().equals("tgt")
                        && !ours.target().equals("tgt")
                        && ours.driver().equals(theirs.driver())
                        && ours.load().equals(theirs.load());
                if (pair) {
                    Double cpu = ours.cpuMicros();
                    Double theirCpu = theirs.cpuMicros();
                    ratios.add(new Ratio(
                            ours.driver(),
                            ours.load(),
                            rounded((double) ours.commandsPerSecond() / theirs.commandsPerSecond()),
                            cpu == null || theirCpu == null ? null : rounded(theirCpu / cpu),
                            rounded(ours.latencyMicros() / theirs.latencyMicros())));
                }
            }
        }
        return ratios;
    }

    private void print(Report report) throws IOException {
        if (json) {
            Json.print(report);
            return;
        }
        var table = new Table(
                "TARGET",
                "DRIVER",
                "LOAD",
                ">COMMANDS/S",
                ">GB/S",
                ">LATENCY US",
                ">CPU US",
                ">BYTES ALLOCATED",
                ">DRIVER'S CPU %");
        for (Row row : report.rows()) {
            table.row(
                    row.target(),
                    row.driver(),
                    row.load(),
                    Long.toString(row.commandsPerSecond()),
                    text(row.gbPerSecond()),
                    text(row.latencyMicros()),
                    text(row.cpuMicros()),
                    text(row.allocatedBytes()),
                    text(row.driverPercent()));
        }
        System.out.print(table);
        if (!report.ratios().isEmpty()) {
            var ratios = new Table("TO TGT'S", "LOAD", ">SPEED", ">A CPU SECOND", ">LATENCY");
            for (Ratio ratio : report.ratios()) {
                ratios.row(
                        ratio.driver(), ratio.load(), text(ratio.speed()), text(ratio.perCpu()), text(ratio.latency()));
            }
            System.out.print(System.lineSeparator() + ratios);
        }
        report.notes().forEach(System.out::println);
    }

    private static double rounded(double figure) {
        return Math.round(figure * 100) / 100.0;
    }

    private static String text(@Nullable Double figure) {
        return figure == null ? "-" : String.format(Locale.ROOT, "%.2f", figure);
    }
}
