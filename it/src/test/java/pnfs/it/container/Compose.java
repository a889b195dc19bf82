package pnfs.it.container;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The repository's `docker-compose.yml`, brought up under a name of its own and with ports that are free.
/// Confined to one thread.
final class Compose implements AutoCloseable {
    private static final Path TOP = Path.of("..");
    private static final String PROJECT = "pnfs-compose-test";
    /// What `.env` fixes and two clusters on one machine cannot share.
    private static final List<String> PORTS = List.of(
            "PNFS_NFS_PORT",
            "PNFS_CONTROL_PORT",
            "PNFS_DS1_PORT",
            "PNFS_DS2_PORT",
            "PNFS_MDS_METRICS_PORT",
            "PNFS_DS1_METRICS_PORT",
            "PNFS_DS2_METRICS_PORT");

    private final List<String> command;
    private final Map<String, String> environment = new HashMap<>();

    private Compose(List<String> command) throws IOException {
        this.command = command;
        environment.put("PNFS_IMAGE", Engine.IMAGE);
        var taken = new ArrayList<ServerSocket>();
        for (String port : PORTS) {
            var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            taken.add(socket);
            environment.put(port, Integer.toString(socket.getLocalPort()));
        }
        for (ServerSocket socket : taken) {
            socket.close();
        }
    }

    /// Version 2, or 1 where that is what there is. Where there is neither the test is skipped, and fails in CI.
    static Compose find() throws IOException {
        for (List<String> command : List.of(List.of("docker", "compose"), List.of("docker-compose"))) {
            var compose = new Compose(command);
            if (compose.answers()) {
                return compose;
            }
        }
        throw Engine.lacks("no docker compose and no docker-compose: apt-get install docker-compose");
    }

    private boolean answers() {
        try {
            run("version");
            return true;
        } catch (IOException absent) {
            return false;
        }
    }

    /// Runs one of its commands, which must end well, and returns what it said.
    String run(String... arguments) throws IOException {
        var words = new ArrayList<>(command);
        words.addAll(List.of("--project-name", PROJECT));
        words.addAll(List.of(arguments));
        var builder = new ProcessBuilder(words).directory(TOP.toFile()).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", words) + ": " + said);
            }
            return said;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while compose ran");
        }
    }

    /// Where a port of `.env` is published.
    InetSocketAddress published(String port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(environment.get(port)));
    }

    @Override
    public void close() throws IOException {
        run("down", "--volumes", "--remove-orphans");
    }
}
