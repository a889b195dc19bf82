package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import pnfs.ds.DsCommand;
import pnfs.ds.region.RegionHeader;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.scsi.ScsiException;

/// Every kind of fault, set by `pnfs ds fault` in a data server that runs, and met by our own initiator.
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class FaultTest {
    private static final int BLOCK = 4096;

    private Path folder;
    private Path region;
    private NioNetwork network;
    private ServerProcess server;
    private IscsiInitiator initiator;

    @BeforeAll
    void serve(@TempDir Path temporary) throws IOException {
        folder = temporary;
        region = folder.resolve("region");
        ServerProcess.run(folder.resolve("ds.log"), List.of("format", "--size", "4MiB", region.toString()));
        network = new NioNetwork(1, System::nanoTime);
        server = start();
    }

    private ServerProcess start() throws IOException {
        return ServerProcess.start(
                "ds",
                folder.resolve("ds.log"),
                List.of("-Xmx128m"),
                List.of("ds", "--region", region.toString(), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"));
    }

    @BeforeEach
    void logIn() {
        String[] address = server.fact("iscsi").split(":", 2);
        var portal = new InetSocketAddress(address[0], Integer.parseInt(address[1]));
        initiator = IscsiInitiator.open(
                network, InitiatorConfig.of(portal, server.fact("target"), "iqn.2026-01.test:client", 1));
        initiator.loggedIn().join();
    }

    @AfterEach
    void logOut() {
        initiator.close();
    }

    @AfterAll
    void stop() throws Exception {
        network.close();
        server.close();
    }

    /// `pnfs ds fault …`; what it prints.
    private String fault(String... arguments) {
        var out = new StringWriter();
        var all = new ArrayList<>(List.of("fault"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--control", server.fact("control")));
        int exit = new CommandLine(new DsCommand())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(out, true))
                .execute(all.toArray(String[]::new));
        assertThat(exit).as(out.toString()).isZero();
        return out.toString();
    }

    private CompletableFuture<Integer> write(long block, int value) {
        var done = new CompletableFuture<Integer>();
        initiator.write(0, block, 1, filled(1, value), (bytes, failure) -> finish(done, bytes, failure));
        return done;
    }

    private CompletableFuture<Integer> writeAtomic(long block, ByteBuffer data) {
        var done = new CompletableFuture<Integer>();
        initiator.writeAtomic(
                0, block, data.remaining() / BLOCK, data, (bytes, failure) -> finish(done, bytes, failure));
        return done;
    }

    private static ByteBuffer filled(int blocks, int value) {
        var data = new byte[blocks * BLOCK];
        Arrays.fill(data, (byte) value);
        return ByteBuffer.allocateDirect(data.length).put(data).flip();
    }

    private CompletableFuture<Integer> read(long block, ByteBuffer into) {
        var done = new CompletableFuture<Integer>();
        initiator.read(0, block, into.remaining() / BLOCK, into, (bytes, failure) -> finish(done, bytes, failure));
        return done;
    }

    private static void finish(CompletableFuture<Integer> done, int bytes, @Nullable RuntimeException failure) {
        if (failure == null) {
            done.complete(bytes);
        } else {
            done.completeExceptionally(failure);
        }
    }

    @Test
    void a_failure_strikes_as_often_as_it_may_and_the_list_tells() {
        fault("add", "fail=3/11/00", "--command", "read", "--blocks", "16-31", "--times", "2");

        var into = ByteBuffer.allocateDirect(BLOCK);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> read(20, into).join())
                    .hasRootCauseInstanceOf(ScsiException.class)
                    .hasMessageContaining("3/11/00");
        }
        assertThat(read(20, into).join()).isEqualTo(BLOCK);
        assertThat(read(0, into).join()).isEqualTo(BLOCK);

        assertThat(fault("list")).contains("struck 2 of 3: fail=3/11/00 --command read --blocks 16-31 --times 2");
        assertThat(fault("clear")).isEqualToIgnoringNewLines("cleared 1");
        assertThat(fault("list")).isEqualToIgnoringNewLines("no faults");
    }

    @Test
    void a_dropped_write_is_overtaken_by_others() {
        fault("add", "drop", "--command", "write", "--blocks", "40");

        CompletableFuture<Integer> stuck = write(40, 1);
        assertThat(write(41, 1).join()).isEqualTo(BLOCK);
        assertThat(write(42, 1).join()).isEqualTo(BLOCK);

        assertThat(stuck).isNotDone();
        fault("clear");
    }

    @Test
    void a_delayed_write_is_overtaken_by_others_and_arrives() {
        fault("add", "delay=300ms", "--command", "write", "--blocks", "48");

        CompletableFuture<Integer> slow = write(48, 1);
        assertThat(write(49, 1).join()).isEqualTo(BLOCK);

        assertThat(slow.join()).isEqualTo(BLOCK);
        fault("clear");
    }

    @Test
    void a_short_read_brings_part_of_what_was_asked_for() {
        fault("add", "short=512", "--command", "read", "--times", "1");

        assertThat(read(0, ByteBuffer.allocateDirect(4 * BLOCK))
                        .handle((bytes, failure) -> failure == null ? bytes : -1)
                        .join())
                .isNotEqualTo(4 * BLOCK);
        fault("clear");
    }

    @Test
    void a_command_that_met_a_reset_is_repeated_after_the_next_login() {
        fault("add", "reset", "--command", "write", "--times", "1");

        assertThat(write(56, 3).join()).isEqualTo(BLOCK);

        assertThat(fault("list")).contains("struck 1 of 2: reset");
        fault("clear");
    }

    @Test
    void a_torn_write_ends_the_server_with_old_and_new_lines_on_its_region() throws Exception {
        write(60, 1).join();
        fault("add", "torn=subset", "--command", "write", "--seed", "5");

        CompletableFuture<Integer> torn = write(60, 2);
        assertThat(server.exitStatus(Duration.ofSeconds(20))).isEqualTo(137);

        assertThat(torn).isNotDone();
        initiator.close();
        server = start();
        logIn();
        var into = ByteBuffer.allocateDirect(BLOCK);
        read(60, into).join();
        int fresh = 0;
        for (int at = 0; at < BLOCK; at += 64) {
            fresh += into.get(at) == 2 ? 1 : 0;
        }
        assertThat(fresh).isBetween(16, 48);
    }

    /// Seeds 0 to 3: the power fails while the bytes go to their place, or before.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void a_write_atomic_is_whole_or_absent_after_a_power_cut(int seed) throws Exception {
        writeAtomic(100, filled(16, 1)).join();
        fault("add", "torn=subset", "--command", "write_atomic", "--seed", String.valueOf(seed));

        CompletableFuture<Integer> torn = writeAtomic(100, filled(16, 2));
        assertThat(server.exitStatus(Duration.ofSeconds(20))).isEqualTo(137);

        assertThat(torn).isNotDone();
        initiator.close();
        boolean interrupted = isTorn(100, 16);
        server = start();
        logIn();
        ByteBuffer found = ByteBuffer.allocateDirect(16 * BLOCK);
        read(100, found).join();
        assertThat(found.clear()).isEqualTo(filled(16, interrupted ? 2 : 1));
    }

    /// Whether the file of the server that is down has several values in these blocks.
    private boolean isTorn(long block, int blocks) throws IOException {
        try (FileChannel file = FileChannel.open(region)) {
            var bytes = ByteBuffer.allocate(blocks * BLOCK);
            file.read(bytes, RegionHeader.DATA_OFFSET + block * BLOCK);
            return bytes.clear().mismatch(filled(blocks, bytes.get(0))) >= 0;
        }
    }

    @Test
    void who_asks_for_nonsense_is_told_what_to_write() {
        var err = new StringWriter();
        int exit = new CommandLine(new DsCommand())
                .setErr(new PrintWriter(err, true))
                .execute("fault", "add", "drop", "--command", "reed", "--control", server.fact("control"));

        assertThat(exit).isEqualTo(1);
        assertThat(err.toString()).contains("no command reed: one of ").contains("read, ");
    }
}
