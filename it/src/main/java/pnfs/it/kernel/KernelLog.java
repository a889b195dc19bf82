package pnfs.it.kernel;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/// What a kernel had to say, and which of it is nobody's wish.
final class KernelLog {
    /// Defects of the kernel or of what it was told, and I/O that went wrong. That a unit has no name as a
    /// multipath device is how it looks for one.
    private static final Pattern TROUBLE = Pattern.compile(
            "WARNING:|BUG:|Oops|Call Trace|general protection|Kernel panic|blocked for more than|refcount_t:"
                    + "|I/O error|pNFS:(?!.*dm-uuid-mpath).*(fail|unable|error|no device)|failed to unregister|\\bNFS:.*(error|fail|unexpected|server .* error)|nfs: server .* not responding"
                    + "|Unknown NFS|state manager|reservation conflict|sd .*(Sense Key|FAILED)|detected conn error",
            Pattern.CASE_INSENSITIVE);

    private KernelLog() {}

    /// Lines of `dmesg` that speak of trouble, without those that `expected` describes.
    static List<String> trouble(Path dmesg, List<Pattern> expected) throws IOException {
        return lines(dmesg).stream()
                .filter(line -> TROUBLE.matcher(line).find())
                .filter(line ->
                        expected.stream().noneMatch(known -> known.matcher(line).find()))
                .toList();
    }

    private static List<String> lines(Path dmesg) throws IOException {
        try {
            return Files.readAllLines(dmesg, StandardCharsets.UTF_8);
        } catch (MalformedInputException e) {
            return Files.readAllLines(dmesg, StandardCharsets.ISO_8859_1);
        }
    }
}
