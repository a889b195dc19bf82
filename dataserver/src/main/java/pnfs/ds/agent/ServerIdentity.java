package pnfs.ds.agent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;

/// Who a data server is, for life: kept in a file beside its first region, so that the two move together.
///
/// ```
/// file := "pnfs-data-server 1" LF uuid LF
/// ```
///
/// @param uuid what the metadata server knows it by
public record ServerIdentity(UUID uuid) {
    private static final String FIRST_LINE = "pnfs-data-server 1";
    private static final String SUFFIX = ".server";

    /// Reads the identity beside a region, or makes one when there is none.
    ///
    /// @throws IOException with a line for the operator when the file is not what it should be
    public static ServerIdentity beside(Path region) throws IOException {
        Path file = region.resolveSibling(region.getFileName() + SUFFIX);
        if (!Files.exists(file)) {
            var made = new ServerIdentity(UUID.randomUUID());
            made.write(file);
            return made;
        }
        List<String> lines =
                List.of(Files.readString(file, StandardCharsets.ISO_8859_1).split("\n", -1));
        if (lines.size() != 3 || !lines.getFirst().equals(FIRST_LINE)) {
            throw damaged(file);
        }
        try {
            return new ServerIdentity(UUID.fromString(lines.get(1)));
        } catch (IllegalArgumentException noUuid) {
            throw damaged(file);
        }
    }

    private static IOException damaged(Path file) {
        return new IOException(file + " is damaged or of another version: restore it, or remove it to let this data"
                + " server register as a new one");
    }

    /// Whole and durable, or not at all.
    private void write(Path file) throws IOException {
        Path half = file.resolveSibling(file.getFileName() + ".new");
        byte[] text = (FIRST_LINE + "\n" + uuid + "\n").getBytes(StandardCharsets.ISO_8859_1);
        try (var channel = FileChannel.open(
                half, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            var bytes = ByteBuffer.wrap(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }
}
