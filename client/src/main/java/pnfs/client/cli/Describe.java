package pnfs.client.cli;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import pnfs.client.FileInfo;

/// Facts about a file as text, the way `ls` has always shown them.
final class Describe {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneId.systemDefault());
    private static final String LETTERS = "rwxrwxrwx";

    private Describe() {}

    static String time(Instant instant) {
        return TIME.format(instant);
    }

    /// As `-rw-r--r--`.
    static String mode(FileInfo info) {
        var text = new StringBuilder().append(kind(info));
        for (int i = 0; i < LETTERS.length(); i++) {
            boolean set = (info.mode() >> (LETTERS.length() - 1 - i) & 1) != 0;
            text.append(set ? LETTERS.charAt(i) : '-');
        }
        return text.toString();
    }

    private static char kind(FileInfo info) {
        return switch (info.type()) {
            case REGULAR -> '-';
            case DIRECTORY -> 'd';
            case SYMLINK -> 'l';
            case BLOCK_DEVICE -> 'b';
            case CHARACTER_DEVICE -> 'c';
            case SOCKET -> 's';
            case FIFO -> 'p';
            case ATTRIBUTE_DIRECTORY, NAMED_ATTRIBUTE -> 'a';
        };
    }
}
