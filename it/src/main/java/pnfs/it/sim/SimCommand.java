package pnfs.it.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `pnfs sim`: runs the simulated cluster from many seeds, and makes small what fails.
@Command(
        name = "sim",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Simulates the whole cluster with crashes, partitions and slow disks, a run for each seed, and"
                + " checks every byte.",
        footer = {
            "",
            "A step is one event: bytes arrive, a timer is due, a disk is done.",
            "Each seed is run twice, and both runs must be the same, event for event. The digest is of all events: it"
                    + " is the same for the same seeds on every machine.",
            "Example: pnfs sim --seeds 10000"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:every run was well", "1:one was not; what is printed says how to repeat it", "2:wrong usage"
        })
public final class SimCommand implements Callable<Integer> {
    private static final int REDRAW_MILLIS = 100;
    private static final int MOST_FAILURES = 5;

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "1000",
            description = "How many (default: ${DEFAULT-VALUE}).")
    private int seeds;

    @Option(
            names = "--from",
            paramLabel = "S",
            defaultValue = "1",
            description = "The first one (default: ${DEFAULT-VALUE}).")
    private long from;

    @Option(
            names = "--steps",
            paramLabel = "K",
            defaultValue = "1000",
            description =
                    "Steps with faults in each run; then comes peace, which takes about as many (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--faults",
            paramLabel = "KIND",
            split = ",",
            description = "What goes wrong, of ${COMPLETION-CANDIDATES} (default: all of it).")
    private Set<FaultKind> faults = EnumSet.allOf(FaultKind.class);

    @Option(
            names = "--only",
            paramLabel = "FAULT",
            split = ",",
            description =
                    "Of the faults of a run, only those with these numbers, which a trace tells; the others are left"
                            + " out (default: all).")
    private @Nullable Set<Integer> only;

    @Option(names = "--no-faults", description = "Nothing goes wrong.")
    private boolean noFaults;

    @Option(names = "--trace", description = "Print what happened in each run.")
    private boolean trace;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        // Servers that die all the time have much to say.
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
        PrintWriter out = spec.commandLine().getOut();
        Set<FaultKind> wrong = noFaults ? EnumSet.noneOf(FaultKind.class) : faults;
        var failures = new ConcurrentSkipListMap<Long, Finding>();
        var tally = new Tally();
        long begin = System.nanoTime();
        try (@Nullable ProgressBar bar = bar()) {
            each(seed -> {
                if (failures.size() < MOST_FAILURES) {
                    var plan = new Simulation.Plan(seed, steps, wrong, only);
                    Finding found = Finding.in(plan, tally, trace ? out::println : null);
                    if (found != null) {
                        failures.put(seed, found);
                    }
                    if (bar != null) {
                        bar.step();
                    }
                }
            });
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        failures.values().forEach(failure -> print(failure, out));
        out.printf(
                Locale.ROOT,
                "%d seeds, %d failed, %.1f s, %.1f seeds/s, %.0f steps/s, %.1f ms of processor time a seed, digest %016x%n",
                seeds,
                failures.size(),
                seconds,
                seeds / seconds,
                tally.steps() / seconds,
                processorMillis() / (double) seeds,
                tally.digest());
        out.flush();
        return failures.isEmpty() ? 0 : 1;
    }

    /// Of all threads, the start and the compiler's included: what a seed costs on a machine that others use too.
    private static long processorMillis() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElse(Duration.ZERO)
                .toMillis();
    }

    /// None where nobody would see it.
    @SuppressWarnings("SystemConsoleNull") // its documentation still says that there may be none
    private @Nullable ProgressBar bar() {
        Console console = System.console();
        if (console == null || !console.isTerminal()) {
            return null;
        }
        return new ProgressBarBuilder()
                .setTaskName("sim")
                .setInitialMax(seeds)
                .setUnit(" seeds", 1)
                .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
                .setUpdateIntervalMillis(REDRAW_MILLIS)
                .showSpeed()
                .build();
    }

    private interface OneSeed {
        void run(long seed);
    }

    private void each(OneSeed what) throws InterruptedException {
        int threads = Runtime.getRuntime().availableProcessors();
        var next = new AtomicLong(from);
        try (var pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                all.add(pool.submit(() -> {
                    for (long seed = next.getAndIncrement(); seed < from + seeds; seed = next.getAndIncrement()) {
                        what.run(seed);
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get(1, TimeUnit.DAYS);
            }
        } catch (ExecutionException | TimeoutException failed) {
            throw new IllegalStateException(failed);
        }
    }

    private static void print(Finding failure, PrintWriter out) {
        out.printf("%nseed %d failed at step %d: %s%n", failure.plan().seed(), failure.step(), failure.what());
        Simulation.Plan small = failure.smallest();
        List<String> lines = Simulation.run(small, true).trace();
        lines.subList(Math.max(0, lines.size() - 40), lines.size()).forEach(out::println);
        out.println("repeat: " + command(small));
    }

    /// What runs this plan alone and shows it.
    static String command(Simulation.Plan plan) {
        var command =
                new StringBuilder("./pnfs sim --trace --seeds 1 --from " + plan.seed() + " --steps " + plan.steps());
        if (plan.faults().isEmpty()) {
            command.append(" --no-faults");
        } else if (plan.faults().size() < FaultKind.values().length) {
            command.append(" --faults ").append(joined(EnumSet.copyOf(plan.faults())));
        }
        Set<Integer> only = plan.only();
        if (only != null) {
            command.append(" --only ").append(joined(new TreeSet<>(only)));
        }
        return command.toString();
    }

    private static String joined(Set<?> all) {
        return all.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
