package pnfs.mds;

import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import pnfs.mds.attribute.Owners;
import pnfs.mds.cluster.VolumeSpec;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.export.ExportSpec;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.StoreRefusedException;
import pnfs.wire.metrics.MetricsServer;
import pnfs.wire.nfs4.LayoutType;

/// `pnfs mds`: runs the metadata server until it is told to stop.
@Command(
        name = "mds",
        subcommands = {DrainCommand.class, RemoveCommand.class, RecallCommand.class},
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs the metadata server until it is told to stop (SIGTERM).",
        footer = {
            "",
            "When it serves, it says so in one line on stdout:",
            "  ready mds nfs=HOST:PORT control=HOST:PORT [metrics=HOST:PORT]",
            "Example: pnfs mds --store /var/lib/pnfs --listen 0.0.0.0:2049"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped as it was told",
            "1:could not start or had to stop; the line on stderr says why and what to do",
            "2:wrong usage"
        })
public final class MdsCommand implements Callable<Integer> {
    @Option(
            names = "--store",
            paramLabel = "DIR",
            description = "Where everything is kept: names, extents, clients. Made when it is not there.")
    private @Nullable Path store;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            defaultValue = "0.0.0.0:2049",
            converter = AddressConverter.class,
            description = "Where NFS is served; port 0 takes any free one (default: ${DEFAULT-VALUE}).")
    private @Nullable InetSocketAddress listen;

    @Option(
            names = "--control",
            paramLabel = "HOST:PORT",
            defaultValue = "127.0.0.1:2050",
            converter = AddressConverter.class,
            description = "Where data servers register and the command line asks (default: ${DEFAULT-VALUE}). It has no"
                    + " authentication: keep it inside.")
    private @Nullable InetSocketAddress control;

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            defaultValue = "90s",
            converter = DurationConverter.class,
            description = "How long a silent client keeps its state, as 90s or 2m (default: ${DEFAULT-VALUE}).")
    private @Nullable Duration lease;

    @Option(
            names = "--forget-clients",
            description =
                    "Start as after the loss of the machine: clients of the run before have to come anew and reclaim"
                            + " what they held. For suites that test that; otherwise they find all as it was.")
    private boolean forgetful;

    @Option(
            names = "--layout-types",
            paramLabel = "TYPE",
            split = ",",
            defaultValue = "scsi",
            description = "Layouts to offer, of scsi and block, the preferred first (default: ${DEFAULT-VALUE}).")
    private List<LayoutKind> layoutTypes = List.of();

    @Option(
            names = "--delegations",
            paramLabel = "WHICH",
            defaultValue = "on",
            description = "Delegations to grant: off, read or on, which is read and write (default: ${DEFAULT-VALUE}).")
    private Delegated delegations = Delegated.on;

    @Option(
            names = "--placement-unit",
            paramLabel = "SIZE",
            defaultValue = "8MiB",
            converter = SizeConverter.class,
            description = "After so much of a file its next piece goes to the next volume (default: ${DEFAULT-VALUE}).")
    private long placementUnitBytes;

    @Option(
            names = "--volume",
            paramLabel = "SPEC",
            converter = VolumeConverter.class,
            description = "A volume over several regions: stripe:64KiB:ds1,ds2 or concat:ds1,ds2. Repeat it for more."
                    + " Regions that no volume names are volumes of their own.")
    private List<VolumeSpec> volumes = List.of();

    @Option(
            names = "--export",
            paramLabel = "PATH[:OPTIONS]",
            converter = ExportConverter.class,
            description =
                    "What is offered to whom, as /data:rw,root_squash,subnet=10.1.0.0/16; repeat it for more exports,"
                            + " or for another rule of one. Options: rw, ro, insecure, secure (privileged ports only),"
                            + " root_squash, no_root_squash, all_squash, anonuid=N, anongid=N, subnet=ADDRESS/BITS (default:"
                            + " /:no_root_squash; what a given export leaves unsaid: rw,insecure,root_squash).")
    private List<ExportSpec> exports = List.of();

    @Option(
            names = "--id-domain",
            paramLabel = "DOMAIN",
            description = "Owners of files that --id-map knows are written NAME@DOMAIN. Without it, and for all others,"
                    + " the number is written. Numbers are always understood.")
    private @Nullable String idDomain;

    @Option(
            names = "--id-map",
            paramLabel = "FILE",
            description = "The names of --id-domain: lines 'user NAME NUMBER' and 'group NAME NUMBER'.")
    private @Nullable Path idMap;

    @Option(
            names = "--metrics",
            paramLabel = "HOST:PORT",
            converter = AddressConverter.class,
            description =
                    "Where Prometheus finds /metrics and a prober /health and /ready, over HTTP (default: nowhere).")
    private @Nullable InetSocketAddress metrics;

    @Option(names = "--loops", paramLabel = "N", description = "I/O threads (default: one for each processor).")
    private int loops = Runtime.getRuntime().availableProcessors();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call()
    private CommandSpec spec;

    /// What may be granted.
    enum Delegated {
        off(DelegationPolicy.OFF),
        read(DelegationPolicy.READ),
        on(DelegationPolicy.ON);

        private final DelegationPolicy policy;

        Delegated(DelegationPolicy policy) {
            this.policy = policy;
        }
    }

    /// What can be offered.
    enum LayoutKind {
        scsi(LayoutType.SCSI),
        block(LayoutType.BLOCK_VOLUME);

        private final LayoutType type;

        LayoutKind(LayoutType type) {
            this.type = type;
        }
    }

    @Override
    public Integer call() throws InterruptedException {
        Settings settings = settings();
        var stop = new CountDownLatch(1);
        var damage = new boolean[1];
        var ready = new AtomicBoolean();
        var meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        String watched = "";
        Wiring server;
        try {
            if (metrics != null) {
                new JvmMemoryMetrics().bindTo(meters);
                new ProcessorMetrics().bindTo(meters);
                // Serves until the process ends.
                var pages = new MetricsServer(metrics, meters::scrape, ready::get);
                watched = " metrics=" + text(pages.address());
            }
            server = Wiring.start(settings, meters, failure -> {
                spec.commandLine().getErr().println("pnfs mds: " + failure);
                damage[0] = true;
                stop.countDown();
            });
        } catch (IOException | StoreRefusedException refused) {
            spec.commandLine().getErr().println("pnfs mds: " + refused.getMessage());
            return 1;
        } catch (CorruptStoreException damaged) {
            spec.commandLine().getErr().println("pnfs mds: " + MetadataServer.why(damaged));
            return 1;
        }
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            server.close();
                            stop.countDown();
                            // After a signal the JVM would say 143, as if it had not been let end its work.
                            Runtime.getRuntime().halt(damage[0] ? 1 : 0);
                        },
                        "shutdown"));
        spec.commandLine()
                .getOut()
                .printf(
                        "ready mds nfs=%s control=%s%s%n",
                        text(server.nfsAddress()), text(server.controlAddress()), watched);
        spec.commandLine().getOut().flush();
        ready.set(true);
        stop.await();
        return damage[0] ? 1 : 0;
    }

    private Settings settings() {
        if (loops < 1 || loops > Limits.MAX_LOOPS) {
            throw usage("--loops: " + loops + ", wanted 1 to " + Limits.MAX_LOOPS);
        }
        if (store == null) {
            throw usage("--store DIR: missing");
        }
        if (listen == null || control == null || lease == null) {
            throw usage("--listen, --control and --lease need a value");
        }
        if (lease.compareTo(Limits.MIN_LEASE) < 0 || lease.compareTo(Limits.MAX_LEASE) > 0) {
            throw usage("--lease: " + lease.toSeconds() + "s, wanted " + Limits.MIN_LEASE.toSeconds() + "s to "
                    + Limits.MAX_LEASE.toSeconds() + "s");
        }
        if (placementUnitBytes < 4096 || placementUnitBytes % 4096 != 0) {
            throw usage("--placement-unit: " + placementUnitBytes + ", wanted a multiple of 4096");
        }
        var offer = new Offer(
                lease,
                layoutTypes.stream().map(kind -> kind.type).toList(),
                exports(),
                delegations.policy,
                owners(),
                placementUnitBytes,
                volumes);
        return new Settings(store, listen, control, offer, forgetful, loops);
    }

    private List<ExportSpec> exports() {
        try {
            return exports.isEmpty() ? List.of(ExportSpec.EVERYTHING) : ExportSpec.requireSideBySide(exports);
        } catch (IllegalArgumentException wrong) {
            throw usage("--export: " + wrong.getMessage());
        }
    }

    private Owners owners() {
        if (idDomain == null) {
            if (idMap != null) {
                throw usage("--id-map needs --id-domain: the names in it belong to a domain");
            }
            return Owners.numeric();
        }
        try {
            return Owners.of(idDomain, idMap == null ? List.of() : Files.readAllLines(idMap));
        } catch (IllegalArgumentException wrong) {
            throw usage("--id-domain, --id-map: " + wrong.getMessage());
        } catch (IOException unreadable) {
            throw usage("--id-map: cannot be read: " + unreadable.getMessage());
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    static final class AddressConverter implements ITypeConverter<InetSocketAddress> {
        @Override
        public InetSocketAddress convert(String text) {
            int colon = text.lastIndexOf(':');
            if (colon < 1 || !text.substring(colon + 1).matches("[0-9]{1,5}")) {
                throw new TypeConversionException("'" + text + "': write HOST:PORT");
            }
            int port = Integer.parseInt(text.substring(colon + 1));
            String host = text.substring(0, colon).replaceAll("^\\[(.*)]$", "$1");
            var address = port > 0xffff ? null : new InetSocketAddress(host, port);
            if (address == null || address.isUnresolved()) {
                throw new TypeConversionException("'" + text + "': no such address");
            }
            return address;
        }
    }

    static final class DurationConverter implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String text) {
            if (!text.matches("[0-9]{1,6}[sm]")) {
                throw new TypeConversionException("'" + text + "': write seconds or minutes, as 90s or 2m");
            }
            long number = Long.parseLong(text.substring(0, text.length() - 1));
            return text.endsWith("m") ? Duration.ofMinutes(number) : Duration.ofSeconds(number);
        }
    }

    static final class SizeConverter implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            if (!text.matches("[0-9]{1,9}([KMG]iB)?")) {
                throw new TypeConversionException("'" + text + "': write bytes, or KiB, MiB, GiB");
            }
            int shift = text.endsWith("KiB") ? 10 : text.endsWith("MiB") ? 20 : text.endsWith("GiB") ? 30 : 0;
            return Long.parseLong(text.replaceAll("[KMG]iB", "")) << shift;
        }
    }

    static final class ExportConverter implements ITypeConverter<ExportSpec> {
        @Override
        public ExportSpec convert(String text) {
            try {
                return ExportSpec.parse(text);
            } catch (IllegalArgumentException wrong) {
                throw new TypeConversionException(String.valueOf(wrong.getMessage()));
            }
        }
    }

    static final class VolumeConverter implements ITypeConverter<VolumeSpec> {
        @Override
        public VolumeSpec convert(String text) {
            try {
                return VolumeSpec.parse(text);
            } catch (IllegalArgumentException wrong) {
                throw new TypeConversionException(String.valueOf(wrong.getMessage()));
            }
        }
    }
}
