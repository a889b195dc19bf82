package pnfs.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.rocksdb.util.Environment;

/// Makes an image smaller and its servers start sooner. RocksDB's jar has its library for a dozen kinds of
/// machines, and a process unpacks that of its own at each start. `RocksLibrary JAR FOLDER` puts the one for
/// this machine into a folder, for `java.library.path`, and leaves none in the jar: 1 MB of 92.
public final class RocksLibrary {
    private static final String ANY = "librocksdbjni";

    private RocksLibrary() {}

    public static void main(String[] arguments) throws IOException {
        Path jar = Path.of(arguments[0]);
        Path folder = Files.createDirectories(Path.of(arguments[1]));
        String ours = Environment.getJniLibraryFileName("rocksdb");
        Path smaller = Files.createTempFile(jar.toAbsolutePath().getParent(), "rocksdb", ".new");
        try (var from = new ZipFile(jar.toFile());
                var to = new ZipOutputStream(Files.newOutputStream(smaller))) {
            ZipEntry library = from.getEntry(ours);
            if (library == null) {
                throw new IOException(jar + " has no " + ours + ": RocksDB does not run on this machine");
            }
            try (var bytes = from.getInputStream(library)) {
                Files.copy(bytes, folder.resolve(ours), StandardCopyOption.REPLACE_EXISTING);
            }
            List<? extends ZipEntry> others = from.stream()
                    .filter(entry -> !entry.getName().startsWith(ANY))
                    .toList();
            for (ZipEntry entry : others) {
                to.putNextEntry(new ZipEntry(entry.getName()));
                try (var bytes = from.getInputStream(entry)) {
                    bytes.transferTo(to);
                }
            }
        }
        Files.setPosixFilePermissions(smaller, Files.getPosixFilePermissions(jar));
        Files.move(smaller, jar, StandardCopyOption.REPLACE_EXISTING);
    }
}
