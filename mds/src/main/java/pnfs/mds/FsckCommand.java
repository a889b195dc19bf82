package pnfs.mds;

import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import pnfs.layout.device.Volume;
import pnfs.mds.check.Damage;
import pnfs.mds.check.Report;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.cluster.Cluster;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.StoreRefusedException;
import pnfs.mds.store.engine.RocksDbEngine;

/// `pnfs fsck`: says whether a metadata store is sound, and repairs what can be repaired.
@Command(
        name = "fsck",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Check a metadata server's store: names, link counts, extents, free space.",
            "It only reads, unless --repair is given, and may run while the server does: then it sees the store as it"
                    + " was when the check began."
        },
        footer = {"", "Example: pnfs fsck --store /var/lib/pnfs"},
        exitCodeListHeading = "%nExit codes, as fsck(8) has them:%n",
        exitCodeList = {
            "0:the store is sound",
            "1:what was wrong is repaired",
            "4:something is wrong and was left so",
            "8:the store could not be checked; the line on stderr says why and what to do",
            "2:wrong usage"
        })
public final class FsckCommand implements Callable<Integer> {
    private static final int SOUND = 0;
    private static final int REPAIRED = 1;
    private static final int DAMAGED = 4;
    private static final int REFUSED = 8;
    private static final int REDRAW_MILLIS = 100;

    @Option(names = "--store", paramLabel = "DIR", required = true, description = "The store, as of 'pnfs mds'.")
    private Path store = Path.of("");

    @Option(
            names = "--repair",
            description = "Repair what can be repaired, in one step that happens or does not. The server must be"
                    + " stopped. Copy the store before.")
    private boolean repair;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() {
        var failed = new AtomicReference<@Nullable Throwable>();
        int found;
        try {
            StoreEngine engine = repair ? RocksDbEngine.open(store) : RocksDbEngine.openReadOnly(store);
            try (var metadata = new MetadataStore(engine, Long.MAX_VALUE, failed::set)) {
                found = check(engine, metadata);
            }
        } catch (StoreRefusedException refused) {
            return refused(refused.getMessage());
        } catch (CorruptStoreException damaged) {
            return refused(damaged.getMessage() + ": restore the store from a backup");
        }
        Throwable failure = failed.get();
        return failure == null
                ? found
                : refused(
                        "the repair did not get to the disk: " + failure.getMessage() + ": mend that and run it again");
    }

    private int refused(@Nullable String why) {
        spec.commandLine().getErr().println("pnfs fsck: " + why);
        return REFUSED;
    }

    private int check(StoreEngine engine, MetadataStore metadata) {
        List<Volume> volumes = new Cluster(metadata, List.of(), 0, (_, _, _) -> {}, _ -> {}).volumes();
        Report report = checked(engine, volumes);
        PrintWriter out = spec.commandLine().getOut();
        var kinds = EnumSet.noneOf(Damage.class);
        for (Report.Finding finding : report.findings()) {
            out.printf("%s: %s%n", finding.damage(), finding.what());
            kinds.add(finding.damage());
        }
        for (Damage kind : kinds) {
            out.printf("%s is %s. Repair: %s.%n", kind, kind.meaning(), kind.repair());
        }
        boolean repairs = repair && !report.repair().isEmpty();
        if (repairs) {
            // Closing the store waits until it is durable.
            metadata.append(report.repair());
        }
        out.printf("%d files on %d volumes: %s%n", report.files(), volumes.size(), verdict(report, repairs));
        out.flush();
        if (report.isClean()) {
            return SOUND;
        }
        return repairs && !report.hasIrreparable() ? REPAIRED : DAMAGED;
    }

    private static String verdict(Report report, boolean repairs) {
        if (report.isClean()) {
            return "sound";
        }
        long hopeless = report.findings().stream()
                .filter(finding -> !finding.damage().isRepairable())
                .count();
        String found = report.findings().size() + " findings, ";
        if (repairs) {
            return found + (report.findings().size() - hopeless) + " repaired; run it again to see that all is well";
        }
        return found
                + (hopeless == report.findings().size()
                        ? "none of which can be repaired: restore the store from a backup"
                        : hopeless + " of which cannot be repaired; stop the server and run it with --repair");
    }

    @SuppressWarnings("SystemConsoleNull") // its documentation still says that there may be none
    private static Report checked(StoreEngine engine, List<Volume> volumes) {
        Console console = System.console();
        if (console == null || !console.isTerminal()) {
            return StoreCheck.run(engine, volumes, new SecureRandom(), _ -> {});
        }
        // How many there are is known at the end.
        try (ProgressBar bar = new ProgressBarBuilder()
                .setTaskName("files")
                .setInitialMax(-1)
                .setUpdateIntervalMillis(REDRAW_MILLIS)
                .showSpeed()
                .build()) {
            LongConsumer step = bar::stepTo;
            return StoreCheck.run(engine, volumes, new SecureRandom(), step);
        }
    }
}
