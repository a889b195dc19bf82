package pnfs.it.kernel;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a kernel had to say, and which of it is nobody's wish.
final class KernelLog {
    /// Defects of the kernel or of what it was told, and I/O that went wrong. That a unit has no name as a
    /// multipath device is how it looks for one.
    private static final Pattern TROUBLE = Pattern.compile(
            "WARNING:|BUG:|\\bOops\\b|Call Trace|general protection|Kernel panic|blocked for more than|refcount_t:"
                    + "|I/O error|nexus error|pNFS:(?!.*dm-uuid-mpath).*(fail|unable|error|no device)|failed to unregister|\\bNFS:.*(error|fail|unexpected|server .* error)|nfs: server .* not responding"
                    + "|Unknown NFS|state manager|reservation conflict|sd .*(Sense Key|FAILED)|detected conn error",
            Pattern.CASE_INSENSITIVE);

    /// A disk taken for a layout, and with it the key that Linux registered there.
    private static final Pattern REGISTERED =
            Pattern.compile("pNFS: using block device \\S+ \\(reservation key \\S+\\)");

    private static final String CONFLICT = "reservation conflict";
    private static final String NOT_UNREGISTERED = "failed to unregister PR key";

    private KernelLog() {}

    /// Lines of `dmesg` that speak of trouble, without those that `expected` describes.
    static List<String> trouble(Path dmesg, List<Pattern> expected) throws IOException {
        return withoutLostRaces(lines(dmesg)).stream()
                .filter(line -> TROUBLE.matcher(line).find())
                .filter(line ->
                        expected.stream().noneMatch(known -> known.matcher(line).find()))
                .toList();
    }

    /// Two programs that need the same unknown device at once make Linux ask for it, and register its key,
    /// twice. It keeps one of both and unregisters the other's key, which is the same key; so the last
    /// unregistration, at unmount, meets a conflict. That one pair of lines is forgiven for each such double,
    /// and no other conflict is.
    private static List<String> withoutLostRaces(List<String> lines) {
        Set<String> seen = new HashSet<>();
        long doubles = lines.stream()
                .map(REGISTERED::matcher)
                .filter(Matcher::find)
                .filter(registered -> !seen.add(registered.group()))
                .count();
        List<String> kept = new ArrayList<>(lines);
        for (int i = 1; i < kept.size() && doubles > 0; i++) {
            if (kept.get(i).contains(NOT_UNREGISTERED) && kept.get(i - 1).contains(CONFLICT)) {
                kept.subList(i - 1, i + 1).clear();
                i--;
                doubles--;
            }
        }
        return kept;
    }

    private static List<String> lines(Path dmesg) throws IOException {
        try {
            return Files.readAllLines(dmesg, StandardCharsets.UTF_8);
        } catch (MalformedInputException e) {
            return Files.readAllLines(dmesg, StandardCharsets.ISO_8859_1);
        }
    }
}
