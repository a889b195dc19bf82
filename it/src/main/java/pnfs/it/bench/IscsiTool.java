package pnfs.it.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import pnfs.it.bench.IscsiLoad.Direction;

/// A load that somebody else's initiator drives: libiscsi's, on one core. What it prints is all we know of it.
///
/// @param install how to come by the program on Debian
record IscsiTool(String program, String install, IscsiLoad load) {
    private static final String PERF = "iscsi-perf";
    private static final String QEMU = "qemu-img";
    private static final String LIBISCSI = "apt-get install libiscsi-bin";
    private static final String BLOCK_DRIVERS = "apt-get install qemu-utils qemu-block-extra";

    static final List<IscsiTool> ALL = List.of(
            new IscsiTool(PERF, LIBISCSI, new IscsiLoad("4k-read-qd1", Direction.READ, 4096, 1)),
            new IscsiTool(PERF, LIBISCSI, new IscsiLoad("4k-read-qd32", Direction.READ, 4096, 32)),
            new IscsiTool(QEMU, BLOCK_DRIVERS, new IscsiLoad("4k-write-qd1", Direction.WRITE, 4096, 1)),
            new IscsiTool(QEMU, BLOCK_DRIVERS, new IscsiLoad("4k-write-qd32", Direction.WRITE, 4096, 32)),
            new IscsiTool(QEMU, BLOCK_DRIVERS, new IscsiLoad("1m-read-qd4", Direction.READ, 1 << 20, 4)),
            new IscsiTool(QEMU, BLOCK_DRIVERS, new IscsiLoad("1m-write-qd4", Direction.WRITE, 1 << 20, 4)));

    private static final Pattern PERF_AVERAGE = Pattern.compile("average ([0-9]+)");
    private static final Pattern QEMU_TIME = Pattern.compile("Run completed in ([0-9.]+) seconds");
    /// How many commands qemu-img is told to do for each second that a row may take.
    private static final int QEMU_SMALL_A_SECOND = 40_000;

    private static final int QEMU_LARGE_A_SECOND = 1_000;

    /// Drives a peer twice and counts the second time: our target is compiled while it runs.
    ///
    /// @param blockBytes of the unit: iscsi-perf counts in its blocks
    IscsiBench.Row drive(IscsiPeer peer, int blockBytes, Duration time) throws IOException, InterruptedException {
        run(peer, blockBytes, time);
        long cpu = peer.cpuNanos();
        long driver = endedChildrenNanos();
        IscsiLoad.Counted counted = run(peer, blockBytes, time);
        return IscsiBench.row(
                peer, program, load, counted, cpu < 0 ? -1 : peer.cpuNanos() - cpu, endedChildrenNanos() - driver, -1);
    }

    private IscsiLoad.Counted run(IscsiPeer peer, int blockBytes, Duration time)
            throws IOException, InterruptedException {
        if (program.equals(PERF)) {
            long seconds = Math.max(1, time.toSeconds());
            String said = run(List.of(
                    PERF,
                    "-t",
                    Long.toString(seconds),
                    "-m",
                    Integer.toString(load.depth()),
                    "-b",
                    Integer.toString(load.bytes() / blockBytes),
                    "-r",
                    peer.url()));
            return new IscsiLoad.Counted((long) (last(PERF_AVERAGE, said) * seconds), seconds * 1_000_000_000L);
        }
        int aSecond = load.bytes() > 65_536 ? QEMU_LARGE_A_SECOND : QEMU_SMALL_A_SECOND / (load.depth() == 1 ? 4 : 1);
        long commands = Math.max(100, aSecond * time.toMillis() / 1000);
        var command = new ArrayList<>(List.of(QEMU, "bench", "-t", "none", "-f", "raw"));
        if (load.direction() == Direction.WRITE) {
            command.add("-w");
        }
        command.addAll(List.of("-c", Long.toString(commands), "-d", Integer.toString(load.depth())));
        command.addAll(List.of("-s", Integer.toString(load.bytes()), peer.url()));
        return new IscsiLoad.Counted(commands, (long) (last(QEMU_TIME, run(command)) * 1e9));
    }

    /// Processor time of this process's children that have ended. Linux counts it in hundredths of a second
    /// (`proc(5)`, `cutime` and `cstime`).
    private static long endedChildrenNanos() throws IOException {
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(afterName[13]) + Long.parseLong(afterName[14])) * 10_000_000;
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + said.strip());
        }
        return said;
    }

    /// iscsi-perf overwrites its line: the last one counts.
    private double last(Pattern number, String said) throws IOException {
        Matcher match = number.matcher(said);
        double found = -1;
        while (match.find()) {
            found = Double.parseDouble(match.group(1));
        }
        if (found <= 0) {
            throw new IOException(String.format(Locale.ROOT, "%s printed no figure: %s", program, said.strip()));
        }
        return found;
    }
}
