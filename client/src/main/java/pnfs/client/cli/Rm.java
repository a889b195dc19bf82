package pnfs.client.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import pnfs.client.DirectoryEntry;
import pnfs.client.PnfsClient;

/// `pnfs rm`.
@Command(name = "rm", description = "Remove files and empty directories of the cluster.")
public final class Rm implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = {"-r", "--recursive"},
            description = "Directories with everything in them.")
    private boolean recursive;

    @Parameters(paramLabel = "PATH", arity = "1..*", description = "What to remove.")
    private List<String> paths = List.of();

    @Override
    public Integer call() throws IOException {
        try (PnfsClient client = cluster.connect()) {
            for (String path : paths) {
                remove(client, ClusterPath.of(path));
            }
        }
        return 0;
    }

    private void remove(PnfsClient client, String path) throws IOException {
        if (recursive && client.stat(path).isDirectory()) {
            for (DirectoryEntry entry : client.list(path)) {
                remove(client, ClusterPath.child(path, entry.name()));
            }
        }
        client.remove(path);
    }
}
