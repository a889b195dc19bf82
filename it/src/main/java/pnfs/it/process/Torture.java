package pnfs.it.process;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `pnfs torture`: real servers that are killed and cut off under a load that checks every byte it reads.
@Command(
        name = "torture",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Kills the servers of a cluster of its own and cuts their network, at random and again and again,"
                + " while clients write stamped sectors and check what they read.",
        footer = {
            "",
            "A cycle kills the metadata server once and each data server once, one after the other or together,",
            "some of them again while they start, and disturbs one link. After each the load must get on. At the end",
            "`pnfs fsck` must find the store sound.",
            "Example: pnfs torture --cycles 200 --seed 7"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:nothing acknowledged was lost, nothing stale was read, every client got on",
            "1:something was; what is printed says what, and the folder is kept",
            "2:wrong usage"
        })
public final class Torture implements Callable<Integer> {
    @Option(names = "--cycles", paramLabel = "N", defaultValue = "20", description = "Default: ${DEFAULT-VALUE}.")
    private int cycles;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Of what happens when; threads and disks add chance of their own (default: a new one).")
    private long seed = new Random().nextLong(1L << 32);

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "4",
            description = "Clients that write (default: ${DEFAULT-VALUE}).")
    private int clients;

    @Option(names = "--json", description = "Write one line of JSON at the end.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter progress = spec.commandLine().getErr();
        Path folder = Files.createTempDirectory("pnfs-torture-");
        progress.printf("seed %d, state in %s%n", seed, folder);
        TortureRun.Result result;
        try (var run = new TortureRun(folder, clients, new SplittableRandom(seed))) {
            result = run.cycles(cycles, done -> {
                progress.printf("%d of %d cycles: %s%n", done.cycles(), cycles, done.text());
                progress.flush();
            });
        }
        result.complaints().forEach(out::println);
        if (result.isWell()) {
            Folders.delete(folder);
        } else {
            out.println("repeat: ./pnfs torture --cycles " + cycles + " --clients " + clients + " --seed " + seed
                    + "; what happened when is in torture.log, beside the servers' logs, the store and the regions in "
                    + folder);
        }
        out.println(json ? result.json() : result.text());
        return result.isWell() ? 0 : 1;
    }
}
