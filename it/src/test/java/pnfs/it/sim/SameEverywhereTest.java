package pnfs.it.sim;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import pnfs.it.Pnfs;

/// A seed means the same in every process, watched or not: what is ordered by where an object lies in memory,
/// or by chance of the virtual machine, as some sets of Java's are, differs from one to the next.
class SameEverywhereTest {
    private static final String[] SEEDS = {"--seeds", "12", "--from", "180"};

    private static String digestIn(String output) {
        return output.substring(output.lastIndexOf("digest"));
    }

    @Test
    void a_seed_is_the_same_run_in_another_process_that_traces() throws IOException, InterruptedException {
        var here = new StringWriter();
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Level level = root.getLevel();
        int code;
        try {
            code = new CommandLine(new SimCommand())
                    .setOut(new PrintWriter(here))
                    .execute(SEEDS);
        } finally {
            root.setLevel(level);
        }
        Process there = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Pnfs.class.getName(),
                        "sim",
                        "--trace",
                        SEEDS[0],
                        SEEDS[1],
                        SEEDS[2],
                        SEEDS[3])
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(there.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(there.waitFor()).isZero();
        assertThat(code).isZero();
        assertThat(digestIn(said)).isEqualTo(digestIn(here.toString()));
    }
}
