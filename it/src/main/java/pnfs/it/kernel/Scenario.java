package pnfs.it.kernel;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import pnfs.it.process.Cluster;

/// Something that Linux does with a cluster: the cluster's shape, and a script for each guest. Immutable.
///
/// @param guests run at once; each is a client of its own to the servers
/// @param limit of each guest's whole run, on a slow machine
/// @param expected kernel messages that this scenario causes on purpose, though they look bad
public record Scenario(
        String name,
        String summary,
        Cluster.Shape cluster,
        List<Guest> guests,
        Duration limit,
        List<Pattern> expected) {
    private static final long REGION_BYTES = 512L << 20;
    private static final long SMALL_REGION_BYTES = 96L << 20;
    private static final String BLOCK = "--layout-types=block";
    /// To unregister a key that a fence has taken; Linux 7.2 prints no second line. Reads and writes that meet a
    /// conflict have a line of their own.
    static final String KEY_IS_GONE = "sd \\S+: reservation conflict$|failed to unregister PR key";

    /// RCU, on several processors, complains of the time in which nothing ran. A defect has a line of its own.
    static final String STOOD_STILL = "Call Trace:$";

    static final String SERVER_IS_AWAY = "nfs: server .* not responding";

    private static final Duration MINUTES = Duration.ofMinutes(10);

    public Scenario {
        guests = List.copyOf(guests);
        expected = List.copyOf(expected);
    }

    /// A client machine.
    ///
    /// @param script in `deploy/kernel/scenario`
    public record Guest(String name, String script, List<String> arguments) {
        public Guest {
            arguments = List.copyOf(arguments);
        }
    }

    private static Scenario single(
            String name, String summary, Cluster.Shape cluster, String script, String... arguments) {
        return new Scenario(
                name, summary, cluster, List.of(new Guest("client", script, List.of(arguments))), MINUTES, List.of());
    }

    /// Two machines, each of which is told its own name and the other's.
    private static Scenario pair(String name, String summary, Cluster.Shape cluster, String script) {
        return new Scenario(
                name,
                summary,
                cluster,
                List.of(
                        new Guest("first", script, List.of("first", "second")),
                        new Guest("second", script, List.of("second", "first"))),
                MINUTES,
                List.of());
    }

    private Scenario expecting(String... messages) {
        return new Scenario(
                name,
                summary,
                cluster,
                guests,
                limit,
                Stream.of(messages).map(Pattern::compile).toList());
    }

    /// So small that the files of a scenario lie on both.
    private static Cluster.Shape small(String... mdsOptions) {
        return new Cluster.Shape(2, SMALL_REGION_BYTES, List.of(mdsOptions));
    }

    private static Cluster.Shape served(String... mdsOptions) {
        return new Cluster.Shape(2, REGION_BYTES, List.of(mdsOptions));
    }

    /// All there are.
    public static List<Scenario> all() {
        String scsi = "LAYOUT_SCSI";
        String block = "LAYOUT_BLOCK_VOLUME";
        String stripe = "--volume=stripe:64KiB:ds0,ds1";
        String concat = "--volume=concat:ds0,ds1";
        String layouts = "layouts.sh";
        return List.of(
                single("scsi", "SCSI layouts by 4.2", served(), layouts, scsi, "4.2", "3000"),
                single("scsi-4.1", "SCSI layouts by 4.1", served(), layouts, scsi, "4.1", "1000"),
                single(
                        "stripe",
                        "SCSI layouts, striped over two data servers",
                        served(stripe),
                        layouts,
                        scsi,
                        "4.2",
                        "1000"),
                single(
                        "concat",
                        "SCSI layouts, two data servers as one volume",
                        small(concat),
                        layouts,
                        scsi,
                        "4.2",
                        "1000"),
                single(
                        "block",
                        "block layouts, disks found by signature",
                        served(BLOCK),
                        layouts,
                        block,
                        "4.2",
                        "1000"),
                single(
                        "block-stripe",
                        "block layouts, striped over two data servers",
                        served(BLOCK, stripe),
                        layouts,
                        block,
                        "4.1",
                        "500"),
                single(
                        "block-concat",
                        "block layouts, two data servers as one volume",
                        small(BLOCK, concat),
                        layouts,
                        block,
                        "4.2",
                        "500"),
                single("nopnfs", "no layout driver, by 4.2 and 4.1", served(), "nopnfs.sh")
                        .expecting("pNFS: no device found"),
                pair("two-clients", "two machines in one directory", served(), "two-clients.sh"),
                pair("locks", "locks, delegations and attributes between two machines", served(), "locks.sh"),
                single("stress", "stress-ng and dbench", served(), "stress.sh"),
                single("lun", "a disk of a data server: reservations, and a crash under load", served(), "lun.sh")
                        .expecting("detected conn error", "iscsi_eh|session recovery"),
                pair("turns", "two machines that write and read one file in turn", served(), "turns.sh"),
                pair(
                                "frozen",
                                "a machine that stands still while another wants its file",
                                served("--lease=10s"),
                                "frozen.sh")
                        .expecting(
                                "reservation conflict|nexus error|FAILED Result: hostbyte=DID_OK",
                                KEY_IS_GONE,
                                STOOD_STILL),
                single("crash", "servers that are killed under a writer", served(), "crash.sh")
                        .expecting("detected conn error", "iscsi_eh|session recovery", SERVER_IS_AWAY, KEY_IS_GONE),
                pair("names", "names and locks over crashes of the metadata server", served(), "names.sh")
                        .expecting(SERVER_IS_AWAY, KEY_IS_GONE));
    }
}
