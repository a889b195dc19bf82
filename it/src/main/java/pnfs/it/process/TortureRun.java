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
    private static final Duration LONGEST_LULL = Duration.ofSeconds(1);
    private static final Duration LONGEST_PARTITION = Duration.ofMillis(1500);
    /// So long the load may take to get on after a fault.
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final int STEPS_AFTER_FAULT = 20;
    private static final Duration POLL = Duration.ofMillis(5);

    private final Cluster cluster;
    private final TortureLoad load;
    private final SplittableRandom random;
    private final List<String> stuck = new ArrayList<>();
    private int mdsKills;
    private int dataServerKills;
    private int partitions;
    private Duration longest = Duration.ZERO;

    /// How it went.
    ///
    /// @param writtenAgain calls of fsync that said that something not yet acknowledged was lost
    /// @param longestMillis from a fault until the load got on, at most
    /// @param complaints what went wrong, a sentence each
    record Result(
            @JsonProperty("ok") boolean isWell,
            @JsonProperty("cycles") int cycles,
            @JsonProperty("mds_kills") int mdsKills,
            @JsonProperty("data_server_kills") int dataServerKills,
            @JsonProperty("partitions") int partitions,
            @JsonProperty("acknowledgements") long acknowledgements,
            @JsonProperty("checked_reads") long checks,
            @JsonProperty("written_again") long writtenAgain,
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
            return mdsKills + " kills of the metadata server, " + dataServerKills + " of data servers, " + partitions
                    + " partitions; " + acknowledgements + " acknowledgements, " + lost + " of them lost; " + checks
                    + " reads with " + staleBytes + " stale bytes; " + longestMillis
                    + " ms at most until the load got on";
        }
    }

    TortureRun(Path folder, int clients, SplittableRandom random) throws IOException {
        this.random = random;
        cluster = Cluster.start(folder, SHAPE);
        load = new TortureLoad(cluster);
        load.begin(clients, random.split());
    }

    /// Runs so many cycles, and tells of each. Ends early where the load does not get on any more.
    Result cycles(int cycles, Consumer<Result> told) throws IOException, InterruptedException {
        int done = 0;
        while (done < cycles && stuck.isEmpty() && load.complaints().isEmpty()) {
            cycle();
            told.accept(result(++done));
        }
        load.end();
        return result(done);
    }

    private interface Fault {
        void strike() throws IOException;
    }

    private void cycle() throws IOException, InterruptedException {
        var faults = new ArrayList<Fault>();
        if (random.nextInt(4) == 0) {
            faults.add(this::killAll);
        } else {
            faults.add(this::killMds);
            for (int i = 0; i < cluster.dataServerCount(); i++) {
                int index = i;
                faults.add(() -> killDataServer(index));
            }
        }
        faults.add(this::partition);
        while (!faults.isEmpty() && stuck.isEmpty()) {
            Fault fault = faults.remove(random.nextInt(faults.size()));
            LockSupport.parkNanos(random.nextLong(LONGEST_LULL.toNanos()));
            long start = System.nanoTime();
            fault.strike();
            awaitProgress(start);
        }
    }

    private void killMds() throws IOException {
        cluster.mds().kill();
        mdsKills++;
        cluster.restartMds();
    }

    private void killDataServer(int index) throws IOException {
        cluster.dataServer(index).kill();
        dataServerKills++;
        cluster.restartDataServer(index);
    }

    private void killAll() throws IOException {
        cluster.processes().forEach(ServerProcess::kill);
        mdsKills++;
        dataServerKills += cluster.dataServerCount();
        cluster.restartAll();
    }

    private void partition() {
        List<Link> links = cluster.links();
        Link link = links.get(random.nextInt(links.size()));
        partitions++;
        if (random.nextBoolean()) {
            link.cut();
        } else {
            link.silence();
        }
        LockSupport.parkNanos(random.nextLong(LONGEST_PARTITION.toNanos()));
        link.heal();
    }

    private void awaitProgress(long startNanos) {
        long enough = load.progress() + STEPS_AFTER_FAULT;
        while (load.progress() < enough && load.complaints().isEmpty()) {
            if (System.nanoTime() - startNanos > PATIENCE.toNanos()) {
                stuck.add("the load did not get on for " + PATIENCE.toSeconds() + " s after a fault");
                return;
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
        Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
        longest = took.compareTo(longest) > 0 ? took : longest;
    }

    private Result result(int cycles) {
        var complaints = new ArrayList<>(load.complaints());
        complaints.addAll(stuck);
        return new Result(
                complaints.isEmpty(),
                cycles,
                mdsKills,
                dataServerKills,
                partitions,
                load.acknowledgements(),
                load.checks(),
                load.writtenAgain(),
                longest.toMillis(),
                load.lostAcknowledgements(),
                load.staleBytes(),
                List.copyOf(complaints));
    }

    @Override
    public void close() {
        load.close();
        cluster.close();
    }
}
