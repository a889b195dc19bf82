package pnfs.it.process;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// Faults of real servers, one after the other, under a [TortureLoad]. Confined to one thread.
final class TortureRun implements AutoCloseable {
    /// With a short lease, because nobody else gets what a client had that does not come back.
    private static final Cluster.Shape SHAPE = new Cluster.Shape(2, 64L << 20, List.of("--lease", "10s")).behindLinks();
    private static final Duration LONGEST_LULL = Duration.ofMillis(250);
    private static final Duration LONGEST_PARTITION = Duration.ofMillis(1500);
    /// A server that starts is killed again after so long at most, which is sometimes before it is ready.
    private static final Duration LONGEST_START = Duration.ofMillis(1500);

    private static final int KILLED_AGAIN_ONE_IN = 4;
    /// So long the load may take to get on after a fault.
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final int STEPS_AFTER_FAULT = 20;
    private static final Duration POLL = Duration.ofMillis(5);

    private final Cluster cluster;
    private final TortureLog log;
    private final TortureLoad load;
    private final SplittableRandom random;
    private final List<String> complaints = new ArrayList<>();
    private int mdsKills;
    private int dataServerKills;
    private int killsAtStart;
    private int partitions;
    private Duration longest = Duration.ZERO;

    /// How it went.
    ///
    /// @param mdsKills of a server that served, as `dataServerKills`; `killsAtStart` are of those that started
    /// @param doneTwice requests that were carried out, asked again because the answer was lost, and refused then
    /// @param writtenAgain calls of fsync that said that something not yet acknowledged was lost
    /// @param longestMillis from a fault until the load got on, at most
    /// @param complaints what went wrong, a sentence each
    record Result(
            @JsonProperty("ok") boolean isWell,
            @JsonProperty("cycles") int cycles,
            @JsonProperty("mds_kills") int mdsKills,
            @JsonProperty("data_server_kills") int dataServerKills,
            @JsonProperty("kills_at_start") int killsAtStart,
            @JsonProperty("partitions") int partitions,
            @JsonProperty("acknowledgements") long acknowledgements,
            @JsonProperty("checked_reads") long checks,
            @JsonProperty("written_again") long writtenAgain,
            @JsonProperty("done_twice") long doneTwice,
            @JsonProperty("longest_stall_ms") long longestMillis,
            @JsonProperty("lost_acknowledgements") int lost,
            @JsonProperty("stale_bytes") long staleBytes,
            @JsonIgnore List<String> complaints) {
        String json() {
            try {
                return new ObjectMapper().writeValueAsString(this);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("a record of numbers that is no JSON", e);
            }
        }

        String text() {
            return mdsKills + " kills of the metadata server, " + dataServerKills + " of data servers, " + killsAtStart
                    + " while they started, " + partitions + " partitions; " + acknowledgements
                    + " acknowledgements, " + lost + " of them lost; " + checks + " reads with " + staleBytes
                    + " stale bytes; " + doneTwice + " requests done twice; " + longestMillis
                    + " ms at most until the load got on";
        }
    }

    TortureRun(Path folder, int clients, SplittableRandom random) throws IOException {
        this.random = random;
        cluster = Cluster.start(folder, SHAPE);
        log = new TortureLog(folder);
        load = new TortureLoad(cluster, log);
        load.begin(clients, random.split());
    }

    /// Runs so many cycles, and tells of each. Ends early where the load does not get on any more. Then the
    /// servers are stopped, and their records must agree.
    Result cycles(int cycles, Consumer<Result> told) throws IOException, InterruptedException {
        int done = 0;
        while (done < cycles && isWell()) {
            cycle();
            told.accept(result(++done));
        }
        load.end();
        cluster.close();
        requireSoundStore();
        return result(done);
    }

    private boolean isWell() {
        return complaints.isEmpty() && load.complaints().isEmpty();
    }

    private interface Fault {
        void strike() throws IOException;
    }

    /// Every server is killed once, alone or together with others.
    private void cycle() {
        var faults = new ArrayList<Fault>();
        var servers = new ArrayList<Integer>();
        for (int i = 0; i <= cluster.dataServerCount(); i++) {
            servers.add(random.nextInt(i + 1), i);
        }
        while (!servers.isEmpty()) {
            List<Integer> together = servers.subList(0, random.nextInt(servers.size()) + 1);
            List<Integer> killed = List.copyOf(together);
            faults.add(() -> kill(killed));
            together.clear();
        }
        faults.add(random.nextInt(faults.size() + 1), this::partition);
        for (Fault fault : faults) {
            if (isWell()) {
                LockSupport.parkNanos(random.nextLong(LONGEST_LULL.toNanos()));
                long start = System.nanoTime();
                try {
                    fault.strike();
                } catch (IOException e) {
                    complain("a server did not come back: " + e.getMessage());
                }
                awaitProgress(start);
            }
        }
    }

    /// @param servers 0 is the metadata server, the others are data servers
    private void kill(List<Integer> servers) throws IOException {
        for (int server : servers) {
            kill(server);
            if (server == 0) {
                mdsKills++;
            } else {
                dataServerKills++;
            }
        }
        cluster.launchEnded();
        while (random.nextInt(KILLED_AGAIN_ONE_IN) == 0) {
            LockSupport.parkNanos(random.nextLong(LONGEST_START.toNanos()));
            kill(servers.get(random.nextInt(servers.size())));
            killsAtStart++;
            cluster.launchEnded();
        }
        cluster.awaitReady();
    }

    private void kill(int server) {
        ServerProcess process = cluster.processes().get(server);
        log.note("kill -9 " + process.name());
        process.kill();
    }

    private void partition() {
        List<Link> links = cluster.links();
        int which = random.nextInt(links.size());
        Link link = links.get(which);
        partitions++;
        boolean cut = random.nextBoolean();
        log.note((cut ? "cut link " : "silence link ") + which);
        if (cut) {
            link.cut();
        } else {
            link.silence();
        }
        LockSupport.parkNanos(random.nextLong(LONGEST_PARTITION.toNanos()));
        link.heal();
    }

    private void awaitProgress(long startNanos) {
        log.note("all servers are ready");
        long enough = load.progress() + STEPS_AFTER_FAULT;
        while (load.progress() < enough && isWell()) {
            if (System.nanoTime() - startNanos > PATIENCE.toNanos()) {
                complain("the load did not get on for " + PATIENCE.toSeconds() + " s after a fault");
                return;
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
        Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
        log.note("the load got on " + took.toMillis() + " ms after the fault");
        longest = took.compareTo(longest) > 0 ? took : longest;
    }

    private void requireSoundStore() {
        try {
            ServerProcess.run(
                    cluster.folder().resolve("fsck.log"),
                    List.of("fsck", "--store", cluster.folder().resolve("mds").toString()));
        } catch (IOException e) {
            complain(String.valueOf(e.getMessage()));
        }
    }

    private void complain(String what) {
        complaints.add(what);
        log.note(what);
    }

    private Result result(int cycles) {
        var all = new ArrayList<>(load.complaints());
        all.addAll(complaints);
        return new Result(
                all.isEmpty(),
                cycles,
                mdsKills,
                dataServerKills,
                killsAtStart,
                partitions,
                load.acknowledgements(),
                load.checks(),
                load.writtenAgain(),
                load.doneTwice(),
                longest.toMillis(),
                load.lostAcknowledgements(),
                load.staleBytes(),
                List.copyOf(all));
    }

    @Override
    public void close() {
        load.close();
        cluster.close();
        log.close();
    }
}
