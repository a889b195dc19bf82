package pnfs.client.cli;

import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import pnfs.client.DirectoryEntry;
import pnfs.client.FileInfo;
import pnfs.client.PnfsClient;

/// `pnfs ls`.
@Command(name = "ls", description = "List directories of the cluster.")
public final class Ls implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = {"-l", "--long"},
            description = "Kind, mode, size and time of each entry.")
    private boolean detailed;

    @Parameters(
            paramLabel = "PATH",
            defaultValue = "/",
            description = "Directories or files (default: ${DEFAULT-VALUE}).")
    private List<String> paths = List.of();

    @Override
    public Integer call() throws IOException {
        try (PnfsClient client = cluster.connect()) {
            for (String path : paths) {
                if (paths.size() > 1) {
                    System.out.println(path + ":");
                }
                print(entries(client, ClusterPath.of(path)));
            }
        }
        return 0;
    }

    private static List<DirectoryEntry> entries(PnfsClient client, String path) throws IOException {
        FileInfo info = client.stat(path);
        return info.isDirectory() ? client.list(path) : List.of(new DirectoryEntry(path, info));
    }

    private void print(List<DirectoryEntry> entries) {
        List<DirectoryEntry> sorted = entries.stream()
                .sorted(Comparator.comparing(DirectoryEntry::name))
                .toList();
        if (!detailed) {
            sorted.forEach(entry -> System.out.println(entry.name()));
            return;
        }
        var table = new Table("MODE", ">LINKS", "OWNER", ">SIZE", "MODIFIED", "NAME");
        for (DirectoryEntry entry : sorted) {
            FileInfo info = entry.info();
            table.row(
                    Describe.mode(info),
                    Integer.toString(info.links()),
                    info.owner(),
                    Bytes.human(info.size()),
                    Describe.time(info.modified()),
                    entry.name());
        }
        System.out.print(table);
    }
}
