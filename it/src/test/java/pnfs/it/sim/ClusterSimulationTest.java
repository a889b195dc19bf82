package pnfs.it.sim;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.StringTokenizer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/// The whole cluster on simulated time. More seeds: `./pnfs sim --seeds 10000`.
class ClusterSimulationTest {
    private static final int STEPS = 1_000;
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
