package pnfs.client.cli;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import pnfs.client.Counters;
import pnfs.client.DirectoryEntry;
import pnfs.client.FileCopy;
import pnfs.client.FileInfo;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsException;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;

/// `pnfs cp`: first what is to be copied is listed, so that the bar knows its end, then it is copied.
@Command(
        name = "cp",
        description = "Copy files between this machine and the cluster.",
        footer = {
            "",
            "Paths of the cluster begin with 'pnfs:'. Examples:",
            "  pnfs cp report.pdf pnfs:/home/",
            "  pnfs cp -r photos pnfs:/home",
            "  pnfs cp pnfs:/home/report.pdf ."
        })
public final class Cp implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = {"-r", "--recursive"},
            description = "Folders with everything in them.")
    private boolean recursive;

    @Option(
            names = {"-q", "--quiet"},
            description = "Neither bar nor summary.")
    private boolean quiet;

    @Option(
            names = "--json",
            description = "In place of the summary a line on stdout: files, bytes, seconds, bytes_direct,"
                    + " bytes_through_mds.")
    private boolean json;

    @Parameters(paramLabel = "PATH", arity = "2..*", description = "What to copy, then where to.")
    private List<String> paths = List.of();

    /// One file to copy: its path on either side, and its bytes.
    private record Item(String source, String target, long bytes) {}

    /// Everything to copy: folders first, those above before those in them.
    private record Plan(List<String> folders, List<Item> items) {
        Plan() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        long bytes() {
            return items.stream().mapToLong(Item::bytes).sum();
        }
    }

    @Override
    public Integer call() throws IOException {
        List<String> sources = paths.subList(0, paths.size() - 1);
        String target = paths.getLast();
        boolean in = ClusterPath.isMarked(target);
        if (sources.stream().anyMatch(source -> ClusterPath.isMarked(source) == in)) {
            throw usage("one side is the cluster and begins with 'pnfs:', the other is local");
        }
        try (PnfsClient client = cluster.connect()) {
            long start = System.nanoTime();
            Plan plan = in ? planIn(client, sources, ClusterPath.of(target)) : planOut(client, sources, target);
            copy(client, plan, in);
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            if (json) {
                System.out.println(json(client.counters(), plan, time));
            } else if (!quiet) {
                summary(client.counters(), plan, time);
            }
        }
        return 0;
    }

    private void copy(PnfsClient client, Plan plan, boolean in) throws IOException {
        for (String folder : plan.folders()) {
            if (in) {
                client.mkdirs(folder);
            } else {
                Files.createDirectories(Path.of(folder));
            }
        }
        try (var progress = Progress.bytes("cp", plan.bytes(), quiet)) {
            for (Item item : plan.items()) {
                if (in) {
                    FileCopy.in(Path.of(item.source()), client, item.target(), progress::step);
                } else {
                    FileCopy.out(client, item.source(), Path.of(item.target()), progress::step);
                }
            }
        }
    }

    private Plan planIn(PnfsClient client, List<String> sources, String target) throws IOException {
        boolean intoFolder = targetIsFolder(sources, isFolder(client, target), target);
        var plan = new Plan();
        for (String source : sources) {
            Path root = Path.of(source);
            String to = intoFolder ? ClusterPath.child(target, localName(root)) : target;
            if (!Files.isDirectory(root)) {
                plan.items().add(new Item(source, to, Files.size(root)));
                continue;
            }
            requireRecursive(source);
            try (Stream<Path> found = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
                for (Path path : (Iterable<Path>) found::iterator) {
                    String below = root.relativize(path).toString().replace('\\', '/');
                    String there = below.isEmpty() ? to : ClusterPath.child(to, below);
                    if (Files.isDirectory(path)) {
                        plan.folders().add(there);
                    } else {
                        plan.items().add(new Item(path.toString(), there, Files.size(path)));
                    }
                }
            }
        }
        return plan;
    }

    private Plan planOut(PnfsClient client, List<String> sources, String target) throws IOException {
        boolean intoFolder = targetIsFolder(sources, Files.isDirectory(Path.of(target)), target);
        var plan = new Plan();
        for (String source : sources) {
            String from = ClusterPath.of(source);
            Path to = intoFolder ? Path.of(target, ClusterPath.name(from)) : Path.of(target);
            addTree(client, from, client.stat(from), to, plan);
        }
        return plan;
    }

    private void addTree(PnfsClient client, String from, FileInfo info, Path to, Plan plan) throws IOException {
        if (!info.isDirectory()) {
            if (info.type() == FileType.REGULAR) {
                plan.items().add(new Item(from, to.toString(), info.size()));
            }
            return;
        }
        requireRecursive(from);
        plan.folders().add(to.toString());
        for (DirectoryEntry entry : client.list(from)) {
            addTree(client, ClusterPath.child(from, entry.name()), entry.info(), to.resolve(entry.name()), plan);
        }
    }

    private boolean targetIsFolder(List<String> sources, boolean isFolder, String target) {
        if (sources.size() > 1 && !isFolder) {
            throw usage("'" + target + "' is no folder: several files need one to go to");
        }
        return isFolder;
    }

    private static boolean isFolder(PnfsClient client, String path) throws IOException {
        try {
            return client.stat(path).isDirectory();
        } catch (PnfsException e) {
            if (e.status() == NfsStatus.NOENT) {
                return false;
            }
            throw e;
        }
    }

    private static String localName(Path path) {
        Path name = path.toAbsolutePath().normalize().getFileName();
        return name == null ? "" : name.toString();
    }

    private void requireRecursive(String path) {
        if (!recursive) {
            throw usage("'" + path + "' is a folder: give -r to copy everything in it");
        }
    }

    private ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private static String json(Counters counters, Plan plan, Duration time) {
        return String.format(
                Locale.ROOT,
                "{\"files\":%d,\"bytes\":%d,\"seconds\":%.3f,\"bytes_direct\":%d,\"bytes_through_mds\":%d}",
                plan.items().size(),
                plan.bytes(),
                time.toNanos() / 1e9,
                counters.bytesDirect(),
                counters.bytesThroughMds());
    }

    private static void summary(Counters counters, Plan plan, Duration time) {
        System.err.printf(
                "cp: %d files, %s in %.2f s (%s): %s direct, %s through the metadata server%n",
                plan.items().size(),
                Bytes.human(plan.bytes()),
                time.toNanos() / 1e9,
                Bytes.rate(plan.bytes(), time),
                Bytes.human(counters.bytesDirect()),
                Bytes.human(counters.bytesThroughMds()));
    }
}
