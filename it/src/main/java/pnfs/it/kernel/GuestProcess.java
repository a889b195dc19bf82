package pnfs.it.kernel;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A guest that runs one script. Confined to one thread, but for [#freeze], [#thaw] and [#close].
final class GuestProcess implements AutoCloseable {
    private static final String NETWORK = "libslirp-helper";
    private static final Duration GOODBYE = Duration.ofSeconds(10);

    private final Process process;

    /// Takes what the guest prints, line by line.
    interface Listener {
        void line(String line) throws IOException;
    }

    private GuestProcess(Process process) {
        this.process = process;
    }

    /// Boots a guest. `out` gets what the script left in `/job/out`, the guest's `dmesg` and its `console`;
    /// what the runner itself has to say goes to `out/run`.
    static GuestProcess start(
            GuestImage image, Scenario.Guest guest, Duration limit, Map<String, String> environment, Path out)
            throws IOException {
        Files.createDirectories(out);
        var command = new ArrayList<String>(List.of(
                image.scripts().resolve("run").toString(),
                "--root",
                image.root().toString(),
                "--kernel",
                image.kernel().toString(),
                "--name",
                guest.name(),
                "--seconds",
                Long.toString(limit.toSeconds()),
                "--out",
                out.toString()));
        image.modules().ifPresent(modules -> command.addAll(List.of("--modules", modules.toString())));
        image.initramfs().ifPresent(initramfs -> command.addAll(List.of("--initramfs", initramfs.toString())));
        environment.forEach((name, value) -> command.addAll(List.of("--set", name + "=" + value)));
        for (Path file : shared(image)) {
            command.addAll(List.of("--file", file.toString()));
        }
        command.add(image.scripts().resolve("scenario").resolve(guest.script()).toString());
        command.addAll(guest.arguments());
        return new GuestProcess(new ProcessBuilder(command)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectError(out.resolve("run").toFile())
                .start());
    }

    /// What scripts find beside them.
    private static List<Path> shared(GuestImage image) throws IOException {
        try (Stream<Path> files = Files.list(image.scripts().resolve("guest"))) {
            return files.filter(file -> !file.endsWith("init")).sorted().toList();
        }
    }

    /// Hands over every line until the guest has ended.
    ///
    /// @return the script's status; 124 when the guest took too long, 125 when it died
    int follow(Listener listener) throws IOException {
        try (var lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                listener.line(line);
            }
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a guest ran");
        }
    }

    /// The machine stands still: its kernel does nothing, its connections stay.
    void freeze() throws IOException {
        signal("STOP");
    }

    /// It goes on, and finds that time has passed.
    void thaw() throws IOException {
        signal("CONT");
    }

    /// To the kernel's own process; what stands for the network outside goes on.
    private void signal(String name) throws IOException {
        ProcessHandle machine = process.children()
                .filter(child -> !child.info().command().orElse(NETWORK).endsWith(NETWORK))
                .findAny()
                .orElseThrow(() -> new IOException("the guest does not run"));
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(machine.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IOException("no SIG" + name + " for process " + machine.pid());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a guest was stopped");
        }
    }

    /// Ends the guest at once, as a machine that loses its power.
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(GOODBYE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
