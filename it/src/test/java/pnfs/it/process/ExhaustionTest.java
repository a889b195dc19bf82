package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import pnfs.client.Addresses;
import pnfs.client.ClientOptions;
import pnfs.client.DirectoryEntry;
import pnfs.client.PnfsClient;

/// I5 when the machine has nothing left to give to a metadata server: no space on its disk, no descriptors.
@Timeout(180)
class ExhaustionTest {
    private static final int FILES = 300;
    private static final Duration END_LIMIT = Duration.ofSeconds(60);
    private static final ClientOptions IMPATIENT = ClientOptions.defaults().withPatience(Duration.ofSeconds(3));

    @TempDir
    Path folder;

    @Test
    void I5_a_full_disk_ends_the_server_with_a_word_and_all_that_was_acknowledged_is_there_when_it_has_space()
            throws Exception {
        try (var disk = SmallDisk.mount(folder.resolve("disk"))) {
            List<String> acknowledged;
            try (ServerProcess server = start(disk.enter())) {
                disk.fill();
                acknowledged = makeDirectoriesUntilRefused(server);

                assertThat(server.exitStatus(END_LIMIT)).isEqualTo(1);
                assertThat(server.log())
                        .content()
                        .contains(
                                "the store cannot be written",
                                "what was acknowledged is in it",
                                "Free space on its disk");
            }
            disk.fill();
            assertThatThrownBy(() -> start(disk.enter()).close()).hasMessageContaining("Free space on its disk");

            disk.removeFiller();
            try (ServerProcess server = start(disk.enter());
                    PnfsClient client = PnfsClient.connect(Addresses.parse(server.fact("nfs")), IMPATIENT)) {
                assertThat(client.list("/").stream().map(DirectoryEntry::name)).containsAll(acknowledged);
            }
        }
    }

    private List<String> makeDirectoriesUntilRefused(ServerProcess server) throws IOException {
        var made = new ArrayList<String>();
        try (PnfsClient client = PnfsClient.connect(Addresses.parse(server.fact("nfs")), IMPATIENT)) {
            while (true) {
                String name = "d" + made.size() + "-" + "x".repeat(200);
                client.mkdir("/" + name);
                made.add(name);
            }
        } catch (IOException refused) {
            return made;
        }
    }

    @Test
    void connections_to_all_ports_together_take_no_descriptors_that_the_server_needs_for_itself() throws Exception {
        try (ServerProcess server = start(List.of("prlimit", "--nofile=" + FILES))) {
            InetSocketAddress nfs = Addresses.parse(server.fact("nfs"));
            InetSocketAddress control = Addresses.parse(server.fact("control"));
            try (PnfsClient before = PnfsClient.connect(nfs, IMPATIENT)) {
                List<Socket> clients = connect(nfs);
                assertThat(PnfsClient.status(control).dataServers())
                        .as("clients leave room for the control port")
                        .isEmpty();
                List<Socket> watchers = connect(Addresses.parse(server.fact("metrics")));
                List<Socket> others = connect(control);
                assertThat(openFiles(server)).isLessThan(FILES);
                before.mkdir("/while-all-were-there");
                closeAll(clients);
                closeAll(watchers);
                closeAll(others);

                try (PnfsClient after = PnfsClient.connect(nfs, ClientOptions.defaults())) {
                    assertThat(after.list("/")).hasSize(1);
                }
            }
            assertThat(server.log()).content().doesNotContain("Too many open files");
        }
    }

    private static List<Socket> connect(InetSocketAddress address) throws IOException {
        var sockets = new ArrayList<Socket>();
        for (int i = 0; i < FILES; i++) {
            sockets.add(new Socket(address.getAddress(), address.getPort()));
        }
        return sockets;
    }

    private static void closeAll(List<Socket> sockets) throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private static long openFiles(ServerProcess server) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
            return descriptors.count();
        }
    }

    private ServerProcess start(List<String> wrapper) throws IOException {
        return ServerProcess.startThrough(
                wrapper,
                "mds",
                folder.resolve("mds.log"),
                List.of("-Xmx256m"),
                List.of(
                        "mds",
                        "--store",
                        folder.resolve("disk").resolve("mds").toString(),
                        "--listen",
                        "127.0.0.1:0",
                        "--control",
                        "127.0.0.1:0",
                        "--metrics",
                        "127.0.0.1:0"));
    }

    /// A file system of a few megabytes in memory, which only those processes see that enter.
    private static final class SmallDisk implements AutoCloseable {
        static final int BYTES = 8 << 20;

        private final Path at;
        private final Process keeper;

        private SmallDisk(Path at, Process keeper) {
            this.at = at;
            this.keeper = keeper;
        }

        static SmallDisk mount(Path at) throws IOException {
            Files.createDirectory(at);
            String mount = "mount -t tmpfs -o size=" + BYTES + " pnfs " + at + " && echo mounted && exec cat";
            Process keeper = new ProcessBuilder("unshare", "--mount", "sh", "-c", mount)
                    .redirectErrorStream(true)
                    .start();
            var disk = new SmallDisk(at, keeper);
            InputStream said = keeper.getInputStream();
            var mounted = new String(said.readNBytes("mounted".length()), StandardCharsets.UTF_8);
            assumeThat(mounted).as("only root may mount").isEqualTo("mounted");
            return disk;
        }

        /// The command that lets another in.
        List<String> enter() {
            return List.of("nsenter", "--mount=/proc/" + keeper.pid() + "/ns/mnt", "--");
        }

        private Path inside() {
            return Path.of("/proc/" + keeper.pid() + "/root" + at);
        }

        void fill() throws IOException {
            try (OutputStream filler = Files.newOutputStream(inside().resolve("filler"))) {
                while (true) {
                    filler.write(new byte[4096]);
                }
            } catch (IOException full) {
                assertThat(full).hasMessageContaining("No space left");
            }
        }

        void removeFiller() throws IOException {
            Files.delete(inside().resolve("filler"));
        }

        @Override
        public void close() {
            keeper.destroyForcibly();
        }
    }
}
