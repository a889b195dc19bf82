package pnfs.mds;

import static java.util.Objects.requireNonNull;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.attribute.Rights;
import pnfs.mds.store.engine.RocksDbEngine;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.net.Listener;
import pnfs.wire.net.NioNetwork;

/// The real shores of a metadata server, and when it begins and ends. Here and nowhere else are threads, sockets,
/// clocks and chance.
final class Wiring implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Wiring.class);

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    /// RocksDB writes it once.
    private static final String STORE_ID = "IDENTITY";

    private final NioNetwork network;
    private final ControlTransport control;
    private final MetadataServer server;
    private final Listener nfs;
    private final InetSocketAddress controlAddress;

    private Wiring(
            NioNetwork network,
            ControlTransport control,
            MetadataServer server,
            Listener nfs,
            InetSocketAddress controlAddress) {
        this.network = network;
        this.control = control;
        this.server = server;
        this.nfs = nfs;
        this.controlAddress = controlAddress;
    }

    /// @param onFailure hears why the server cannot go on, once
    /// @throws IOException when an address cannot be had
    static Wiring start(Settings settings, MeterRegistry meters, Consumer<String> onFailure) throws IOException {
        var engine = RocksDbEngine.open(settings.store());
        var network = new NioNetwork(settings.loops(), System::nanoTime);
        var shores = new MetadataServer.Shores(
                engine,
                network,
                System::nanoTime,
                InstantSource.system(),
                new SplittableRandom(new SecureRandom().nextLong()),
                settings.forgetful() ? UUID.randomUUID().toString() : machine(settings.store()));
        var durable = new CompletableFuture<Void>();
        // Until it serves, a failure is why it does not start.
        Consumer<String> failed = why -> {
            if (!durable.completeExceptionally(new IOException(why))) {
                onFailure.accept(why);
            }
        };
        var server = new MetadataServer(settings.offer(), ownerOf(settings.store()), shores, meters, failed);

        server.whenDurable(() -> durable.complete(null));

        var control = new ControlTransport("control");
        try {
            await(durable);
            InetSocketAddress controlAddress = control.listen(settings.control(), server::welcome);
            Listener nfs = server.serve(settings.listen());
            log.info(
                    "serving nfs={} control={} boot={} cluster={}",
                    nfs.address(),
                    controlAddress,
                    server.boot(),
                    server.clusterId());
            return new Wiring(network, control, server, nfs, controlAddress);
        } catch (IOException refused) {
            control.close();
            network.close();
            server.close();
            throw refused;
        }
    }

    /// What a process that was killed left in the store is there as long as the machine runs, whether it was
    /// forced to disk or not. A store that was put back from a copy is another: its directory's files are.
    private static String machine(Path store) throws IOException {
        return Files.readString(BOOT_ID).strip() + ' ' + Files.getAttribute(store.resolve(STORE_ID), "unix:ino");
    }

    private static void await(CompletableFuture<Void> durable) throws IOException {
        try {
            durable.join();
        } catch (CompletionException failed) {
            throw new IOException(requireNonNull(failed.getCause()).getMessage(), failed);
        }
    }

    /// Whoever runs the server owns the root directory it makes, or could not use it.
    private static Rights ownerOf(Path store) throws IOException {
        return new Rights(
                0755, (Integer) Files.getAttribute(store, "unix:uid"), (Integer) Files.getAttribute(store, "unix:gid"));
    }

    InetSocketAddress nfsAddress() {
        return nfs.address();
    }

    InetSocketAddress controlAddress() {
        return controlAddress;
    }

    /// Stops taking requests, answers what is under way, makes everything durable.
    @Override
    public void close() {
        nfs.close();
        try {
            control.close();
        } catch (IOException already) {
            log.debug("control transport did not close", already);
        }
        server.leaveDataServers();
        network.close();
        server.close();
    }
}
