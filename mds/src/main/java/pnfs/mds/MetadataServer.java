package pnfs.mds;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator.SplittableGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
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
import pnfs.mds.callback.SlotRecalls;
import pnfs.mds.check.Salvage;
import pnfs.mds.cluster.Cluster;
import pnfs.mds.cluster.ControlDesk;
import pnfs.mds.compound.CompoundExecutor;
import pnfs.mds.compound.FileHandleOperations;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.delegation.DelegationOperations;
import pnfs.mds.delegation.Delegations;
import pnfs.mds.drain.Drains;
import pnfs.mds.export.Exports;
import pnfs.mds.layout.DeviceWatch;
import pnfs.mds.layout.Fences;
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
import pnfs.mds.store.DamagedRecords;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.xattr.XattrOperations;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Network;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcServer;

/// A metadata server between its shores: every part, in the order in which they need each other, and nothing that
/// is a thread, a socket, a clock or chance of its own. It runs alike on real shores, which [Wiring] has, and on
/// simulated ones.
///
/// Who makes one waits until [#whenDurable], then lets requests come with [#serve] and [#welcome].
public final class MetadataServer {
    private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
    /// Six bytes, of which the first two bits say how the others were come by (RFC 7143 §11.12.5).
    private static final long MAX_ISID = 0x3fff_ffff_ffffL;

    private static final long RECALL_TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /// What a metadata server stands on.
    ///
    /// @param engine keeps everything; it is closed with the server
    /// @param network where clients come from, and data servers are reached
    /// @param nanoTime monotonic, the clock of the network's loops
    /// @param wallClock for the times of files
    /// @param machine another after each event that may have taken from the store what a process that was killed
    ///     leaves there
    public record Shores(
            StoreEngine engine,
            Network network,
            LongSupplier nanoTime,
            InstantSource wallClock,
            SplittableGenerator random,
            String machine) {}

    private final MetadataStore store;
    private final ServerIdentity identity;
    private final UUID clusterId;
    private final Network network;
    private final Clients clients;
    private final Recalls recalls;
    private final SlotRecalls slotRecalls;
    private final Orphans orphans;
    private final Cluster cluster;
    private final ControlDesk desk;
    private final Fences fences;
    private final DeviceWatch devices;
    private final DataServerIo dataServers;
    private final Drains drains;
    /// Where [#drains] is confined to.
    private final Loop drainLoop;
    private final RpcPrograms programs;

    /// Reads what the store knows.
    ///
    /// @param rootOwner owns the root directory when the store is new
    /// @param onFailure hears why the server cannot go on, once
    public MetadataServer(
            Offer offer, Rights rootOwner, Shores shores, MeterRegistry meters, Consumer<String> onFailure) {
        network = shores.network();
        store = new MetadataStore(shores.engine(), Limits.CONGESTED_BYTES, failure -> onFailure.accept(why(failure)));
        FunctionCounter.builder("pnfs.mds.store.damaged", store.damaged(), DamagedRecords::count)
                .description("Times that a damaged record stood in the way of something")
                .register(meters);
        SplittableGenerator random = shores.random();
        meters.counter("pnfs.mds.store.aside").increment(Salvage.run(shores.engine(), store));
        identity = ServerIdentity.start(store, random.split(), shores.machine());
        SessionLimits limits = Limits.sessions(offer.lease());
        clients = new Clients(
                store,
                identity,
                limits,
                random.split().nextInt(),
                shores.nanoTime().getAsLong());
        var sessions = new Sessions(clients, limits, random.split());

        var callbacks = new Callbacks(clients, shores.network().loop()::execute, Limits.CALLBACK_PATIENCE);
        recalls = new Recalls(clients, callbacks, shores.nanoTime().getAsLong(), limits.leaseNanos());
        slotRecalls = new SlotRecalls(sessions, callbacks);
        Gauge.builder("pnfs.mds.session.slots", sessions, Sessions::slotCount)
                .description("Slots of sessions that keep a reply")
                .register(meters);

        var locks = new FileLocks();
        var inodes = new Inodes(store, Limits.CACHED_INODES, random.split());
        var space = new Space();
        var manager = new LayoutManager(
                LayoutLimits.DEFAULT, space, new Placement(offer.placementUnitBytes(), List.of()), (int)
                        identity.boot());
        var layouts = new FileLayouts(store, manager, space, offer.placementUnitBytes(), Limits.CACHED_MAPS);
        var namespace = new Namespace(store, inodes, locks);
        var opens = new OpenFiles(store, clients, new StateTable(clients, Limits.STATES_PER_CLIENT, random.split()));
        orphans = new Orphans(store, inodes, locks, layouts, opens);
        clusterId = uuid(identity.id().toByteArray());
        var attributes = new FileAttributes(
                new FileSystemFacts(
                        clusterId.getMostSignificantBits(),
                        (int) offer.lease().toSeconds(),
                        offer.layoutTypes(),
                        Limits.MAX_IO_BYTES),
                layouts,
                offer.owners());
        var exports = Exports.open(store, inodes, namespace, offer.exports(), rootOwner, now(shores.wallClock()));

        devices = new DeviceWatch(store, callbacks, clients);
        cluster = new Cluster(store, offer.volumes(), clusterId.hashCode(), layouts::volumesChanged, this::moved);
        cluster.tell();
        devices.restore(cluster::placeOf);
        dataServers = new DataServerIo(
                shores.network(),
                "iqn.2026-11.pnfs:mds-" + clusterId,
                clusterId.getLeastSignificantBits() & MAX_ISID,
                ownKey(),
                layouts::volume,
                cluster::export,
                this::announce);

        var table = new OpTable();
        sessions.register(table);
        new FileHandleOperations(exports.root(), exports).register(table);
        var setAttr = AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
        XattrOperations.register(table, store, inodes, locks);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, exports);
        OpenOperations.register(table, inodes, locks, attributes, layouts, namespace, orphans, opens, clients);
        var byteLocks = new LockTable(store, opens.states(), callbacks, Limits.LOCKS_PER_CLIENT);
        LockOperations.register(table, inodes, locks, opens, byteLocks, clients);
        var delegations = new Delegations(
                offer.delegations(), Limits.DELEGATIONS, store, clients, locks, inodes, opens, callbacks, recalls);
        DelegationOperations.register(table, inodes, locks, opens, delegations, clients);
        var layoutRoom = LayoutOperations.register(
                table,
                store,
                inodes,
                locks,
                opens,
                clients,
                manager,
                layouts,
                orphans,
                recalls,
                new DataServerFencer(),
                shores.network().loop()::execute,
                devices,
                offer.layoutTypes(),
                Limits.SESSIONS_PER_CLIENT * Limits.SLOTS,
                meters);
        fences = layoutRoom.fences();
        var relocation = ProxyOperations.register(
                table,
                inodes,
                locks,
                layouts,
                orphans,
                dataServers,
                opens,
                setAttr,
                layoutRoom.layoutGet(),
                identity.writeVerifier(),
                Limits.MAX_IO_BYTES);
        drainLoop = network.loop();
        drains = new Drains(store, layouts, relocation, clients.grace(), drainLoop::execute, meters);
        desk = new ControlDesk(
                cluster,
                store,
                clusterId,
                identity.boot(),
                (int) Limits.HEARTBEAT.toMillis(),
                shores.nanoTime(),
                new ClusterFacts(
                        clients,
                        opens,
                        manager,
                        layouts,
                        fences,
                        drains,
                        devices,
                        dataServers,
                        cluster,
                        layoutRoom.recalls(),
                        exports,
                        namespace,
                        clusterId.getMostSignificantBits(),
                        shores.nanoTime()));

        var executor = new CompoundExecutor(
                table,
                sessions,
                store,
                shores.wallClock(),
                meters,
                Limits.MESSAGE_BYTES,
                Limits.RECALL_PATIENCE.toNanos());
        programs = RpcPrograms.none().with(CompoundExecutor.PROGRAM, CompoundExecutor.VERSION, executor);
    }

    /// Runs `then` once all that was made at the start is durable. Who we are and how often we started must not be
    /// seen by anybody before.
    public void whenDurable(Runnable then) {
        store.whenDurable(store.lastTicket(), then);
    }

    /// Serves NFS from here on, and does what is due as time goes by.
    public Listener serve(InetSocketAddress at) throws IOException {
        long now = network.loop().nowNanos();
        clients.serve(now);
        recalls.tick(now);
        Listener nfs = new RpcServer(network, programs, Limits.RPC).listen(at, Limits.CONNECTIONS);
        tick(network.loop(), false);
        tick(network.loop(), recalls);
        tick(drainLoop, drains);
        return nfs;
    }

    /// The handler of a new control connection.
    public ControlHandler welcome(ControlLink link) {
        return desk.welcome(link);
    }

    /// A volume is at another place now, of which clients are to hear.
    private void moved(Volume volume) {
        devices.moved(volume);
        volume.topology().leaves().forEach(leaf -> dataServers.forget(leaf.region()));
    }

    /// The key with which this server is registered at volumes, in each of its runs; client ids, and so their
    /// keys, are positive.
    private long ownKey() {
        return clusterId.getMostSignificantBits() | Long.MIN_VALUE;
    }

    /// Before a write of ours to a volume: the next run has to know of it.
    private void announce(DeviceId volume, Runnable write) {
        long ticket = fences.writing(volume, ownKey());
        if (ticket <= store.durableTicket()) {
            write.run();
        } else {
            store.whenDurable(ticket, () -> network.loop().execute(write));
        }
    }

    /// The way of fences to the data servers: over their control connections.
    private final class DataServerFencer implements Fences.Fencer {
        @Override
        public void fence(Volume volume, long key, Consumer<@Nullable String> then) {
            // Our own key stays: clients of block layouts, who have none, may still be let in everywhere.
            CompletableFuture<Void> kept = key == ownKey()
                    ? dataServers.supersede(volume)
                    : everywhere(volume, region -> desk.fence(region, ownKey(), key));
            tell(kept, then);
        }

        @Override
        public void disconnect(Volume volume, long key, Consumer<@Nullable String> then) {
            tell(everywhere(volume, region -> desk.disconnect(region, key)), then);
        }

        private static CompletableFuture<Void> everywhere(
                Volume volume, Function<RegionId, CompletableFuture<Void>> order) {
            return CompletableFuture.allOf(volume.topology().leaves().stream()
                    .map(leaf -> order.apply(leaf.region()))
                    .toArray(CompletableFuture<?>[]::new));
        }

        private void tell(CompletableFuture<Void> confirmed, Consumer<@Nullable String> then) {
            var _ = confirmed.whenComplete((_, failure) -> network.loop()
                    .execute(() -> then.accept(failure == null ? null : String.valueOf(failure.getMessage()))));
        }
    }

    /// How often this server has started.
    long boot() {
        return identity.boot();
    }

    UUID clusterId() {
        return clusterId;
    }

    /// Leases run out, and data servers fall silent. Files that lost their last name in the run before and that
    /// nobody reclaimed are freed when grace is over.
    private void tick(Loop loop, boolean graceWasOver) {
        loop.schedule(TICK_NANOS, () -> {
            clients.tick(loop.nowNanos());
            slotRecalls.tick();
            cluster.expire();
            fences.sendDue();
            devices.tick();
            boolean graceIsOver = clients.grace().isOver(loop.nowNanos());
            if (graceIsOver && !graceWasOver) {
                orphans.reapAll();
            }
            tick(loop, graceIsOver);
        });
    }

    /// What clients are to give back is asked for again where it did not reach them.
    private static void tick(Loop loop, Recalls recalls) {
        loop.schedule(RECALL_TICK_NANOS, () -> {
            recalls.tick(loop.nowNanos());
            tick(loop, recalls);
        });
    }

    /// Files that are to move are looked for.
    private static void tick(Loop loop, Drains drains) {
        loop.schedule(RECALL_TICK_NANOS, () -> {
            drains.tick(loop.nowNanos());
            tick(loop, drains);
        });
    }

    private static String why(Throwable failure) {
        return "the store cannot be written, so nothing is served any more; what was acknowledged is in it. Free space on"
                + " its disk, or mend it, and start again: " + failure.getMessage();
    }

    /// For an operator.
    static String why(CorruptStoreException damage) {
        return "the store is damaged in what is read first, so nothing is served: 'pnfs fsck' says what of it can be repaired and"
                + " 'pnfs fsck --repair' does it, or restore it from a backup: " + damage.getMessage();
    }

    private static NfsTime now(InstantSource clock) {
        var now = clock.instant();
        return new NfsTime(now.getEpochSecond(), now.getNano());
    }

    private static UUID uuid(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        return new UUID(in.getLong(), in.getLong());
    }

    /// Lets go of the data servers.
    void leaveDataServers() {
        dataServers.close();
    }

    /// Makes everything durable; nothing may come any more.
    void close() {
        store.close();
    }
}
