package pnfs.wire.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How many accepted connections a process keeps open, over all its listeners: the system bounds the files that
/// it may have open, and a server whose peers have taken all of them cannot open its own any more, as the next
/// table of a store or the next log. Clients leave an eighth of the connections, at most 64, to the cluster's
/// own servers and to those who watch: a data server must get back to its metadata server whatever clients do.
///
/// Safe for all threads.
public final class Admission {
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final Pattern SOFT_LIMIT = Pattern.compile("(?m)^Max open files\\s+(\\d{1,9})\\s");
    /// Class path, store, loops and logs of a server come to some hundred and fifty.
    private static final int LEAST_OF_ITS_OWN = 256;

    private static final int MOST_FOR_INSIDERS = 64;

    private static final Admission PROCESS = new Admission(connections());

    private final int most;
    private final int mostForClients;
    private final AtomicInteger open = new AtomicInteger();

    Admission(int most) {
        this.most = most;
        this.mostForClients = most - Math.min(most / 8, MOST_FOR_INSIDERS);
    }

    /// What all listeners of this process share.
    public static Admission ofProcess() {
        return PROCESS;
    }

    /// Counts a client's connection, unless there are enough. True: [#left] is to be called when it is closed.
    boolean client() {
        return admit(mostForClients);
    }

    /// As [#client], for a connection of our own servers and of who watches them.
    public boolean insider() {
        return admit(most);
    }

    private boolean admit(int bound) {
        if (open.incrementAndGet() <= bound) {
            return true;
        }
        left();
        return false;
    }

    public void left() {
        open.decrementAndGet();
    }

    /// So many connections may be there at once: all that the system allows but a quarter, at least 256 but no
    /// more than half; no bound where it does not say.
    private static int connections() {
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
