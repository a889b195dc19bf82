package pnfs.it.process;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/// What happened in a [TortureRun], a line each with its time as servers log theirs: `torture.log` in the folder
/// of the cluster. Safe for all threads.
final class TortureLog implements AutoCloseable {
    private final PrintWriter lines;

    TortureLog(Path folder) throws IOException {
        lines = new PrintWriter(Files.newBufferedWriter(folder.resolve("torture.log"), StandardCharsets.UTF_8));
    }

    void note(String what) {
        lines.println(Instant.now() + " " + what);
        lines.flush();
    }

    /// Where `failure` came from, too.
    void note(String what, Throwable failure) {
        var trace = new StringWriter();
        failure.printStackTrace(new PrintWriter(trace, true));
        note(what + ": " + trace);
    }

    @Override
    public void close() {
        lines.close();
    }
}
