package pnfs.ds;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.volume.Volume;

class MainTest {
    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private String region = "";

    @BeforeEach
    void nameRegion() {
        region = folder.resolve("region0").toString();
    }

    private int run(Object command, String... arguments) {
        return new CommandLine(command)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @Test
    void format_makes_a_region_once() {
        assertThat(run(new FormatCommand(), "--size", "1MiB", region)).isZero();
        assertThat(out.toString())
                .startsWith("formatted " + region + " uuid=")
                .contains(" naa=602706e", " bytes=1048576 ");

        assertThat(run(new FormatCommand(), "--size", "1MiB", region)).isEqualTo(1);
        assertThat(err.toString()).contains("exists").contains("--force");

        assertThat(run(new FormatCommand(), "--size", "2MiB", "--force", region))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1", "1MB", "-1MiB", "512KiB", "65TiB", "9999999TiB", "1048577"})
    void format_refuses_sizes_that_cannot_be(String size) {
        assertThat(run(new FormatCommand(), "--size", size, region)).isEqualTo(2);
        assertThat(Path.of(region)).doesNotExist();
    }

    @Test
    void every_flag_is_explained_and_exit_codes_are_listed() {
        assertThat(run(new DsCommand(), "--help")).isZero();
        assertThat(out.toString())
                .contains(
                        "--region",
                        "--listen",
                        "--advertise",
                        "--mds",
                        "--name",
                        "--target-name",
                        "--loops",
                        "--control")
                .contains("Exit codes:");
        assertThat(run(new FormatCommand(), "--help")).isZero();
        assertThat(out.toString()).contains("--size", "--block", "--force");
    }

    @ParameterizedTest
    @CsvSource({
        "--listen, nowhere, HOST:PORT",
        "--listen, 127.0.0.1:70000, HOST:PORT",
        "--loops, 0, wanted 1 to",
        "--target-name, disk, iqn.YYYY-MM.DOMAIN:WORD",
        "--name, my server, letters",
        "--create, 512KiB, --create",
        "--mds, mds1:2050, --advertise HOST:PORT",
    })
    void wrong_usage_is_told_with_what_to_write_instead(String flag, String value, String advice) {
        assertThat(run(new DsCommand(), "--region", region, flag, value)).isEqualTo(2);
        assertThat(err.toString()).contains(advice);
    }

    @Test
    void a_data_server_does_not_start_without_its_region_or_its_port() throws Exception {
        assertThat(run(new DsCommand(), "--region", region, "--listen", "127.0.0.1:0"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("pnfs ds: no region at " + region, "pnfs format");

        run(new FormatCommand(), "--size", "1MiB", region);
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(run(new DsCommand(), "--region", region, "--listen", "127.0.0.1:" + taken.getLocalPort()))
                    .isEqualTo(1);
        }
        assertThat(err.toString()).contains("cannot listen");
        // The refused start has let go of the region.
        assertThat(run(new FormatCommand(), "--size", "1MiB", "--force", region))
                .isZero();
    }

    @Test
    void a_region_whose_registrations_cannot_be_read_is_refused_with_what_to_do() throws Exception {
        run(new FormatCommand(), "--size", "1MiB", region);
        try (Region opened = RegionFile.open(Path.of(region), new SimpleMeterRegistry())) {
            var kept = new CompletableFuture<Boolean>();
            new Volume(opened).memo().keep("registrations, but not ours".getBytes(US_ASCII), kept::complete);
            assertThat(kept.get()).isTrue();
        }

        assertThat(run(new DsCommand(), "--region", region, "--listen", "127.0.0.1:0"))
                .isEqualTo(1);
        assertThat(err.toString())
                .contains("pnfs ds: the registrations that volume ", "are damaged", "restore the region");
    }

    @Test
    void a_missing_region_is_made_where_that_was_asked_for_and_never_made_again() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = "127.0.0.1:" + taken.getLocalPort();
            run(new DsCommand(), "--region", region, "--create", "1MiB", "--listen", port);
            byte[] made = Files.readAllBytes(Path.of(region));

            run(new DsCommand(), "--region", region, "--create", "2MiB", "--listen", port);

            assertThat(made.length).isGreaterThan(1 << 20);
            assertThat(Files.readAllBytes(Path.of(region))).isEqualTo(made);
        }
    }

    @Test
    void faults_cannot_be_set_from_other_machines_and_no_server_is_no_stack() {
        run(new FormatCommand(), "--size", "1MiB", region);

        assertThat(run(new DsCommand(), "--region", region, "--listen", "127.0.0.1:0", "--control", "0.0.0.0:0"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("listen at 127.0.0.1");

        assertThat(run(new DsCommand(), "fault", "list", "--control", "127.0.0.1:1"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("cannot reach");
        assertThat(run(new DsCommand(), "fault", "add", "slow", "--control", "127.0.0.1:1"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("write delay=TIME");
    }

    @Test
    void a_damaged_identity_is_refused() throws Exception {
        run(new FormatCommand(), "--size", "1MiB", region);
        Files.writeString(Path.of(region + ".server"), "nonsense");

        assertThat(run(new DsCommand(), "--region", region, "--listen", "127.0.0.1:0", "--mds", "127.0.0.1:1"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("region0.server is damaged");
    }
}
