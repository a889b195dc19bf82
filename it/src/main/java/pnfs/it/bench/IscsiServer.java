package pnfs.it.bench;

import com.sun.management.ThreadMXBean;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import pnfs.ds.Limits;
import pnfs.ds.iscsi.AccessList;
import pnfs.ds.iscsi.IscsiTarget;
import pnfs.ds.iscsi.TargetSettings;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;

/// A process with a target under measurement: a data server's iSCSI half on one loop. Says its port, then, for
/// each line that it reads, how many bytes its loop has allocated so far; ends with its standard input.
final class IscsiServer {
    static final String TARGET = "iqn.2026-01.pnfs:bench";
    // What it says on standard output, each before a number.
    static final String PORT = "port=";
    static final String ALLOCATED = "allocated=";

    private static final String LOOPS = "pnfs-loop-";

    private IscsiServer() {}

    public static void main(String[] args) throws IOException {
        var meters = new SimpleMeterRegistry();
        try (Region region = RegionFile.open(Path.of(args[0]), meters);
                var network = new NioNetwork(1, System::nanoTime)) {
            var settings = new TargetSettings(
                    TARGET,
                    List.of(),
                    Limits.MAX_SESSIONS,
                    Limits.COMMAND_WINDOW,
                    Limits.MAX_RECEIVE_BYTES,
                    Limits.MAX_BURST_BYTES,
                    Limits.FIRST_BURST_BYTES,
                    Limits.LOGIN_SECONDS,
                    Limits.PING_SECONDS,
                    AccessList.EVERYBODY);
            var target = new IscsiTarget(
                    settings, new ScsiTarget(TARGET, List.of(SharedVolume.open(new Volume(region))), meters), meters);
            var limits = ConnectionLimits.DEFAULT
                    .withQueue(Limits.SOFT_QUEUE_BYTES, Limits.HARD_QUEUE_BYTES)
                    .withStall(Limits.STALL);
            Listener listener =
                    network.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), target::accept, limits);
            System.out.println(PORT + listener.address().getPort());
            var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            while (in.readLine() != null) {
                System.out.println(ALLOCATED + allocatedByLoops());
            }
        }
    }

    private static long allocatedByLoops() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(LOOPS)) {
                bytes += threads.getThreadAllocatedBytes(thread.getThreadId());
            }
        }
        return bytes;
    }
}
