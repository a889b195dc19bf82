package pnfs.it.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

    @SuppressWarnings("unused") // by its name
    private static final List<Scenario> SCENARIOS = Scenario.all();

    @SuppressWarnings("NullAway.Init") // before the first test
    private static GuestImage image;

    @BeforeAll
    static void buildGuest() throws IOException {
        try {
            image = GuestImage.build(GuestImage.DEFAULT_KERNEL, null, GuestImage.defaultCache());
        } catch (IOException e) {
            if (CI) {
                throw e;
            }
            Assumptions.abort("no Linux client is tried: " + e.getMessage());
        }
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("SCENARIOS")
    void a_linux_client_finds_all_as_it_left_it(Scenario scenario) throws IOException {
        Path folder = LOGS.resolve(scenario.name());
        if (Files.exists(folder)) {
            Folders.delete(folder);
        }

        ScenarioRun.Outcome outcome = ScenarioRun.run(image, scenario, folder, System.out::println);

        System.out.println(scenario.name() + " " + outcome.measured());
        assertThat(outcome.failures())
                .as("logs are in " + folder.toAbsolutePath())
                .isEmpty();
    }
}
