package pnfs.it.demo;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Real files that every machine with our JDK has: its `lib/modules` of more than 100 MB, and some hundred
/// small ones.
record SampleFiles(Path big, Path home, List<Path> small) {
    private static final List<String> FOLDERS = List.of("legal", "conf", "include", "man");
    private static final long MAX_SMALL_BYTES = 1 << 20;
    static final int MIN_SMALL_FILES = 200;
    static final long MIN_BIG_BYTES = 100_000_000;

    SampleFiles {
        small = List.copyOf(small);
    }

    static SampleFiles ofThisJdk() throws IOException {
        Path home = Path.of(System.getProperty("java.home"));
        Path big = home.resolve("lib", "modules");
        var small = new ArrayList<Path>();
        for (String folder : FOLDERS) {
            if (Files.isDirectory(home.resolve(folder))) {
                try (Stream<Path> found = Files.walk(home.resolve(folder), FileVisitOption.FOLLOW_LINKS)) {
                    found.filter(Files::isRegularFile).forEach(small::add);
                }
            }
        }
        for (Path path : List.copyOf(small)) {
            if (Files.size(path) > MAX_SMALL_BYTES) {
                small.remove(path);
            }
        }
        if (!Files.isRegularFile(big) || Files.size(big) < MIN_BIG_BYTES || small.size() < MIN_SMALL_FILES) {
            throw new IOException("the JDK at " + home + " has no lib/modules of 100 MB or fewer than "
                    + MIN_SMALL_FILES + " small files (" + small.size() + "): use a full JDK, such as Temurin 25");
        }
        return new SampleFiles(big, home, small.stream().sorted().toList());
    }

    /// Where a small file goes in the cluster, below `root`.
    String target(String root, Path file) {
        return root + "/" + home.relativize(file);
    }
}
