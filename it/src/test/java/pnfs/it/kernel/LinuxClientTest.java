package pnfs.it.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import pnfs.it.process.Folders;

/// An unmodified Linux kernel does with a cluster what programs do. Where `CI=true` the guest must be buildable;
/// elsewhere these tests are skipped without one, and say why.
class LinuxClientTest {
    private static final Path LOGS = Path.of("target", "kernel");
    private static final boolean CI = "true".equals(System.getenv("CI"));

    private static final List<Scenario> SCENARIOS = Scenario.all();

    /// A guest has one processor, and often waits: two of them keep two processors busy.
    private static final ExecutorService TWO_AT_ONCE = Executors.newFixedThreadPool(2);

    private static final Map<Scenario, Future<ScenarioRun.Outcome>> RUNS = new HashMap<>();

    @BeforeAll
    static void begin() throws IOException {
        GuestImage image;
        try {
            image = GuestImage.build(GuestImage.DEFAULT_KERNEL, null, GuestImage.defaultCache());
        } catch (IOException e) {
            if (CI) {
                throw e;
            }
            Assumptions.abort("no Linux client is tried: " + e.getMessage());
            return;
        }
        SCENARIOS.forEach(scenario -> RUNS.put(scenario, TWO_AT_ONCE.submit(() -> run(image, scenario))));
    }

    private static ScenarioRun.Outcome run(GuestImage image, Scenario scenario) throws IOException {
        Path folder = LOGS.resolve(scenario.name());
        if (Files.exists(folder)) {
            Folders.delete(folder);
        }
        return ScenarioRun.run(image, scenario, folder, line -> System.out.printf("%-12s %s%n", scenario.name(), line));
    }

    @AfterAll
    static void end() {
        TWO_AT_ONCE.shutdownNow();
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("SCENARIOS")
    void a_linux_client_finds_all_as_it_left_it(Scenario scenario) throws Exception {
        ScenarioRun.Outcome outcome = Objects.requireNonNull(RUNS.get(scenario)).get();

        System.out.println(scenario.name() + " " + outcome.measured());
        assertThat(outcome.failures())
                .as("logs are in " + LOGS.resolve(scenario.name()).toAbsolutePath())
                .isEmpty();
    }
}
