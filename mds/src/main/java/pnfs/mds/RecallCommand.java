package pnfs.mds;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.RecalledClient;
import pnfs.wire.control.proto.RecalledLayouts;
import pnfs.wire.control.proto.Request;

/// `pnfs mds recall`: has a running metadata server recall layouts.
@Command(
        name = "recall",
        description = "Recalls layouts that are in nobody's way, and shows how clients answer: for tests of clients."
                + " Who does not give them back within a lease is fenced.",
        footer = {"", "Example: pnfs mds recall --file /data/a --offset 0 --length 1048576"})
final class RecallCommand implements Callable<Integer> {
    /// More than any lease, and the seconds around it.
    private static final Duration PATIENCE = Duration.ofHours(1).plusSeconds(10);

    private static final long MICROS_PER_MILLI = 1000;

    @Mixin
    private RunningServer server = new RunningServer();

    @ArgGroup(multiplicity = "1")
    private Scope scope = new Scope();

    /// What to recall.
    private static final class Scope {
        @ArgGroup(exclusive = false, multiplicity = "1")
        private @Nullable Part part;

        @Option(
                names = "--export",
                paramLabel = "PATH",
                description =
                        "All layouts in this export (LAYOUTRECALL4_FSID). Linux answers that it has none and drops"
                                + " what it wrote and has not committed.")
        private @Nullable String export;

        @Option(names = "--all", description = "All layouts (LAYOUTRECALL4_ALL); Linux does as with --export.")
        private boolean all;
    }

    /// A file, or a part of it.
    private static final class Part {
        @Option(
                names = "--file",
                paramLabel = "PATH",
                required = true,
                description = "The layouts of this file (LAYOUTRECALL4_FILE), named from the root as clients see it.")
        private String path = "";

        @Option(names = "--offset", paramLabel = "BYTES", description = "From here on.")
        private long offset;

        @Option(names = "--length", paramLabel = "BYTES", description = "So much of it; 0 is all (default: all).")
        private long length;
    }

    @Override
    public Integer call() throws InterruptedException {
        var wanted = RecallLayouts.newBuilder();
        Part part = scope.part;
        String export = scope.export;
        if (part != null) {
            wanted.setFile(RecallLayouts.FilePart.newBuilder()
                    .setPath(part.path)
                    .setOffset(part.offset)
                    .setLength(part.length));
        } else if (export != null) {
            wanted.setExport(export);
        } else if (scope.all) {
            wanted.setAll(RecallLayouts.Everything.getDefaultInstance());
        }
        return server.talk(PATIENCE, ask -> {
            RecalledLayouts recalled =
                    ask.apply(Request.newBuilder().setRecallLayouts(wanted)).getRecalledLayouts();
            recalled.getClientsList().forEach(client -> server.say(line(client)));
            long answered = recalled.getClientsList().stream()
                    .filter(client -> !client.getAnswer().isEmpty())
                    .count();
            long slowest = recalled.getClientsList().stream()
                    .mapToLong(RecalledClient::getEndedMicros)
                    .max()
                    .orElse(0);
            server.say(answered + " of " + recalled.getCount() + " answered, all over after " + millis(slowest));
        });
    }

    private static String line(RecalledClient client) {
        String answer = client.getAnswer().isEmpty()
                ? "did not answer"
                : "answered " + client.getAnswer() + " after " + millis(client.getAnsweredMicros());
        String delays = client.getDelays() == 0 ? "" : " (DELAY " + client.getDelays() + " times)";
        return "client " + Long.toHexString(client.getClientId()) + " " + client.getLayoutType() + ": " + answer
                + delays + ", " + client.getEnding() + " after " + millis(client.getEndedMicros());
    }

    private static String millis(long micros) {
        return micros / MICROS_PER_MILLI + " ms";
    }
}
