package pnfs.it.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;
import pnfs.it.process.Cluster;
import pnfs.it.process.ServerProcess;

/// One run of a scenario: a fresh cluster, its guests, and what can be said against them afterwards.
///
/// Scripts speak to us in lines that begin with `@@`: `@@fail WHY`, `@@measured NAME VALUE`, `@@moved BYTES`
/// (so much has at least been written to data servers), `@@fenced` (a client has been; how long that took is
/// measured), `@@host kill NAME` or `@@host start NAME` for a server, `@@host freeze NAME` or `@@host thaw
/// NAME` for a guest.
public final class ScenarioRun {
    private static final String TO_US = "@@";
    /// Volume by volume, from the decision to the data server's confirmation.
    private static final Pattern FENCED = Pattern.compile("key fenced .* afterMillis=(\\d+)");
    /// A heartbeat carries the counters of a data server.
    private static final long COUNTERS_LIMIT_NANOS = 15_000_000_000L;

    private static final long COUNTERS_POLL_NANOS = 200_000_000L;

    private final GuestImage image;
    private final Scenario scenario;
    private final Path folder;
    private final Consumer<String> out;
    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final Map<String, String> measured = new ConcurrentHashMap<>();
    private final Map<String, GuestProcess> running = new ConcurrentHashMap<>();

    /// What came of it.
    ///
    /// @param failures empty when everything held
    /// @param measured by the scenario's scripts, with units
    public record Outcome(List<String> failures, Map<String, String> measured) {
        public Outcome {
            failures = List.copyOf(failures);
            measured = Map.copyOf(measured);
        }

        public boolean ok() {
            return failures.isEmpty();
        }
    }

    private ScenarioRun(GuestImage image, Scenario scenario, Path folder, Consumer<String> out) {
        this.image = image;
        this.scenario = scenario;
        this.folder = folder;
        this.out = out;
    }

    /// Runs it to its end. `folder` keeps the servers' state and logs, and a folder for each guest with its
    /// `dmesg`, `mountstats` and console; `out` gets a line for each step.
    public static Outcome run(GuestImage image, Scenario scenario, Path folder, Consumer<String> out)
            throws IOException {
        return new ScenarioRun(image, scenario, folder, out).run();
    }

    private Outcome run() throws IOException {
        Files.createDirectories(folder);
        try (Cluster cluster = Cluster.start(folder, scenario.cluster())) {
            runGuests(cluster);
            cluster.processes().stream()
                    .filter(server -> !server.isAlive())
                    .forEach(server -> failures.add(server.name() + " is gone; its log is " + server.log()));
        }
        return new Outcome(failures, new TreeMap<>(measured));
    }

    private void runGuests(Cluster cluster) {
        Map<String, String> environment = environment(cluster);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> guests = scenario.guests().stream()
                    .map(guest -> CompletableFuture.runAsync(() -> runGuest(guest, cluster, environment), threads))
                    .toList();
            guests.forEach(CompletableFuture::join);
        }
    }

    private void runGuest(Scenario.Guest guest, Cluster cluster, Map<String, String> environment) {
        Path results = folder.resolve(guest.name());
        try (var process = GuestProcess.start(image, guest, scenario.limit(), environment, results)) {
            running.put(guest.name(), process);
            int status = process.follow(line -> heard(guest, line, cluster));
            if (status != 0) {
                failures.add(guest.name() + " ended with status " + status + ": "
                        + Files.readString(results.resolve("run")).strip());
            }
            Path dmesg = results.resolve("dmesg");
            if (Files.exists(dmesg)) {
                KernelLog.trouble(dmesg, scenario.expected())
                        .forEach(line -> failures.add(guest.name() + "'s kernel: " + line));
            }
        } catch (IOException e) {
            failures.add(guest.name() + ": " + e.getMessage());
        }
    }

    private Map<String, String> environment(Cluster cluster) {
        return Map.of(
                "NFS_PORT",
                Integer.toString(cluster.nfs().getPort()),
                "TARGETS",
                IntStream.range(0, cluster.dataServerCount())
                        .mapToObj(cluster::dataServer)
                        .map(ScenarioRun::target)
                        .collect(Collectors.joining(" ")));
    }

    private static String target(ServerProcess server) {
        String portal = server.fact("iscsi");
        return portal.substring(portal.lastIndexOf(':') + 1) + "," + server.fact("target") + ","
                + server.fact("regions");
    }

    private void heard(Scenario.Guest guest, String line, Cluster cluster) throws IOException {
        if (!line.startsWith(TO_US)) {
            out.accept(scenario.guests().size() == 1 ? line : guest.name() + " " + line);
            return;
        }
        String[] words = line.substring(TO_US.length()).split(" ", 3);
        switch (words[0]) {
            case "fail" -> failures.add(guest.name() + ": " + line.substring(line.indexOf(' ') + 1));
            case "measured" -> {
                measured.put(words[1], words[2]);
                out.accept("          measured " + words[1] + " " + words[2]);
            }
            case "moved" -> requireWritten(cluster, Long.parseLong(words[1]));
            case "fenced" -> requireFence(cluster);
            case "host" -> {
                out.accept("          " + words[1] + " " + words[2]);
                switch (words[1]) {
                    case "freeze" -> guest(words[2]).freeze();
                    case "thaw" -> guest(words[2]).thaw();
                    default -> toServer(cluster, words[1], words[2]);
                }
            }
            default -> throw new IOException("the script said what nobody understands: " + line);
        }
    }

    /// The data servers' own word for what went to them.
    private void requireWritten(Cluster cluster, long bytes) throws IOException {
        long deadline = System.nanoTime() + COUNTERS_LIMIT_NANOS;
        while (written(cluster) < bytes) {
            if (System.nanoTime() > deadline) {
                failures.add("data servers have written " + written(cluster) + " bytes, the client says " + bytes);
                return;
            }
            LockSupport.parkNanos(COUNTERS_POLL_NANOS);
        }
    }

    private static long written(Cluster cluster) throws IOException {
        return PnfsClient.status(cluster.control()).dataServers().stream()
                .flatMap(server -> server.regions().stream())
                .map(ClusterStatus.Region::written)
                .mapToLong(ClusterStatus.Traffic::bytes)
                .sum();
    }

    /// The metadata server's own word for it, in its log.
    private void requireFence(Cluster cluster) throws IOException {
        List<String> fenced = Files.readAllLines(cluster.mds().log()).stream()
                .map(FENCED::matcher)
                .filter(Matcher::find)
                .map(said -> said.group(1) + " ms")
                .toList();
        if (fenced.isEmpty()) {
            failures.add("nobody was fenced");
        } else {
            measured.put("fence", String.join(", ", fenced));
        }
    }

    private GuestProcess guest(String name) throws IOException {
        GuestProcess process = running.get(name);
        if (process == null) {
            throw new IOException("no guest " + name);
        }
        return process;
    }

    private void toServer(Cluster cluster, String verb, String name) throws IOException {
        Map<String, Integer> byName = IntStream.range(0, cluster.dataServerCount())
                .boxed()
                .collect(Collectors.toMap(index -> cluster.dataServer(index).name(), Function.identity()));
        Integer index = byName.get(name);
        switch (verb) {
            case "kill" -> (index == null ? cluster.mds() : cluster.dataServer(index)).kill();
            case "start" -> {
                if (index == null) {
                    cluster.restartMds();
                } else {
                    cluster.restartDataServer(index);
                }
            }
            default -> throw new IOException("nobody knows how to " + verb + " a server");
        }
    }
}
