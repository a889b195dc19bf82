package pnfs.mds.layout;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.Extent;
import pnfs.layout.grant.LayoutLimits;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.space.Space;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.check.Salvage;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Operation;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.delegation.DelegationOperations;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.delegation.Delegations;
import pnfs.mds.lock.LockOperations;
import pnfs.mds.lock.LockTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.session.Clients;
import pnfs.mds.session.ServerIdentity;
import pnfs.mds.session.Sessions;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.mds.xattr.XattrOperations;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// All rooms of files, with real layouts, over a store in memory and two small volumes. Confined to one thread.
public final class LayoutRooms {
    public static final long VOLUME_BYTES = 1 << 20;
    public static final long PLACEMENT_BYTES = 64 << 10;
    public static final List<Volume> VOLUMES = List.of(volume(1), volume(2));
    private static final int CACHED = 4; // so few that most reads go to the store
    private static final Opaque NO_SESSION = Opaque.of(new byte[16]);

    public final MemoryEngine engine;
    public final MetadataStore store;
    public final Space space = new Space();
    public final FileLocks locks = new FileLocks();
    public final Inodes inodes;
    public final LayoutManager manager;
    public final FileLayouts layouts;
    public final Namespace namespace;
    public final Clients clients;
    public final OpenFiles opens;
    public final Orphans orphans;
    public final FileHandle root;
    public final FileAttributes attributes;
    public final ServerIdentity identity;
    public final OpTable table = new OpTable();
    public final MeterRegistry meters = new SimpleMeterRegistry();
    public final Recalls recalls;
    /// Callbacks on their way; no connection carries any.
    public final Queue<Runnable> later = new ConcurrentLinkedQueue<>();
    /// What fences will do, without locks.
    private final Queue<Runnable> fencing = new ConcurrentLinkedQueue<>();

    public final FakeDataServers dataServers;
    public final Fences fences;
    /// For the proxy to register with its own.
    public final Operation<OpArgs.SetAttrArgs> setAttr;
    public final LayoutGet layoutGet;
    private final Map<Long, Long> clientIds = new HashMap<>();
    private final Map<Long, Map<FileHandle, Stateid>> opened = new HashMap<>();
    private final String machine;
    private long nowSeconds;

    public LayoutRooms(MemoryEngine engine, long seed) {
        this(engine, seed, 1_700_000_000, new FakeDataServers(), "machine " + seed);
    }

    private LayoutRooms(
            MemoryEngine engine, long seed, long startSeconds, FakeDataServers dataServers, String machine) {
        this.machine = machine;
        var random = new SplittableRandom(seed);
        this.dataServers = dataServers;
        this.engine = engine;
        nowSeconds = startSeconds;
        store = new MetadataStore(engine, Long.MAX_VALUE, failure -> {
            throw new IllegalStateException(failure);
        });
        inodes = new Inodes(store, CACHED, random.split());
        manager = new LayoutManager(
                new LayoutLimits(32 << 10, 128 << 10, 32 << 10, 16 << 10, 64, 300, 100),
                space,
                new Placement(PLACEMENT_BYTES, List.of()),
                random.nextInt());
        layouts = new FileLayouts(store, manager, space, PLACEMENT_BYTES, CACHED);
        layouts.volumesChanged(VOLUMES, VOLUMES, Set.of());
        attributes = new FileAttributes(FileRooms.FACTS, layouts, Owners.numeric());
        namespace = new Namespace(store, inodes, locks);
        Salvage.run(engine, store);
        identity = ServerIdentity.start(store, random.split(), machine);
        clients = new Clients(store, identity, TestServer.LIMITS, 0, nowNanos());
        recalls = new Recalls(
                clients,
                new Callbacks(clients, later::add, Duration.ofSeconds(5)),
                nowNanos(),
                TestServer.LIMITS.leaseNanos());
        opens = new OpenFiles(store, clients, new StateTable(clients, 100, random.split()));
        orphans = new Orphans(store, inodes, locks, layouts, opens);
        root = namespace.root(0, new Rights(0777, 0, 0), now());
        new Sessions(clients, TestServer.LIMITS, random.split()).register(table);
        setAttr = AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
        XattrOperations.register(table, store, inodes, locks);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, layouts, namespace, orphans, opens, clients);
        var callbacks = new Callbacks(clients, later::add, Duration.ofSeconds(5));
        LockOperations.register(
                table, inodes, locks, opens, new LockTable(store, opens.states(), callbacks, 100), clients);
        var delegations =
                new Delegations(DelegationPolicy.ON, 100, store, clients, locks, inodes, opens, callbacks, recalls);
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
                dataServers,
                fencing::add,
                new DeviceWatch(store, callbacks, clients),
                List.of(LayoutType.SCSI, LayoutType.BLOCK_VOLUME),
                8,
                meters);
        fences = layoutRoom.fences();
        layoutGet = layoutRoom.layoutGet();
    }

    /// With SETATTR and LAYOUTGET as they are without the proxy.
    public LayoutRooms withoutProxy() {
        table.register(OpCode.SETATTR, OpArgs.SetAttrArgs.class, setAttr);
        table.register(OpCode.LAYOUTGET, OpArgs.LayoutGetArgs.class, layoutGet);
        return this;
    }

    public static LayoutRooms committing() {
        return new LayoutRooms(MemoryEngine.committing(), 1);
    }

    /// Power is lost and comes back; grace is over.
    public LayoutRooms crash(long seed) {
        LayoutRooms next = restart(seed);
        next.pass(TestServer.LEASE_SECONDS + 1);
        return next;
    }

    /// As [#crash], at the moment of the restart: grace may have just begun.
    public LayoutRooms restart(long seed) {
        long startSeconds = nowSeconds + TestServer.LEASE_SECONDS + 1;
        return new LayoutRooms(engine.crash(), seed, startSeconds, dataServers, "machine " + seed);
    }

    /// The process is killed, and started again on the same machine. The clients go on.
    public LayoutRooms kill(long seed) {
        var next = new LayoutRooms(engine.crash(), seed, nowSeconds, dataServers, machine);
        next.clientIds.putAll(clientIds);
        next.opened.putAll(opened);
        return next;
    }

    /// Time goes by.
    public void pass(long seconds) {
        nowSeconds += seconds;
        clients.tick(nowNanos());
        recalls.tick(nowNanos());
        fences.sendDue();
        settle();
    }

    /// Everything is durable that can be, and what waited for that happens.
    public void settle() {
        engine.commitAll();
        for (Runnable next = fencing.poll(); next != null; next = fencing.poll()) {
            next.run();
            engine.commitAll();
        }
    }

    public NfsTime now() {
        return new NfsTime(nowSeconds, 5);
    }

    private long nowNanos() {
        return TimeUnit.SECONDS.toNanos(nowSeconds);
    }

    /// The state of a COMPOUND of this client on `file`.
    public CompoundState state(long client, FileHandle file) {
        CompoundState state = state(new SessionRef(clientIds.computeIfAbsent(client, this::begin), NO_SESSION, 0, 1));
        state.setCurrentFile(file);
        return state;
    }

    private CompoundState state(SessionRef session) {
        nowSeconds++;
        var state = new CompoundState(new RpcCredential.Sys(0, "test", 0, 0, List.of()), 2, nowNanos(), now());
        state.enterSession(session);
        return state;
    }

    private long begin(long client) {
        CompoundState state = session(client);
        run(state, new ReclaimCompleteArgs(false));
        return state.clientId();
    }

    /// The client comes back after a restart and has yet to say RECLAIM_COMPLETE.
    public void comeBack(long client) {
        clientIds.put(client, session(client).clientId());
    }

    private CompoundState session(long client) {
        CompoundState state = state(new SessionRef(0, NO_SESSION, 0, 1));
        var known = (ExchangeIdResult) run(state, TestSession.exchangeIdArgs("client " + client, 1, 0));
        run(
                state,
                new CreateSessionArgs(
                        known.clientId(), known.sequence(), 0, TestSession.FORE, TestSession.BACK, 0, List.of()));
        state.enterSession(new SessionRef(known.clientId(), NO_SESSION, 0, 1));
        return state;
    }

    public long idOf(long client) {
        return state(client, root).clientId();
    }

    /// The client has been silent for so long that it is let go.
    public void end(long client) {
        nowSeconds += TestServer.LEASE_SECONDS;
        if (!clients.releaseIfLapsed(idOf(client), nowNanos())) {
            throw new IllegalStateException("client " + client + " is still there");
        }
        clientIds.remove(client);
        opened.remove(client);
    }

    public OpResult run(CompoundState state, OpArgs operation) {
        return CompoundRunner.run(table, state, operation).getFirst();
    }

    public OpResult run(long client, FileHandle file, OpArgs operation) {
        return run(state(client, file), operation);
    }

    /// Begins an operation that may be done later.
    public CompoundState begin(long client, FileHandle file, OpArgs operation, Consumer<OpResult> done) {
        CompoundState state = state(client, file);
        begin(state, operation, done);
        return state;
    }

    public void begin(CompoundState state, OpArgs operation, Consumer<OpResult> done) {
        CompoundRunner.begin(table, state, operation, done);
    }

    /// Opens the file of this name in the root directory, making it if need be.
    public FileHandle open(long client, String name) {
        CompoundState state = state(client, root);
        var how = new OpenHow.Unchecked(Fattr.EMPTY);
        OpResult result = run(
                state, FileRooms.open("owner", ShareBits.READ | ShareBits.WRITE, 0, how, new OpenClaim.ByName(name)));
        FileHandle file = state.currentFile();
        opened.computeIfAbsent(client, _ -> new HashMap<>()).put(file, ((OpenResult) result).stateid());
        return file;
    }

    /// Of the client's last open of the file.
    public Stateid stateid(long client, FileHandle file) {
        return opened.getOrDefault(client, Map.of()).getOrDefault(file, Stateid.ANONYMOUS);
    }

    public Inode inode(FileHandle file) {
        Inode inode = inodes.find(file.inode()).value();
        if (inode == null) {
            throw new IllegalArgumentException("no " + file);
        }
        return inode;
    }

    public List<Extent> extents(FileHandle file) {
        return layouts.extentsOf(file.inode());
    }

    private static Volume volume(int number) {
        return new Volume(
                new DeviceId(number, 1, 1),
                new Scsi(new RegionId(new UUID(0, number)), VOLUME_BYTES, Designator.naa(naa(number))));
    }

    private static Opaque naa(int number) {
        var bytes = new byte[16];
        bytes[0] = 0x60;
        bytes[15] = (byte) number;
        return Opaque.of(bytes);
    }
}
