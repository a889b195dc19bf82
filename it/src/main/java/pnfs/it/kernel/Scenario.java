package pnfs.it.kernel;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
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
    private static final long REGION_BYTES = 1L << 30;
    private static final Cluster.Shape TWO_SERVERS = new Cluster.Shape(2, REGION_BYTES);
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

    /// All there are, the quick ones first.
    public static List<Scenario> all() {
        return List.of(single("nopnfs", "without a layout driver, by 4.2 and 4.1", TWO_SERVERS, "nopnfs.sh"));
    }
}
