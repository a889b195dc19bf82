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
    /// Class path, store, loops and logs of a server come to some hundred and fifty.
    private static final int LEAST_OF_ITS_OWN = 256;

    private OpenFiles() {}

    /// So many connections may be there at once: all that the system allows but a quarter, at least 256 but no
    /// more than half; no bound where it does not say.
    static int connections() {
        try {
            Matcher limit = SOFT_LIMIT.matcher(Files.readString(LIMITS));
            if (!limit.find()) {
                return Integer.MAX_VALUE;
            }
            int files = Integer.parseInt(limit.group(1));
            return Math.max(1, files - Math.min(files / 2, Math.max(LEAST_OF_ITS_OWN, files / 4)));
        } catch (IOException notLinux) {
            return Integer.MAX_VALUE;
        }
    }
}
