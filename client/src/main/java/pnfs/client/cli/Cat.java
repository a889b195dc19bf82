package pnfs.client.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import pnfs.client.FileCopy;
import pnfs.client.PnfsClient;
import pnfs.client.PnfsFile;

/// `pnfs cat`.
@Command(name = "cat", description = "Write files of the cluster to standard output.")
public final class Cat implements Callable<Integer> {
    @Mixin
    private ClusterOptions cluster = new ClusterOptions();

    @Parameters(paramLabel = "PATH", arity = "1..*", description = "Files of the cluster.")
    private List<String> paths = List.of();

    @Override
    public Integer call() throws IOException {
        try (PnfsClient client = cluster.connect();
                var out = new FileOutputStream(FileDescriptor.out);
                FileChannel channel = out.getChannel()) {
            for (String path : paths) {
                try (PnfsFile file = client.open(ClusterPath.of(path), StandardOpenOption.READ)) {
                    FileCopy.drain(file, channel, bytes -> {});
                }
            }
        }
        return 0;
    }
}
