package pnfs.client.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import pnfs.client.FileInfo;
import pnfs.client.PnfsClient;

/// `pnfs stat`.
@Command(name = "stat", description = "What is known of files of the cluster, and where their bytes are.")
public final class Stat implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = {"-e", "--extents"},
            description = "A table of the file's extents: where on which data server (needs --control).")
    private boolean extents;

    @Parameters(paramLabel = "PATH", arity = "1..*", description = "Files or directories of the cluster.")
    private List<String> paths = List.of();

    @Override
    public Integer call() throws IOException {
        if (extents) {
            cluster.control();
        }
        try (PnfsClient client = cluster.connect()) {
            for (String path : paths) {
                String absolute = ClusterPath.of(path);
                print(absolute, client.stat(absolute));
                if (extents) {
                    System.out.print(ExtentsTable.of(client.extents(absolute)));
                }
            }
        }
        return 0;
    }

    private static void print(String path, FileInfo info) {
        System.out.printf("%s%n", path);
        System.out.printf(
                "  kind      %s%n", info.type().name().toLowerCase(Locale.ROOT).replace('_', ' '));
        System.out.printf("  size      %d (%s)%n", info.size(), Bytes.human(info.size()));
        System.out.printf("  storage   %d (%s)%n", info.spaceUsed(), Bytes.human(info.spaceUsed()));
        System.out.printf("  mode      %s, %d links%n", Describe.mode(info), info.links());
        System.out.printf("  owner     %s:%s%n", info.owner(), info.group());
        System.out.printf("  modified  %s%n", Describe.time(info.modified()));
        System.out.printf("  inode     %d, change %d%n", info.fileId(), info.change());
    }
}
