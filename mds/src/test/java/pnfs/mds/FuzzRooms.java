package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.LayoutLimits;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.space.Space;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.delegation.DelegationOperations;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.delegation.Delegations;
import pnfs.mds.layout.DeviceWatch;
import pnfs.mds.layout.FakeDataServers;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.layout.LayoutOperations;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.lock.LockOperations;
import pnfs.mds.lock.LockTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.proxy.BlockIo;
import pnfs.mds.proxy.ProxyOperations;
import pnfs.mds.proxy.Relocation;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.mds.xattr.XattrOperations;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;

/// What a server has, over disks that keep nothing.
@SuppressWarnings("NullAway.Init") // the server calls add() before anybody looks
final class FuzzRooms implements TestServer.Rooms {
    final Space space = new Space();
    private final FileLocks locks = new FileLocks();
    LayoutManager manager;
    FileLayouts layouts;
    OpenFiles opens;
    LockTable byteLocks;
    Delegations delegations;
    Recalls recalls;
    Orphans orphans;
    Relocation relocation;
    private final Duration patience;
    private final long seed;
    private final Executor disks;
    private MetadataStore store;
    /// But for the first block of each volume, all is free at first.
    private final long freeAtFirst = LayoutRooms.VOLUMES.stream()
            .mapToLong(volume -> volume.capacity() - ByteRange.BLOCK_BYTES)
            .sum();

    /// @param patience of a COMPOUND with other clients
    FuzzRooms(Duration patience) {
        this(patience, 3);
    }

    /// @param seed another for each run over one store
    FuzzRooms(Duration patience, long seed) {
        this(patience, seed, Runnable::run);
    }

    /// The same over data servers that take their time.
    ///
    /// @param disks runs what answers the transfers
    FuzzRooms(Duration patience, long seed, Executor disks) {
        this.patience = patience;
        this.seed = seed;
        this.disks = disks;
    }

    @Override
    public long patienceNanos() {
        return patience.toNanos();
    }

    @Override
    public FileHandle add(TestServer server, OpTable table) {
        store = server.store;
        var random = new SplittableRandom(seed);
        var inodes = new Inodes(server.store, 100, random);
        var placement = new Placement(LayoutRooms.PLACEMENT_BYTES, List.of());
        manager = new LayoutManager(LayoutLimits.DEFAULT, space, placement, (int) server.identity.boot());
        layouts = new FileLayouts(server.store, manager, space, LayoutRooms.PLACEMENT_BYTES, 4);
        layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of());
        var attributes = new FileAttributes(FileRooms.FACTS, layouts, FileRooms.OWNERS);
        var namespace = new Namespace(server.store, inodes, locks);
        opens = new OpenFiles(server.store, server.clients, new StateTable(server.clients, 100, random));
        orphans = new Orphans(server.store, inodes, locks, layouts, opens);
        var setAttr = AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
        XattrOperations.register(table, server.store, inodes, locks);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, layouts, namespace, orphans, opens, server.clients);
        var callbacks = new Callbacks(server.clients, server.loop::execute, Duration.ofSeconds(5));
        byteLocks = new LockTable(server.store, opens.states(), callbacks, FileRooms.LOCKS_PER_CLIENT);
        LockOperations.register(table, inodes, locks, opens, byteLocks, server.clients);
        recalls = new Recalls(server.clients, callbacks, server.loop.nowNanos(), TestServer.LIMITS.leaseNanos());
        delegations = new Delegations(
                DelegationPolicy.ON, 100, server.store, server.clients, locks, inodes, opens, callbacks, recalls);
        DelegationOperations.register(table, inodes, locks, opens, delegations, server.clients);
        var layoutRoom = LayoutOperations.register(
                table,
                server.store,
                inodes,
                locks,
                opens,
                server.clients,
                manager,
                layouts,
                orphans,
                recalls,
                new FakeDataServers(),
                server.loop::execute,
                new DeviceWatch(store, callbacks, server.clients),
                List.of(LayoutType.SCSI, LayoutType.BLOCK_VOLUME),
                8,
                new SimpleMeterRegistry());
        relocation = ProxyOperations.register(
                table,
                inodes,
                locks,
                layouts,
                orphans,
                new Forgetful(disks),
                opens,
                setAttr,
                layoutRoom.layoutGet(),
                1,
                4096);
        return namespace.root(0, new Rights(0777, 0, 0), new NfsTime(1, 0));
    }

    /// The bytes of each file's extents are its own, and what no file has is free.
    void assertSpaceAddsUp() {
        var owned = new TreeSet<Extent>(Comparator.comparing(Extent::device)
                .thenComparingLong(extent -> extent.storage().offset()));
        long ownedBytes = 0;
        for (long inode : inodes()) {
            for (Extent extent : layouts.extentsOf(inode)) {
                if (extent.state() != ExtentState.NONE_DATA) {
                    Extent before = owned.lower(extent);
                    Extent after = owned.higher(extent);
                    assertThat(owned.add(extent))
                            .as("%s belongs to nobody else", extent)
                            .isTrue();
                    assertThat(before == null || isBefore(before, extent))
                            .as("%s overlaps %s", extent, before)
                            .isTrue();
                    assertThat(after == null || isBefore(extent, after))
                            .as("%s overlaps %s", extent, after)
                            .isTrue();
                    ownedBytes += extent.storage().length();
                }
            }
        }
        assertThat(space.totals().freeBytes() + ownedBytes).as("free and owned").isEqualTo(freeAtFirst);
    }

    private static boolean isBefore(Extent left, Extent right) {
        return !left.device().equals(right.device())
                || left.storage().end() <= right.storage().offset();
    }

    List<Long> inodes() {
        var all = new ArrayList<Long>();
        store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, _) -> all.add(Keys.number(key)));
        return all;
    }

    /// What a restart would find is what there is.
    void assertHeldIsRecorded() {
        assertThat(records(Keys.OPEN)).as("recorded opens").isEqualTo(opens.count());
        assertThat(records(Keys.RANGE)).as("recorded ranges").isEqualTo(byteLocks.count());
        assertThat(records(Keys.DELEGATION)).as("recorded delegations").isGreaterThanOrEqualTo(delegations.count());
    }

    private int records(Keys kind) {
        var count = new int[1];
        store.scan(kind.first(), kind.end(), (_, _) -> count[0]++ >= 0);
        return count[0];
    }

    /// Clients that rebooted have nothing, and when all names are gone all space is free again.
    void assertNothingLeaks(TestSession session) {
        assertThat(opens.count()).as("opens").isZero();
        assertThat(byteLocks.count()).as("locks").isZero();
        assertThat(delegations.count()).as("delegations").isZero();
        for (Keys kind : List.of(Keys.OPEN, Keys.LOCK, Keys.RANGE, Keys.DELEGATION)) {
            assertThat(records(kind)).as("records of kind %s", kind).isZero();
        }
        assertThat(manager.held()).as("layouts").isEqualTo(new LayoutManager.Held(0, 0));
        for (int pass = 0; pass <= FuzzOperations.NAMES.size(); pass++) { // directories empty themselves from below
            remove(session, new OpArgs[] {new PutRootFhArgs()}, 0);
        }
        assertThat(inodes()).as("inodes").hasSize(1);
        assertThat(space.totals().freeBytes()).as("free bytes").isEqualTo(freeAtFirst);
    }

    /// Removes what can be removed under the directory that `way` leads to, in this pass.
    private static void remove(TestSession session, OpArgs[] way, int depth) {
        List<OpResult> results = session.run(append(way, new ReadDirArgs(0, 0, 4096, 4096, Bitmap.EMPTY)))
                .operations();
        if (depth < FuzzOperations.MOST_OPERATIONS && results.getLast() instanceof ReadDirResult listed) {
            for (DirectoryEntry entry : listed.entries()) {
                remove(session, append(way, new LookupArgs(entry.name())), depth + 1);
                session.run(append(way, new RemoveArgs(entry.name())));
            }
        }
    }

    private static OpArgs[] append(OpArgs[] operations, OpArgs last) {
        OpArgs[] more = Arrays.copyOf(operations, operations.length + 1);
        more[operations.length] = last;
        return more;
    }

    /// Disks that keep nothing.
    private record Forgetful(Executor answers) implements BlockIo {
        @Override
        public void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done) {
            answers.execute(() -> done.done(null));
        }

        @Override
        public void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done) {
            answers.execute(() -> done.done(null));
        }
    }
}
