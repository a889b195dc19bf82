package pnfs.mds;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.Placement;
import pnfs.layout.grant.LayoutLimits;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.space.Space;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileSystemFacts;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.cluster.Cluster;
import pnfs.mds.cluster.ControlDesk;
import pnfs.mds.compound.CompoundExecutor;
import pnfs.mds.compound.FileHandleOperations;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.delegation.DelegationOperations;
import pnfs.mds.delegation.Delegations;
import pnfs.mds.export.Exports;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.layout.LayoutOperations;
import pnfs.mds.lock.LockOperations;
import pnfs.mds.lock.LockTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.proxy.DataServerIo;
import pnfs.mds.proxy.ProxyOperations;
import pnfs.mds.session.Clients;
import pnfs.mds.session.ServerIdentity;
import pnfs.mds.session.SessionLimits;
import pnfs.mds.session.Sessions;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.RocksDbEngine;
import pnfs.mds.xattr.XattrOperations;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Loop;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcServer;

/// Makes a metadata server's parts, in the order in which they need each other. Here and nowhere else are
/// threads, sockets, clocks and chance.
final class Wiring implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Wiring.class);
    private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long RECALL_TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final NioNetwork network;
    private final ControlTransport control;
    private final DataServerIo dataServers;
    private final MetadataStore store;
    private final Listener nfs;
    private final InetSocketAddress controlAddress;

    private Wiring(
            NioNetwork network,
            ControlTransport control,
            DataServerIo dataServers,
            MetadataStore store,
            Listener nfs,
            InetSocketAddress controlAddress) {
        this.network = network;
        this.control = control;
        this.dataServers = dataServers;
        this.store = store;
        this.nfs = nfs;
        this.controlAddress = controlAddress;
    }

    /// @param onFailure hears why the server cannot go on, once
    /// @throws IOException when an address cannot be had
    static Wiring start(Settings settings, MeterRegistry meters, Consumer<String> onFailure) throws IOException {
        var random = new SplittableRandom(new SecureRandom().nextLong());
        InstantSource wallClock = InstantSource.system();

        var store = new MetadataStore(
                RocksDbEngine.open(settings.store()),
                Limits.CONGESTED_BYTES,
                failure -> onFailure.accept("the store cannot be written, so nothing is served any more: " + failure));
        ServerIdentity identity = ServerIdentity.start(store, random.split());
        SessionLimits limits = Limits.sessions(settings.lease());
        var clients = new Clients(store, identity, limits, System.nanoTime());
        var sessions = new Sessions(clients, limits, random.split());

        var network = new NioNetwork(settings.loops(), System::nanoTime);
        var callbacks = new Callbacks(clients, network.loop()::execute, Limits.CALLBACK_PATIENCE);
        var recalls = new Recalls(clients, callbacks, System.nanoTime(), limits.leaseNanos());

        var locks = new FileLocks();
        var inodes = new Inodes(store, Limits.CACHED_INODES, random.split());
        var space = new Space();
        var manager = new LayoutManager(
                LayoutLimits.DEFAULT, space, new Placement(settings.placementUnitBytes(), List.of()), (int)
                        identity.boot());
        var layouts = new FileLayouts(store, manager, space, settings.placementUnitBytes(), Limits.CACHED_MAPS);
        var namespace = new Namespace(store, inodes, locks);
        var opens = new OpenFiles(clients, new StateTable(clients, Limits.STATES_PER_CLIENT, random.split()));
        var orphans = new Orphans(store, inodes, locks, layouts, opens);
        UUID clusterId = uuid(identity.id().toByteArray());
        var attributes = new FileAttributes(
                new FileSystemFacts(
                        clusterId.getMostSignificantBits(),
                        (int) settings.lease().toSeconds(),
                        settings.layoutTypes(),
                        Limits.MAX_IO_BYTES),
                layouts,
                settings.owners());
        var exports =
                Exports.open(store, inodes, namespace, settings.exports(), ownerOf(settings.store()), now(wallClock));

        var cluster = new Cluster(store, settings.volumes(), clusterId.hashCode(), layouts::volumesChanged);
        cluster.tell();

        var dataServers = new DataServerIo(
                network,
                "iqn.2026-11.pnfs:mds-" + clusterId,
                (random.nextLong() & 0x0000_3fff_ffffL) << 16 & 0xffff_ffff_0000L,
                layouts::volume,
                cluster::export);

        var table = new OpTable();
        sessions.register(table);
        new FileHandleOperations(exports.root(), exports).register(table);
        var setAttr = AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
        XattrOperations.register(table, store, inodes, locks);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, exports);
        OpenOperations.register(table, inodes, locks, attributes, layouts, namespace, orphans, opens, clients);
        var byteLocks = new LockTable(opens.states(), callbacks, Limits.LOCKS_PER_CLIENT);
        LockOperations.register(table, inodes, locks, opens, byteLocks, clients);
        var delegations = new Delegations(
                settings.delegations(), Limits.DELEGATIONS, clients, locks, inodes, opens, callbacks, recalls);
        DelegationOperations.register(table, inodes, locks, opens, delegations, clients);
        LayoutOperations.register(
                table,
                inodes,
                locks,
                opens,
                clients,
                manager,
                layouts,
                orphans,
                recalls,
                settings.layoutTypes(),
                Limits.SESSIONS_PER_CLIENT * Limits.SLOTS,
                meters);
        ProxyOperations.register(
                table,
                inodes,
                locks,
                layouts,
                orphans,
                dataServers,
                opens,
                setAttr,
                identity.writeVerifier(),
                Limits.MAX_IO_BYTES);

        var executor = new CompoundExecutor(
                table,
                sessions,
                store,
                wallClock,
                meters,
                Limits.MESSAGE_BYTES,
                damage -> onFailure.accept(why(damage)));
        var programs = RpcPrograms.none().with(CompoundExecutor.PROGRAM, CompoundExecutor.VERSION, executor);

        // Who we are and how often we started must not be seen by anybody before it is durable.
        var durable = new CompletableFuture<Void>();
        store.whenDurable(store.lastTicket(), () -> durable.complete(null));
        durable.join();

        var control = new ControlTransport("control");
        try {
            var desk = new ControlDesk(
                    cluster,
                    store,
                    clusterId,
                    identity.boot(),
                    (int) Limits.HEARTBEAT.toMillis(),
                    System::nanoTime,
                    new ClusterFacts(clients, opens, manager, layouts, cluster));
            InetSocketAddress controlAddress = control.listen(settings.control(), desk::welcome);
            Listener nfs = new RpcServer(network, programs, Limits.RPC).listen(settings.listen(), Limits.CONNECTIONS);
            tick(network.loop(), clients, cluster, orphans, false);
            tick(network.loop(), recalls);
            log.info(
                    "serving nfs={} control={} boot={} cluster={}",
                    nfs.address(),
                    controlAddress,
                    identity.boot(),
                    clusterId);
            return new Wiring(network, control, dataServers, store, nfs, controlAddress);
        } catch (IOException refused) {
            control.close();
            network.close();
            store.close();
            throw refused;
        }
    }

    /// Leases run out, and data servers fall silent. Files that lost their last name in the run before and that
    /// nobody reclaimed are freed when grace is over.
    private static void tick(Loop loop, Clients clients, Cluster cluster, Orphans orphans, boolean graceWasOver) {
        loop.schedule(TICK_NANOS, () -> {
            clients.tick(loop.nowNanos());
            cluster.expire();
            boolean graceIsOver = clients.grace().isOver(loop.nowNanos());
            if (graceIsOver && !graceWasOver) {
                orphans.reapAll();
            }
            tick(loop, clients, cluster, orphans, graceIsOver);
        });
    }

    /// What clients are to give back is asked for again where it did not reach them.
    private static void tick(Loop loop, Recalls recalls) {
        loop.schedule(RECALL_TICK_NANOS, () -> {
            recalls.tick(loop.nowNanos());
            tick(loop, recalls);
        });
    }

    /// Whoever runs the server owns the root directory it makes, or could not use it.
    private static Rights ownerOf(Path store) throws IOException {
        return new Rights(
                0755, (Integer) Files.getAttribute(store, "unix:uid"), (Integer) Files.getAttribute(store, "unix:gid"));
    }

    private static String why(CorruptStoreException damage) {
        return "the store is damaged, so nothing is served any more; restore it from a copy: " + damage.getMessage();
    }

    private static NfsTime now(InstantSource clock) {
        var now = clock.instant();
        return new NfsTime(now.getEpochSecond(), now.getNano());
    }

    private static UUID uuid(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        return new UUID(in.getLong(), in.getLong());
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
        dataServers.close();
        network.close();
        store.close();
    }
}
