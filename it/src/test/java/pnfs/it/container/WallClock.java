package pnfs.it.container;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.MountableFile;

/// A clock of its own for what runs in a container, by libfaketime: the wall's only, as where somebody or NTP
/// sets it. The clock that is never set goes on as it is. Containers share that of their machine otherwise.
final class WallClock {
    private static final String LIBRARY = "/usr/local/lib/faketime.so";
    private static final String OFFSET = "/var/lib/pnfs/clock";
    /// In front of a command, which then goes by [#toSet].
    static final String OF_COMMAND = String.join(
            " ",
            "env",
            "LD_PRELOAD=" + LIBRARY,
            "FAKETIME_TIMESTAMP_FILE=" + OFFSET,
            "FAKETIME_NO_CACHE=1", // a change counts at once
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            // Waits on conditions go by the clock that is never set, which it would not believe of the JVM's.
            "FAKETIME_FORCE_MONOTONIC_FIX=0",
            "");

    private WallClock() {}

    /// Puts the library in. Where this machine has none the test is skipped, and fails in CI.
    static void addTo(GenericContainer<?> container) {
        Path library = List.of("x86_64", "aarch64").stream()
                .map(machine -> Path.of("/usr/lib", machine + "-linux-gnu", "faketime", "libfaketimeMT.so.1"))
                .filter(Files::exists)
                .findFirst()
                .orElseThrow(() -> Engine.lacks("no libfaketime on this machine: apt-get install faketime"));
        container.withCopyFileToContainer(MountableFile.forHostPath(library), LIBRARY);
    }

    /// A command for a shell in the container. In one step: who finds the file empty ends the process.
    static String toSet(Duration ahead) {
        return "echo %1$+d > %2$s.new && mv %2$s.new %2$s".formatted(ahead.toSeconds(), OFFSET);
    }
}
