package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// libiscsi's conformance suite (`iscsi-test-cu`, Debian's libiscsi-bin) against a data server, with either
/// block size. Where `CI=true` the suite must be there; elsewhere this test is skipped without it, and says so.
@Timeout(300)
class IscsiConformanceTest {
    private static final String SUITE = "iscsi-test-cu";
    private static final int SUITE_SECONDS = 240;
    private static final boolean CI = "true".equals(System.getenv("CI"));
    /// `tests 230 230 230 0 0`: how many there are, ran, passed and failed.
    private static final Pattern SUMMARY = Pattern.compile("tests +(\\d+) +(\\d+) +(\\d+) +(\\d+)");

    @ParameterizedTest
    @ValueSource(strings = {"4096", "512"})
    void no_test_of_libiscsi_fails(String blockBytes, @TempDir Path folder) throws IOException, InterruptedException {
        requireSuite();
        Path region = regionIn(folder);
        ServerProcess.run(
                folder.resolve("ds.log"),
                List.of("format", "--size", "64MiB", "--block", blockBytes, "--force", region.toString()));

        String summary;
        try (var server = ServerProcess.start(
                "ds",
                folder.resolve("ds.log"),
                List.of(),
                List.of("ds", "--region", region.toString(), "--listen", "127.0.0.1:0"))) {
            summary = runSuite(
                    "iscsi://" + server.fact("iscsi") + "/" + server.fact("target") + "/0",
                    folder.resolve("suite.log"));
        } finally {
            Files.deleteIfExists(region);
        }

        Matcher counts = SUMMARY.matcher(summary);
        assertThat(counts.find()).as("the suite ran to its end: %s", summary).isTrue();
        assertThat(Integer.parseInt(counts.group(1))).as("tests of the suite").isGreaterThanOrEqualTo(230);
        assertThat(counts.group(4))
                .as(
                        "failed tests: %s",
                        summary.lines().filter(line -> line.contains("Test ")).toList())
                .isEqualTo("0");
    }

    /// In memory where there is such a place: on a disk the suite waits a minute and a half for it.
    private static Path regionIn(Path folder) throws IOException {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory) ? Files.createTempFile(memory, "region", "") : folder.resolve("region");
    }

    private static void requireSuite() {
        boolean there = Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, SUITE)));
        String advice = SUITE + " is not installed: apt-get install libiscsi-bin";
        if (CI) {
            assertThat(there).as(advice).isTrue();
        } else {
            Assumptions.assumeTrue(there, advice);
        }
    }

    private static String runSuite(String url, Path log) throws IOException, InterruptedException {
        Process suite = new ProcessBuilder(SUITE, "--dataloss", "--normal", "--test=ALL", url)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(suite.waitFor(SUITE_SECONDS, TimeUnit.SECONDS))
                    .as("the suite ends within %d s", SUITE_SECONDS)
                    .isTrue();
        } finally {
            suite.destroyForcibly();
        }
        return Files.readString(log);
    }
}
