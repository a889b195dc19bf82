package pnfs.client.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import pnfs.client.PnfsClient;

/// `pnfs mkdir`.
@Command(name = "mkdir", description = "Make directories in the cluster.")
public final class Mkdir implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = {"-p", "--parents"},
            description = "Make what is missing above, and say nothing of what is there.")
    private boolean parents;

    @Parameters(paramLabel = "PATH", arity = "1..*", description = "Directories to make.")
    private List<String> paths = List.of();

    @Override
    public Integer call() throws IOException {
        try (PnfsClient client = cluster.connect()) {
            for (String path : paths) {
                if (parents) {
                    client.mkdirs(ClusterPath.of(path));
                } else {
                    client.mkdir(ClusterPath.of(path));
                }
            }
        }
        return 0;
    }
}
