package pnfs.ds;

import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.region.RegionFile.IfPresent;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.UnreadableRegistrationsException;
import pnfs.wire.metrics.MetricsServer;

/// `pnfs ds`: runs a data server until it is told to stop.
@Command(
        name = "ds",
        subcommands = FaultCommand.class,
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a data server: serves regions as iSCSI logical units until it is told to stop (SIGTERM).",
        footer = {
            "",
            "When it serves, it says so in one line on stdout:",
            "  ready ds name=NAME iscsi=HOST:PORT target=IQN regions=NAA[,NAA...] [control=HOST:PORT]"
                    + " [metrics=HOST:PORT]",
            "Example: pnfs ds --region /mnt/pmem0/region0 --advertise ds1:3260 --mds mds1:2050"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped as it was told",
            "1:could not start; the line on stderr says why and what to do",
            "2:wrong usage"
        })
public final class DsCommand implements Callable<Integer> {
    /// RFC 7143 §4.2.7.3, in the letters that need no preparation; 223 bytes at most.
    private static final Pattern ISCSI_NAME = Pattern.compile("iqn\\.[0-9]{4}-[0-9]{2}\\.[a-z0-9.:-]{1,211}");

    /// What layouts want.
    private static final int BLOCK_BYTES = 4096;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    @Option(
            names = "--region",
            paramLabel = "FILE",
            description =
                    "A region to serve, made by 'pnfs format'. Repeat it for more: they become LUN 0, 1 and so on.")
    private List<Path> regions = List.of();

    @Option(
            names = "--create",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Make regions that are not there, so large. Without it a region that is missing is refused:"
                    + " its disk may only not be mounted.")
    private @Nullable Long createBytes;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            defaultValue = "0.0.0.0:3260",
            converter = HostPort.Converter.class,
            description = "Where iSCSI is served; port 0 takes any free one (default: ${DEFAULT-VALUE}).")
    private @Nullable HostPort listen;

    @Option(
            names = "--advertise",
            paramLabel = "HOST:PORT",
            converter = HostPort.Converter.class,
            description =
                    "Where initiators reach that, if not at the address of --listen. Repeat it where not everybody"
                            + " reaches the same: the metadata server takes the first, clients the first that answers.")
    private List<HostPort> advertise = List.of();

    @Option(
            names = "--mds",
            paramLabel = "HOST:PORT",
            converter = HostPort.Converter.class,
            description = "Control port of the metadata server to register with. It need not be up yet.")
    private @Nullable HostPort mds;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            defaultValue = "ds",
            description = "This server's name for people (default: ${DEFAULT-VALUE}).")
    private String name = "ds";

    @Option(
            names = "--target-name",
            paramLabel = "IQN",
            description = "iSCSI name of the target (default: made from the first region's NAA name).")
    private @Nullable String targetName;

    @Option(
            names = "--access",
            paramLabel = "FILE",
            description =
                    "Who may log in, a rule a line: 'allow INITIATOR', 'allow INITIATOR USER SECRET' (CHAP; * is any"
                            + " initiator), 'prove USER SECRET' (who we are, by CHAP). Default: everybody.")
    private @Nullable Path access;

    @Option(
            names = "--metrics",
            paramLabel = "HOST:PORT",
            converter = HostPort.Converter.class,
            description =
                    "Where Prometheus finds /metrics and a prober /health and /ready, over HTTP (default: nowhere).")
    private @Nullable HostPort metrics;

    @Option(
            names = "--control",
            paramLabel = "HOST:PORT",
            converter = HostPort.Converter.class,
            description = "Where 'pnfs ds fault' finds this server: an address of the machine itself, because whoever"
                    + " gets there may let commands fail (default: nowhere).")
    private @Nullable HostPort control;

    @Option(names = "--loops", paramLabel = "N", description = "I/O threads (default: one for each processor).")
    private int loops = Runtime.getRuntime().availableProcessors();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        var stop = new CountDownLatch(1);
        var meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        String watched = "";
        Wiring server;
        var serving = new AtomicReference<@Nullable Wiring>();
        try {
            if (metrics != null) {
                new JvmMemoryMetrics().bindTo(meters);
                new ProcessorMetrics().bindTo(meters);
                // Serves until the process ends.
                var pages = new MetricsServer(metrics.resolved(), meters::scrape, () -> {
                    Wiring started = serving.get();
                    return started != null && started.isReady();
                });
                watched = " metrics=" + HostPort.of(pages.address());
            }
            Settings settings = settings();
            createRegions();
            server = Wiring.start(settings, meters);
            serving.set(server);
        } catch (IOException | UnreadableRegistrationsException refused) {
            spec.commandLine().getErr().println("pnfs ds: " + refused.getMessage());
            return 1;
        }
        // The process may end only after the hook has: it is what makes the last writes durable and the files free.
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            server.close();
                            stop.countDown();
                            // After a signal the JVM would say 143, as if it had not been let end its work.
                            Runtime.getRuntime().halt(0);
                        },
                        "shutdown"));
        spec.commandLine()
                .getOut()
                .printf(
                        "ready ds name=%s iscsi=%s target=%s regions=%s%s%s%n",
                        name,
                        server.iscsiAddress(),
                        server.targetName(),
                        String.join(
                                ",",
                                server.regions().stream()
                                        .map(Region::header)
                                        .map(header -> header.naa().toString())
                                        .toList()),
                        server.controlAddress() == null ? "" : " control=" + server.controlAddress(),
                        watched);
        spec.commandLine().getOut().flush();
        stop.await();
        return 0;
    }

    private void createRegions() throws IOException {
        for (Path region : regions) {
            if (createBytes != null && Files.notExists(region)) {
                var header = RegionHeader.of(UUID.randomUUID(), BLOCK_BYTES, createBytes);
                RegionFile.format(region, header, IfPresent.REFUSE, written -> {});
            }
        }
    }

    private Settings settings() {
        if (regions.isEmpty()) {
            throw usage("--region: missing; name a region made by 'pnfs format'");
        }
        if (regions.size() > Limits.MAX_REGIONS) {
            throw usage("--region: " + regions.size() + " regions, a data server has " + Limits.MAX_REGIONS
                    + " at most; start another one");
        }
        if (loops < 1 || loops > Limits.MAX_LOOPS) {
            throw usage("--loops: " + loops + ", wanted 1 to " + Limits.MAX_LOOPS);
        }
        if (targetName != null && !ISCSI_NAME.matcher(targetName).matches()) {
            throw usage("--target-name: '" + targetName + "' is no iSCSI name: write iqn.YYYY-MM.DOMAIN:WORD");
        }
        if (!NAME.matcher(name).matches()) {
            throw usage("--name: '" + name + "' is not 1 to 64 letters, digits, dots, dashes and underscores");
        }
        if (createBytes != null) {
            try {
                RegionHeader.of(UUID.randomUUID(), BLOCK_BYTES, createBytes);
            } catch (IllegalArgumentException outOfRange) {
                throw usage("--create: " + outOfRange.getMessage());
            }
        }
        if (advertise.size() > Limits.MAX_PORTALS) {
            throw usage("--advertise: " + advertise.size() + " addresses, wanted " + Limits.MAX_PORTALS + " at most");
        }
        if (listen == null) {
            throw usage("--listen: missing");
        }
        if (mds != null && advertise.isEmpty() && listen.isWildcard()) {
            throw usage("--mds: clients cannot reach " + listen.host() + "; say where they reach this server:"
                    + " --advertise HOST:PORT");
        }
        return new Settings(name, regions, listen, advertise, mds, targetName, access, control, loops);
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
