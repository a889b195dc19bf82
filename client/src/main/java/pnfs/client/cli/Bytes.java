package pnfs.client.cli;

import java.time.Duration;
import java.util.Locale;

/// Numbers of bytes for people: `812 B`, `4.0 KiB`, `1.5 GiB`.
public final class Bytes {
    private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private Bytes() {}

    public static String human(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes / 1024.0;
        int unit = 0;
        // 1023.95 would be printed as 1024.0
        while (value >= 1023.95 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
    }

    /// A rate, as `1.2 GiB/s`.
    public static String rate(long bytes, Duration time) {
        return human((long) (bytes / Math.max(time.toNanos() / 1e9, 1e-9))) + "/s";
    }
}
