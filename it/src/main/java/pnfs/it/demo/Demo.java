package pnfs.it.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import pnfs.client.Addresses;
import pnfs.it.process.Cluster;
import pnfs.it.process.Folders;

/// `pnfs demo`: a cluster in a folder of its own, the main job on it, one line of JSON about how it went.
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Starts a metadata server and two data servers as processes on this machine, writes real files through",
            "layouts, reads them back both ways, overwrites, makes a hole, kills the metadata server in the middle of a copy,",
            "which completes, and finds all again.",
            "The last line is 'demo: ' and JSON."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:everything held", "1:something did not; the lines before say what", "2:wrong usage"})
public final class Demo implements Callable<Integer> {
    private static final Cluster.Shape SHAPE = new Cluster.Shape(2, 512L << 20);

    @Option(names = "--keep", description = "Leave the cluster running and say how to use and to stop it.")
    private boolean keep;

    @Override
    public Integer call() throws IOException {
        Path folder = Files.createTempDirectory("pnfs-demo-");
        PrintStream out = System.out;
        out.println("state in " + folder);
        DemoResult result = run(folder, out);
        if (!keep && result.ok()) {
            Folders.delete(folder);
        } else if (!result.ok()) {
            out.println("what the servers said is in " + folder + "/*.log");
        }
        out.println(result.line());
        return result.ok() ? 0 : 1;
    }

    private DemoResult run(Path folder, PrintStream out) throws IOException {
        try (var timeline = new Timeline(out);
                Cluster cluster = Cluster.start(folder, SHAPE)) {
            cluster.processes().forEach(server -> timeline.say(server.name() + " ready pid=" + server.pid()));
            DemoResult result = new DemoRun(cluster, timeline, out).run();
            if (keep) {
                cluster.leaveRunning();
                out.print(howToUse(cluster));
            }
            return result;
        }
    }

    private static String howToUse(Cluster cluster) {
        String pids = cluster.processes().stream()
                .map(server -> Long.toString(server.pid()))
                .collect(Collectors.joining(" "));
        return """

                The cluster goes on. To use it:
                  export PNFS_MDS=%s PNFS_CONTROL=%s
                  ./pnfs status
                  ./pnfs ls -l /
                  ./pnfs cp -r docs pnfs:/docs
                  ./pnfs stat --extents /modules
                To stop it:
                  kill %s && rm -r %s

                """.formatted(Addresses.text(cluster.nfs()), Addresses.text(cluster.control()), pids, cluster.folder());
    }
}
