package pnfs.it.process;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/// One of our servers as a child JVM. Its output goes to a log file, in which it says `ready key=value…` once
/// it serves; a child that ends before that is reported with the last lines of its log. Children die with us,
/// unless [#leaveRunning] was called. Confined to one thread.
public final class ServerProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(10);
    private static final int TAIL_LINES = 12;
    private static final String READY = "ready ";
    /// Those that the end of this JVM takes along, also when a user interrupts it.
    private static final Set<Process> OURS = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> OURS.forEach(Process::destroyForcibly), "kill-children"));
    }

    private final String name;
    private final Path log;
    private final Process process;
    /// Where what this process says begins in the log.
    private final long logStart;
    /// Empty before [#awaitReady].
    private Map<String, String> ready = Map.of();

    private ServerProcess(String name, Path log, Process process, long logStart) {
        this.name = name;
        this.log = log;
        this.process = process;
        this.logStart = logStart;
    }

    /// Starts `pnfs ARGUMENTS…` with this JVM's own class path, and returns once it is ready. `jvm` are options
    /// of the child's JVM; `log` is appended to, so that a restart continues it.
    public static ServerProcess start(String name, Path log, List<String> jvm, List<String> arguments)
            throws IOException {
        return startThrough(List.of(), name, log, jvm, arguments);
    }

    /// As the other, by a command that becomes the command behind it, as `prlimit --nofile=200` does.
    static ServerProcess startThrough(
            List<String> wrapper, String name, Path log, List<String> jvm, List<String> arguments) throws IOException {
        ServerProcess process = launch(wrapper, name, log, jvm, arguments);
        process.awaitReady();
        return process;
    }

    /// As [#start], but returns before it is ready.
    static ServerProcess launch(String name, Path log, List<String> jvm, List<String> arguments) throws IOException {
        return launch(List.of(), name, log, jvm, arguments);
    }

    private static ServerProcess launch(
            List<String> wrapper, String name, Path log, List<String> jvm, List<String> arguments) throws IOException {
        long logStart = Files.exists(log) ? Files.size(log) : 0;
        var command = new ArrayList<>(wrapper);
        command.addAll(command(jvm, arguments));
        Process process = new ProcessBuilder(command)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()))
                .start();
        OURS.add(process);
        return new ServerProcess(name, log, process, logStart);
    }

    /// Returns once it is ready. One that ends before, or is not ready after a minute, is ended and reported.
    void awaitReady() throws IOException {
        try {
            ready = readyFacts();
        } catch (IOException | RuntimeException e) {
            process.destroyForcibly();
            OURS.remove(process);
            throw e;
        }
    }

    /// Runs `pnfs ARGUMENTS…` to its end, which must be a good one.
    static void run(Path log, List<String> arguments) throws IOException {
        Process process = new ProcessBuilder(command(List.of(), arguments))
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()))
                .start();
        try {
            if (process.waitFor() != 0) {
                throw new IOException("pnfs " + String.join(" ", arguments) + " failed: " + tail(log));
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while pnfs " + arguments.getFirst() + " ran");
        }
    }

    private static List<String> command(List<String> jvm, List<String> arguments) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.library.path=" + System.getProperty("java.library.path")));
        String archive = System.getProperty("pnfs.aot");
        if (archive != null && Files.exists(Path.of(archive))) {
            command.addAll(List.of("-XX:AOTCache=" + archive, "-Xlog:aot=off,cds=off")); // as the launcher starts them
        }
        command.addAll(jvm);
        // What a test's class path has of its own is not for servers.
        command.add("-Dlogback.configurationFile=logback.xml");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "pnfs.it.Pnfs"));
        command.addAll(arguments);
        return command;
    }

    private Map<String, String> readyFacts() throws IOException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            boolean ended = !process.isAlive(); // asked before the log is read, so that its last words are in it
            for (String line : completeLines(log, logStart)) {
                if (line.startsWith(READY)) {
                    return facts(line);
                }
            }
            if (ended) {
                throw new IOException(
                        name + " ended with status " + process.exitValue() + " before it was ready: " + tail(log));
            }
            pause();
        }
        throw new IOException(name + " was not ready after " + START_LIMIT.toSeconds() + " s: " + tail(log));
    }

    private static void pause() throws InterruptedIOException {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a server");
        }
    }

    private static List<String> completeLines(Path log, long from) throws IOException {
        byte[] bytes = Files.readAllBytes(log);
        var text = new String(bytes, (int) from, bytes.length - (int) from, StandardCharsets.UTF_8);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }

    /// The `key=value` words of a ready line.
    public static Map<String, String> facts(String line) {
        var facts = new HashMap<String, String>();
        for (String word : line.split(" ", -1)) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                facts.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        return Map.copyOf(facts);
    }

    private static String tail(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return String.join(System.lineSeparator(), lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    }

    /// What the ready line said of `key`, as `nfs=127.0.0.1:20490` does of `nfs`.
    public String fact(String key) {
        String value = ready.get(key);
        if (value == null) {
            throw new IllegalStateException(name + " said nothing of " + key + " when it was ready: " + ready);
        }
        return value;
    }

    public String name() {
        return name;
    }

    public long pid() {
        return process.pid();
    }

    public Path log() {
        return log;
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /// `kill -9`: nothing of the process runs after this returns.
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /// Waits until it has ended by itself, or for so long.
    ///
    /// @return its exit status
    int exitStatus(Duration patience) throws IOException, InterruptedException {
        if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException(name + " has not ended after " + patience);
        }
        OURS.remove(process);
        return process.exitValue();
    }

    /// Lets it live on after this JVM ends.
    public void leaveRunning() {
        OURS.remove(process);
    }

    /// Orderly, and by force when that takes too long.
    @Override
    public void close() {
        process.destroy();
        awaitEnd();
    }

    private void awaitEnd() {
        try {
            if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            OURS.remove(process);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
