package pnfs.mds;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileSystemFacts;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.SessionRef;
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
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// The rooms attribute, namespace and open with real clients over a store in memory; operations run one by one,
/// without bytes and slots.
public final class FileRooms {
    public static final FileSystemFacts FACTS =
            new FileSystemFacts(7, 90, List.of(LayoutType.SCSI, LayoutType.BLOCK_VOLUME), 1 << 20);
    public static final Owners OWNERS = Owners.of("example.org", List.of("user alice 1000", "group staff 50"));
    public static final int STATES_PER_CLIENT = 100;
    public static final int LOCKS_PER_CLIENT = 50;
    private static final int CACHED_INODES = 16; // so few that most reads go to the store
    private static final Opaque NO_SESSION = Opaque.of(new byte[16]);

    public final MemoryEngine engine;
    public final MetadataStore store;
    public final FakeFileSpace space = new FakeFileSpace();
    public final FileLocks locks = new FileLocks();
    public final Inodes inodes;
    public final FileAttributes attributes;
    public final Namespace namespace;
    public final Clients clients;
    public final OpenFiles opens;
    public final LockTable byteLocks;
    /// Callbacks on their way; no connection carries any.
    public final Queue<Runnable> later = new ConcurrentLinkedQueue<>();
    public final Orphans orphans;
    public final FileHandle root;
    private final OpTable table = new OpTable();
    private final AtomicLong nowSeconds;
    private final String machine;

    /// The ids of the clients that tests call 1, 2, and so on.
    private final Map<Long, Long> clientIds = new ConcurrentHashMap<>();

    public FileRooms(MemoryEngine engine, long seed) {
        this(engine, seed, 1_700_000_000, "machine " + seed);
    }

    private FileRooms(MemoryEngine engine, long seed, long startSeconds, String machine) {
        this.machine = machine;
        var random = new SplittableRandom(seed);
        nowSeconds = new AtomicLong(startSeconds);
        this.engine = engine;
        store = new MetadataStore(engine, Long.MAX_VALUE, failure -> {
            throw new IllegalStateException(failure);
        });
        inodes = new Inodes(store, CACHED_INODES, random.split());
        attributes = new FileAttributes(FACTS, space, OWNERS);
        namespace = new Namespace(store, inodes, locks);
        ServerIdentity identity = ServerIdentity.start(store, random.split(), machine);
        clients = new Clients(store, identity, TestServer.LIMITS, 0, nowNanos());
        opens = new OpenFiles(store, clients, new StateTable(clients, STATES_PER_CLIENT, random.split()));
        orphans = new Orphans(store, inodes, locks, space, opens);
        root = namespace.root(0, new Rights(0777, 0, 0), now());
        new Sessions(clients, TestServer.LIMITS, random.split()).register(table);
        table.register(
                OpCode.SETATTR,
                OpArgs.SetAttrArgs.class,
                AttributeOperations.register(table, inodes, locks, attributes, space, opens));
        XattrOperations.register(table, store, inodes, locks);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, space, namespace, orphans, opens, clients);
        var callbacks = new Callbacks(clients, later::add, Duration.ofSeconds(5));
        byteLocks = new LockTable(store, opens.states(), callbacks, LOCKS_PER_CLIENT);
        LockOperations.register(table, inodes, locks, opens, byteLocks, clients);
    }

    public static FileRooms committing() {
        return new FileRooms(MemoryEngine.committing(), 1);
    }

    /// Power is lost and comes back: what the store had not committed is gone, and so is all that is open.
    public FileRooms crash(long seed) {
        return new FileRooms(engine.crash(), seed, nowSeconds.get(), "machine " + seed);
    }

    /// The process is killed, and started again on the same machine: what the store had not written is gone. The
    /// clients go on.
    public FileRooms kill(long seed) {
        var next = new FileRooms(engine.kill(), seed, nowSeconds.get(), machine);
        next.clientIds.putAll(clientIds);
        return next;
    }

    public NfsTime now() {
        return new NfsTime(nowSeconds.get(), 5);
    }

    private long nowNanos() {
        return TimeUnit.SECONDS.toNanos(nowSeconds.get());
    }

    /// A COMPOUND's state, at a time of its own.
    public CompoundState state(RpcCredential credential, long client) {
        long id = clientIds.computeIfAbsent(client, this::begin);
        return state(credential, new SessionRef(id, NO_SESSION, 0, 1));
    }

    private CompoundState state(RpcCredential credential, SessionRef session) {
        nowSeconds.incrementAndGet();
        var state = new CompoundState(credential, 2, nowNanos(), now());
        state.enterSession(session);
        return state;
    }

    /// A new client has nothing to reclaim, unless there is grace: then it has yet to say so.
    private long begin(long client) {
        CompoundState state = state(root(), new SessionRef(0, NO_SESSION, 0, 1));
        var known = (ExchangeIdResult)
                run(state, TestSession.exchangeIdArgs("client " + client, 1, 0)).getFirst();
        run(
                state,
                new CreateSessionArgs(
                        known.clientId(), known.sequence(), 0, TestSession.FORE, TestSession.BACK, 0, List.of()));
        state.enterSession(new SessionRef(known.clientId(), NO_SESSION, 0, 1));
        if (clients.grace().isOver(nowNanos())) {
            run(state, new ReclaimCompleteArgs(false));
        }
        return known.clientId();
    }

    /// The client says that it has reclaimed all it wanted.
    public void reclaimComplete(long client) {
        run(state(root(), client), new ReclaimCompleteArgs(false));
    }

    /// Those who have not reclaimed by now are too late.
    public void endGrace() {
        nowSeconds.addAndGet(TestServer.LEASE_SECONDS);
        clients.tick(nowNanos());
    }

    /// Nothing happens for a while.
    public void pass(long seconds) {
        nowSeconds.addAndGet(seconds);
    }

    /// The client has been silent for so long that it is let go.
    public void end(long client) {
        nowSeconds.addAndGet(TestServer.LEASE_SECONDS);
        long id = state(root(), client).clientId();
        if (!clients.releaseIfLapsed(id, nowNanos())) {
            throw new IllegalStateException("client " + client + " is still there");
        }
        clientIds.remove(client);
    }

    public List<OpResult> run(CompoundState state, OpArgs... operations) {
        return CompoundRunner.run(table, state, operations);
    }

    /// One operation of client 1 and user 0 on `file`.
    public OpResult on(FileHandle file, OpArgs operation) {
        return as(root(), file, operation);
    }

    public OpResult as(RpcCredential credential, FileHandle file, OpArgs operation) {
        CompoundState state = state(credential, 1);
        state.setCurrentFile(file);
        return run(state, operation).getFirst();
    }

    public Inode inode(FileHandle file) {
        Inode inode = inodes.find(file.inode()).value();
        if (inode == null) {
            throw new IllegalArgumentException("no " + file);
        }
        return inode;
    }

    /// Makes something in the root directory.
    public FileHandle create(String name, CreateObject object) {
        CompoundState state = state(root(), 1);
        state.setCurrentFile(root);
        requireOk(run(state, new OpArgs.CreateArgs(object, name, Fattr.EMPTY)).getFirst());
        return state.currentFile();
    }

    /// Makes a regular file in the root directory, and leaves it closed.
    public FileHandle createFile(RpcCredential credential, String name, int mode) {
        Fattr attributes = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
        CompoundState state = state(credential, 1);
        state.setCurrentFile(root);
        var how = new OpenHow.Guarded(attributes);
        OpResult opened = run(state, open("maker", ShareBits.READ, 0, how, new OpenClaim.ByName(name)))
                .getFirst();
        requireOk(opened);
        requireOk(run(state, new OpArgs.CloseArgs(0, ((OpenResult) opened).stateid()))
                .getFirst());
        return state.currentFile();
    }

    private static void requireOk(OpResult result) {
        if (result.status() != NfsStatus.OK) {
            throw new NfsException(result.status(), result.toString());
        }
    }

    public static OpenArgs open(String owner, int access, int deny, OpenHow how, OpenClaim claim) {
        return new OpenArgs(0, access, deny, new StateOwner(0, Opaque.ofUtf8(owner)), how, claim);
    }

    public static Fattr size(long bytes) {
        return AttributeCodec.write(Attributes.builder().size(bytes).build());
    }

    /// The file at `path` from the root on.
    public FileHandle at(String... path) {
        CompoundState state = state(root(), 1);
        state.setCurrentFile(root);
        OpArgs[] steps = Stream.of(path).map(OpArgs.LookupArgs::new).toArray(OpArgs[]::new);
        List<OpResult> results = run(state, steps);
        if (results.stream().anyMatch(result -> result.status() != NfsStatus.OK)) {
            throw new NfsException(results.getLast().status(), Arrays.toString(path));
        }
        return state.currentFile();
    }

    public static RpcCredential root() {
        return user(0, 0);
    }

    public static RpcCredential user(int uid, int gid, Integer... groups) {
        return new RpcCredential.Sys(0, "test", uid, gid, List.of(groups));
    }
}
