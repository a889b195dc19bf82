package pnfs.it.sim;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.EnumSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/// The simulator finds what is planted at the shores.
class PlantedBugsTest {
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

    private static @Nullable String found(Plant plant, long from, int seeds) {
        for (long seed = from; seed < from + seeds; seed++) {
            var plan = new Simulation.Plan(seed, 1_000, EnumSet.allOf(FaultKind.class), plant);
            String violation = Simulation.run(plan, false).violation();
            if (violation != null) {
                return violation;
            }
        }
        return null;
    }

    @Test
    void I5_a_store_that_answers_before_it_is_durable_is_found() {
        assertThat(found(Plant.STORE_ANSWERS_EARLY, 1, 400)).contains("I5");
    }

    @Test
    void I5_a_region_that_answers_before_it_is_durable_is_found() {
        assertThat(found(Plant.REGION_ANSWERS_EARLY, 1, 400)).contains("I5");
    }

    @Test
    void I1_a_fence_that_is_confirmed_and_not_done_is_found() {
        assertThat(found(Plant.FENCE_ONLY_CONFIRMED, 180, 400)).contains("I1");
    }
}
