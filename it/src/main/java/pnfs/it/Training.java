package pnfs.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import pnfs.client.Addresses;
import pnfs.client.ClusterStatus;
import pnfs.client.PnfsClient;
import pnfs.it.process.ServerProcess;

/// A metadata server, a data server and a few commands of a client, once and for nobody, all in this JVM:
/// started with `-XX:AOTCacheOutput=FILE` it leaves there what a start costs most, loaded and linked classes,
/// and with `-XX:AOTCache=FILE` servers and commands map them into memory. Its class path has to be theirs, of
/// jars only.
///
/// Its argument is a folder for what the servers keep; whoever names it removes it.
public final class Training {
    private static final String ANY_PORT = "127.0.0.1:0";
    private static final Duration REGISTRATION_LIMIT = Duration.ofSeconds(30);
    private static final Duration REGISTRATION_POLL = Duration.ofMillis(50);

    private Training() {}

    /// Its status is 0 when all of it went well.
    public static void main(String[] arguments) {
        int status = 0;
        try {
            train(Path.of(arguments[0]));
        } catch (IOException | InterruptedException e) {
            System.err.println("training: " + e.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private static void train(Path folder) throws IOException, InterruptedException {
        String store = folder.resolve("mds").toString();
        Map<String, String> mds = serve("mds", "--store", store, "--listen", ANY_PORT, "--control", ANY_PORT);
        String control = mds.getOrDefault("control", "");
        String region = folder.resolve("ds.region").toString();
        serve("ds", "--region", region, "--create", "64MiB", "--listen", ANY_PORT, "--mds", control);
        awaitDataServer(control);

        Path file = Files.write(folder.resolve("file"), new byte[100_000]);
        Path copy = folder.resolve("copy");
        String[] cluster = {"--mds", mds.getOrDefault("nfs", ""), "--control", control};
        run(cluster, "cp", file.toString(), "pnfs:/file");
        run(cluster, "ls", "pnfs:/");
        run(cluster, "cp", "pnfs:/file", copy.toString());
        run(cluster, "rm", "pnfs:/file");
    }

    /// Starts a server that runs until this JVM ends.
    ///
    /// @return the facts of its ready line
    private static Map<String, String> serve(String... arguments) throws IOException {
        var said = new PipedReader();
        var out = new PrintWriter(new PipedWriter(said));
        Thread.ofPlatform().daemon().start(() -> {
            try (out) {
                Pnfs.commandLine(arguments).setOut(out).execute(arguments);
            }
        });
        String line = new BufferedReader(said).readLine();
        if (line == null) {
            throw new IOException(arguments[0] + " did not start; it has said why");
        }
        return ServerProcess.facts(line);
    }

    private static void awaitDataServer(String control) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + REGISTRATION_LIMIT.toNanos();
        while (PnfsClient.status(Addresses.parse(control)).dataServers().stream()
                .noneMatch(ClusterStatus.DataServer::online)) {
            if (System.nanoTime() > deadline) {
                throw new IOException("the data server has not registered after " + REGISTRATION_LIMIT);
            }
            TimeUnit.NANOSECONDS.sleep(REGISTRATION_POLL.toNanos());
        }
    }

    private static void run(String[] cluster, String... command) throws IOException {
        var arguments = new String[command.length + cluster.length];
        System.arraycopy(command, 0, arguments, 0, command.length);
        System.arraycopy(cluster, 0, arguments, command.length, cluster.length);
        int status = Pnfs.commandLine(arguments)
                .setOut(new PrintWriter(Writer.nullWriter()))
                .execute(arguments);
        if (status != 0) {
            throw new IOException("'" + String.join(" ", command) + "' ended with status " + status);
        }
    }
}
