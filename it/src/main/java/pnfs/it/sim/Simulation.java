package pnfs.it.sim;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.SplittableGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One run of the whole cluster from one seed: so many steps with faults, then peace, in which everything must
/// come to rest and every byte be right. One thread.
final class Simulation {
    private static final int DATA_SERVERS = 2;
    private static final int FIRST_DATA_SERVER = 2;
    private static final int FIRST_CLIENT = 10;
    private static final int OPERATOR = 99;
    private static final int AUDITOR = 100;
    /// There is a fault in so many steps at the latest.
    private static final int FAULT_STEPS = 120;
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final int TEMPOS = 10;
    /// One run in so many has no faults at all: then nobody may lose anything.
    private static final int QUIET = 8;
    private static final int SILENT_KINDS = 3;
    private static final int DRAIN_ENDS = 4;
    /// In one run of so many a client is alone.
    private static final int ALONE = 8;
    private static final int LEAST_FAULT_BITS = 20; // a millisecond
    private static final int MOST_FAULT_BITS = 35; // half a minute
    private static final long MOST_JUMP_SECONDS = TimeUnit.DAYS.toSeconds(400);
    /// Peace is over by then, or something hangs.
    private static final long PEACE_NANOS = TimeUnit.MINUTES.toNanos(5);
    /// And within so many steps, a hundred times what it takes: or somebody asks again and again without a pause.
    private static final int PEACE_STEPS = 300_000;

    /// Of an exception so many are told.
    private static final int STACK_FRAMES = 3;

    private static final MeterRegistry NO_METERS = new CompositeMeterRegistry();

    /// What to run.
    ///
    /// @param steps with faults; peace comes after them
    /// @param only of the faults, those with these numbers; null for all. What the others leave out changes
    ///     nothing of these
    record Plan(
            long seed,
            int steps,
            Set<FaultKind> faults,
            @Nullable Set<Integer> only) {
        Plan {
            faults = Set.copyOf(faults);
            only = only == null ? null : Set.copyOf(only);
        }

        Plan(long seed, int steps, Set<FaultKind> faults) {
            this(seed, steps, faults, null);
        }

        Plan with(int otherSteps) {
            return new Plan(seed, otherSteps, faults, only);
        }

        Plan with(Set<Integer> others) {
            return new Plan(seed, steps, faults, others);
        }

        boolean has(int fault) {
            return only == null || only.contains(fault);
        }
    }

    /// What came of it.
    ///
    /// @param steps until the end, peace included
    /// @param faults how many there were, left out or not
    /// @param hash of everything that happened
    /// @param violation null when all was well
    record Outcome(
            long steps, int faults, long hash, @Nullable String violation, List<String> trace) {}

    private final Plan plan;
    private final Agenda agenda = new Agenda();
    private final Checker checker = new Checker(agenda);
    private final SplittableGenerator random;
    /// When something goes wrong. What it is each fault finds in a generator of its own, so that one that is
    /// left out leaves the others as they are.
    private final SplittableGenerator chance;
    /// Of each client, run after run.
    private final List<SplittableGenerator> births = new ArrayList<>();
    private final Fabric fabric;
    private final MetadataServerNode metadataServer;
    private final List<DataServerNode> dataServers = new ArrayList<>();
    private final Operator operator;
    private final List<ModelClient> clients = new ArrayList<>();
    /// How many times clients are slower, as a power of two: time must pass for leases to
    /// end.
    private final int tempo;

    private final int clientCount;
    private final List<FaultKind> faults;
    private int struck;
    private boolean peace;

    private Simulation(Plan plan, boolean traces) {
        this.plan = plan;
        checker.traces(traces);
        random = new SplittableRandom(plan.seed);
        fabric = new Fabric(agenda, random.split());
        chance = random.split();
        metadataServer = new MetadataServerNode(fabric, NO_METERS, random.split());
        for (int i = 0; i < DATA_SERVERS; i++) {
            dataServers.add(new DataServerNode(i, FIRST_DATA_SERVER + i, fabric, NO_METERS, random.split(), checker));
        }
        var office = new Host(fabric, agenda, OPERATOR, random.split());
        fabric.boot(office);
        operator = new Operator(office, checker, random.split());
        clientCount = random.nextInt(ALONE) == 0 ? 1 : 2 + random.nextInt(2);
        tempo = Math.max(random.nextInt(TEMPOS), random.nextInt(TEMPOS));
        boolean quiet = random.nextInt(QUIET) == 0 || plan.faults.isEmpty();
        faults = quiet ? List.of() : List.copyOf(EnumSet.copyOf(plan.faults));
        checker.quiet(quiet);
        for (int i = 0; i < clientCount; i++) {
            births.add(random.split());
        }
        metadataServer.chill(random.split());
    }

    /// Whatever goes wrong in it, the simulator itself included, is a finding of this run and ends no other.
    static Outcome run(Plan plan, boolean traces) {
        var simulation = new Simulation(plan, traces);
        String violation = null;
        try {
            simulation.run();
        } catch (Exception | AssertionError | StackOverflowError failure) {
            Violation known = simulation.checker.violation();
            violation = known != null ? known.getMessage() : described(failure);
        }
        return new Outcome(
                simulation.agenda.steps(),
                simulation.struck,
                simulation.agenda.hash(),
                violation,
                simulation.checker.trace());
    }

    /// A violation speaks for itself; of everything else the first cause, and where in our code it came up.
    private static String described(Throwable failure) {
        if (failure instanceof Violation) {
            return String.valueOf(failure.getMessage());
        }
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause
                + Arrays.stream(cause.getStackTrace())
                        .filter(frame -> frame.getClassName().startsWith("pnfs."))
                        .limit(STACK_FRAMES)
                        .map(frame -> " at " + frame)
                        .collect(Collectors.joining());
    }

    private void run() {
        metadataServer.start();
        dataServers.forEach(DataServerNode::start);
        for (int i = 0; i < clientCount; i++) {
            clients.add(newClient(i));
        }
        for (long next = chance.nextInt(FAULT_STEPS); agenda.steps() < plan.steps; step()) {
            if (agenda.steps() >= next && !faults.isEmpty()) {
                SplittableGenerator own = chance.split();
                if (plan.has(struck)) {
                    checker.note("fault %d", struck);
                    strike(faults.get(own.nextInt(faults.size())), own);
                }
                struck++;
                next = agenda.steps() + 1 + chance.nextInt(FAULT_STEPS);
            }
        }
        makePeace();
    }

    private void step() {
        if (!agenda.step()) {
            throw new IllegalStateException("nothing will ever happen");
        }
        Violation violation = checker.violation();
        if (violation != null) {
            throw violation;
        }
    }

    private ModelClient newClient(int index) {
        SplittableGenerator birth = births.get(index);
        var host = new Host(fabric, agenda, FIRST_CLIENT + index, birth.split());
        fabric.boot(host);
        var client = new ModelClient(host, checker, index + 1, clientCount, tempo, dataServers, birth.split());
        if (peace) {
            client.rest();
        }
        return client;
    }

    private void strike(FaultKind kind, SplittableGenerator chance) {
        switch (kind) {
            case METADATA_SERVER_DIES -> {
                if (chance.nextBoolean()) {
                    metadataServerDies(chance);
                } else if (metadataServer.isUp()) {
                    metadataServer.atNextCommit(() -> metadataServerDies(chance));
                }
            }
            case DATA_SERVER_DIES -> dataServerDies(chance, DataServerNode::kill);
            case DATA_SERVER_LOSES_POWER -> dataServerDies(chance, DataServerNode::losePower);
            case CLIENT_DIES -> clientDies(chance, chance.nextInt(clientCount));
            case CLIENT_FREEZES -> {
                Host frozen = clients.get(chance.nextInt(clientCount)).host();
                if (!frozen.isDead()) {
                    checker.note("fault: machine %d stands still", frozen.machine());
                    frozen.freeze();
                    later(chance, frozen::thaw);
                }
            }
            case CONNECTION_BREAKS -> {
                List<Wire> wires = anyHost(chance).wires();
                if (!wires.isEmpty()) {
                    Wire broken = wires.get(chance.nextInt(wires.size()));
                    checker.note("fault: connection of %s to %s breaks", broken.local(), broken.peer());
                    broken.cut();
                }
            }
            case PARTITION ->
                partition(chance, anyHost(chance).machine(), anyHost(chance).machine());
            case SILENT_CLIENT -> {
                int client = FIRST_CLIENT + chance.nextInt(clientCount);
                long nanos = MetadataServerNode.LEASE.toNanos() + chance.nextLong(SILENCE_NANOS);
                checker.note("fault: %d is silent", client);
                part(client, nanos);
                switch (chance.nextInt(SILENT_KINDS)) {
                    case 0 -> // its fence is late
                        part(FIRST_DATA_SERVER + chance.nextInt(DATA_SERVERS), nanos);
                    case 1 -> // who is to fence it forgets
                        agenda.after(chance.nextLong(nanos), () -> metadataServerDies(chance));
                    default -> {}
                }
            }
            case CLIENT_KEEPS_LAYOUTS -> {
                ModelClient client = clients.get(chance.nextInt(clientCount));
                checker.note(
                        "fault: machine %d keeps its layouts", client.host().machine());
                client.keep(true);
                agenda.after(
                        MetadataServerNode.LEASE.toNanos() + chance.nextLong(SILENCE_NANOS), () -> client.keep(false));
            }
            case SLOW_DISK -> {
                Pace pace =
                        chance.nextBoolean() ? metadataServer.pace : dataServers.get(chance.nextInt(DATA_SERVERS)).pace;
                checker.note("fault: a disk is slow");
                pace.slow(true);
                later(chance, () -> pace.slow(false));
            }
            case DRAIN -> {
                operator.drain(dataServers.get(chance.nextInt(DATA_SERVERS)));
                switch (chance.nextInt(DRAIN_ENDS)) {
                    case 0 -> later(chance, operator::cancelDrain);
                    case 1, 2 -> later(chance, operator::finishDrain);
                    default -> {} // in peace
                }
            }
            case ORDERED_RECALL -> operator.recall(Names.of(1, 0));
            case CLOCK_JUMPS -> metadataServer.jump(chance.nextLong(-MOST_JUMP_SECONDS, MOST_JUMP_SECONDS));
        }
    }

    private void metadataServerDies(RandomGenerator chance) {
        if (metadataServer.isUp() && !peace) {
            checker.note("fault: metadata server dies");
            if (chance.nextBoolean()) {
                metadataServer.kill();
            } else {
                metadataServer.losePower();
            }
            later(chance, metadataServer::start);
        }
    }

    /// The metadata server and another machine do not hear each other.
    private void part(int machine, long nanos) {
        fabric.close(machine, MetadataServerNode.MACHINE);
        fabric.close(MetadataServerNode.MACHINE, machine);
        agenda.after(nanos, () -> {
            fabric.open(machine, MetadataServerNode.MACHINE);
            fabric.open(MetadataServerNode.MACHINE, machine);
        });
    }

    /// After a time that is short as often as it is long.
    private void later(RandomGenerator chance, Runnable end) {
        agenda.after(chance.nextLong(1L << chance.nextInt(LEAST_FAULT_BITS, MOST_FAULT_BITS)), end);
    }

    private void dataServerDies(RandomGenerator chance, Consumer<DataServerNode> how) {
        DataServerNode victim = dataServers.get(chance.nextInt(DATA_SERVERS));
        if (victim.isUp()) {
            checker.note("fault: %s dies", victim.targetName());
            how.accept(victim);
            later(chance, victim::start);
        }
    }

    private void clientDies(RandomGenerator chance, int index) {
        ModelClient victim = clients.get(index);
        if (!victim.host().isDead()) {
            checker.note("fault: client %d dies", index + 1);
            victim.host().die();
            victim.died();
            later(chance, () -> clients.set(index, newClient(index)));
        }
    }

    private Host anyHost(RandomGenerator chance) {
        int which = chance.nextInt(1 + DATA_SERVERS + clientCount);
        if (which == 0) {
            return metadataServer.host();
        }
        return which <= DATA_SERVERS
                ? dataServers.get(which - 1).host()
                : clients.get(which - 1 - DATA_SERVERS).host();
    }

    private void partition(RandomGenerator chance, int one, int other) {
        if (one == other) {
            return;
        }
        boolean both = chance.nextBoolean();
        checker.note("fault: %d does not reach %d%s", one, other, both ? " nor back" : "");
        fabric.close(one, other);
        if (both) {
            fabric.close(other, one);
        }
        later(chance, () -> {
            fabric.open(one, other);
            fabric.open(other, one);
        });
    }

    /// Nothing goes wrong any more: whoever is away comes back, and everything must come to its end.
    private void makePeace() {
        peace = true;
        checker.note("peace");
        metadataServer.pace.slow(false);
        dataServers.forEach(server -> server.pace.slow(false));
        clients.forEach(ModelClient::rest);
        stepUntil(this::clientsAreIdle);
        clients.forEach(ModelClient::prove);
        stepUntil(this::clientsAreIdle);
        clients.forEach(ModelClient::leave);
        stepUntil(this::clientsAreIdle);
        operator.finishDrain();
        stepUntil(() -> !operator.isDraining());
        var host = new Host(fabric, agenda, AUDITOR, random.split());
        fabric.boot(host);
        var audit = new Audit(host, checker);
        stepUntil(audit::isDone);
    }

    private boolean clientsAreIdle() {
        for (ModelClient client : clients) {
            if (!client.isIdle()) {
                return false;
            }
        }
        return true;
    }

    private void stepUntil(BooleanSupplier reached) {
        long end = agenda.nowNanos() + PEACE_NANOS;
        long last = agenda.steps() + PEACE_STEPS;
        while (!reached.getAsBoolean()) {
            if (agenda.nowNanos() > end || agenda.steps() > last) {
                throw checker.fail("liveness: somebody waits for an answer; clients wait since "
                        + clients.stream()
                                .map(client -> client.isIdle() ? "-" : client.lastProgressNanos() / 1e9 + " s")
                                .toList());
            }
            step();
        }
    }
}
