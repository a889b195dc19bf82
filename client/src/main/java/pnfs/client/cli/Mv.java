package pnfs.client.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import pnfs.client.PnfsClient;

/// `pnfs mv`.
@Command(
        name = "mv",
        description = "Rename a file or directory of the cluster; what has the new name already is replaced.")
public final class Mv implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Parameters(index = "0", paramLabel = "FROM", description = "What is there.")
    private String from = "";

    @Parameters(index = "1", paramLabel = "TO", description = "Its new name.")
    private String to = "";

    @Override
    public Integer call() throws IOException {
        try (PnfsClient client = cluster.connect()) {
            client.rename(ClusterPath.of(from), ClusterPath.of(to));
        }
        return 0;
    }
}
