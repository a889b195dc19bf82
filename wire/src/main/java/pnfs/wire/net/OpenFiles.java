package pnfs.wire.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How many files this process may have open, connections included. A server whose clients have taken all of them
/// cannot open its own any more: the next table of a store, the next log.
final class OpenFiles {
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final Pattern SOFT_LIMIT = Pattern.compile("(?m)^Max open files\\s+(\\d{1,9})\\s");

    private OpenFiles() {}

    /// So many connections may be there at once: half of what the system allows, and no bound where it does not
    /// say.
    static int connections() {
        try {
            Matcher limit = SOFT_LIMIT.matcher(Files.readString(LIMITS));
            return limit.find() ? Math.max(1, Integer.parseInt(limit.group(1)) / 2) : Integer.MAX_VALUE;
        } catch (IOException notLinux) {
            return Integer.MAX_VALUE;
        }
    }
}
