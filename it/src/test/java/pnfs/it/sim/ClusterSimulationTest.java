package pnfs.it.sim;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/// The whole cluster on simulated time. More seeds: `./pnfs sim --seeds 10000`.
class ClusterSimulationTest {
    private static final int STEPS = 1_000;
    private static final Pattern FAULT = Pattern.compile("fault [0-9]+$");
    private static final Logger ROOT = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private static Level level = Level.INFO;

    @BeforeAll
    static void hush() {
        level = ROOT.getLevel();
        ROOT.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        ROOT.setLevel(level);
    }

    private static void requireWell(Simulation.Plan plan) {
        Finding found = Finding.in(plan, new Tally());
        if (found != null) {
            throw new AssertionError("seed " + plan.seed() + ": " + found.what() + "; repeat it with "
                    + SimCommand.command(found.smallest()));
        }
    }

    @Test
    void I1_I2_I3_I4_I5_hold_in_quiet_times() {
        for (long seed = 1; seed <= 40; seed++) {
            requireWell(new Simulation.Plan(seed, STEPS, EnumSet.noneOf(FaultKind.class)));
        }
    }

    @Test
    void I1_I2_I3_I4_I5_hold_whoever_dies_and_whatever_breaks() {
        for (long seed = 1; seed <= 120; seed++) {
            requireWell(new Simulation.Plan(seed, STEPS, EnumSet.allOf(FaultKind.class)));
        }
    }

    /// When each fault happened, and which one it was.
    private static List<String> faultsOf(Simulation.Outcome outcome) {
        return outcome.trace().stream()
                .filter(line -> FAULT.matcher(line).find())
                .map(line -> line.replaceFirst(" +[0-9.]+ s ", ""))
                .toList();
    }

    @Test
    void a_fault_that_is_left_out_leaves_the_others_as_they_are() {
        var plan = new Simulation.Plan(2, STEPS, EnumSet.allOf(FaultKind.class));
        Simulation.Outcome whole = Simulation.run(plan, true);
        assertThat(whole.faults()).isGreaterThan(3);
        Set<Integer> all = IntStream.range(0, whole.faults()).boxed().collect(Collectors.toSet());

        Simulation.Outcome same = Simulation.run(plan.with(all), false);
        all.remove(1);
        Simulation.Outcome fewer = Simulation.run(plan.with(all), true);

        assertThat(same.hash()).isEqualTo(whole.hash());
        assertThat(fewer.hash()).isNotEqualTo(whole.hash());
        List<String> left = new ArrayList<>(faultsOf(whole));
        left.remove(1);
        assertThat(faultsOf(fewer)).isEqualTo(left);
    }

    private static Set<FaultKind> faults(String names) {
        if (names.equals("all")) {
            return EnumSet.allOf(FaultKind.class);
        }
        Set<FaultKind> faults = EnumSet.noneOf(FaultKind.class);
        if (!names.equals("none")) {
            var each = new StringTokenizer(names, ",");
            while (each.hasMoreTokens()) {
                faults.add(FaultKind.valueOf(each.nextToken()));
            }
        }
        return faults;
    }

    @Test
    void what_failed_once_does_not_fail_again() throws IOException {
        List<String> lines;
        try (var in = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(getClass().getResourceAsStream("seeds.txt")), StandardCharsets.UTF_8))) {
            lines = in.lines()
                    .filter(line -> !line.startsWith("#") && !line.isBlank())
                    .toList();
        }
        assertThat(lines).isNotEmpty();
        for (String line : lines) {
            var words = new StringTokenizer(line);
            long seed = Long.parseLong(words.nextToken());
            int steps = Integer.parseInt(words.nextToken());
            requireWell(new Simulation.Plan(seed, steps, faults(words.nextToken())));
        }
    }
}
