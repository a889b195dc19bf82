package pnfs.mds;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileSystemFacts;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundRunner;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.Reclaim;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// The rooms attribute, namespace and open over a store in memory, without sessions and bytes. Confined to one
/// thread.
public final class FileRooms implements Reclaim {
    public static final FileSystemFacts FACTS =
            new FileSystemFacts(new Fsid(7, 0), 90, List.of(LayoutType.SCSI, LayoutType.BLOCK_VOLUME), 1 << 20);
    private static final int CACHED_INODES = 16; // so few that most reads go to the store
    public static final int OPENS_PER_CLIENT = 100;
    /// The client of [#create] and [#createFile].
    private static final long MAKER = 1000;

    public final MemoryEngine engine;
    public final MetadataStore store;
    public final FakeFileSpace space = new FakeFileSpace();
    public final FileLocks locks = new FileLocks();
    public final Inodes inodes;
    public final FileAttributes attributes;
    public final Namespace namespace;
    public final OpenFiles opens;
    public final Orphans orphans;
    public final FileHandle root;
    public final LongConsumer closeAll;
    private final OpTable table = new OpTable();

    /// Whether clients reclaim what they had open.
    public boolean inGrace;

    private final AtomicLong nowSeconds = new AtomicLong(1_700_000_000);

    public FileRooms(MemoryEngine engine, long seed) {
        var random = new SplittableRandom(seed);
        this.engine = engine;
        store = new MetadataStore(engine, Long.MAX_VALUE, failure -> {
            throw new IllegalStateException(failure);
        });
        inodes = new Inodes(store, CACHED_INODES, random.split());
        attributes = new FileAttributes(FACTS, space);
        namespace = new Namespace(store, inodes, locks);
        opens = new OpenFiles(this, OPENS_PER_CLIENT, random.split());
        orphans = new Orphans(store, inodes, locks, space, opens);
        root = namespace.root(new Rights(0777, 0, 0), now());
        AttributeOperations.register(table, inodes, locks, attributes, space, opens);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans);
        closeAll = OpenOperations.register(table, inodes, locks, attributes, space, namespace, orphans, opens, this);
    }

    public static FileRooms committing() {
        return new FileRooms(MemoryEngine.committing(), 1);
    }

    /// Power is lost and comes back: what the store had not committed is gone, and so is all that is open.
    public FileRooms crash(long seed) {
        var next = new FileRooms(engine.crash(), seed);
        next.nowSeconds.set(nowSeconds.get());
        return next;
    }

    public NfsTime now() {
        return new NfsTime(nowSeconds.get(), 5);
    }

    /// A COMPOUND's state, at a time of its own.
    public CompoundState state(RpcCredential credential, long clientId) {
        long nowNanos = TimeUnit.SECONDS.toNanos(nowSeconds.incrementAndGet());
        var state = new CompoundState(credential, 2, nowNanos, now());
        state.enterSession(new SessionRef(clientId, Opaque.of(new byte[16]), 0, 1));
        return state;
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
        return made(root(), new OpArgs.CreateArgs(object, name, Fattr.EMPTY));
    }

    /// Makes a regular file in the root directory, and leaves it closed.
    public FileHandle createFile(RpcCredential credential, String name, int mode) {
        Fattr attributes = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
        var how = new OpenHow.Guarded(attributes);
        FileHandle file = made(credential, open("maker", ShareBits.READ, 0, how, new OpenClaim.ByName(name)));
        closeAll.accept(MAKER);
        return file;
    }

    private FileHandle made(RpcCredential credential, OpArgs operation) {
        CompoundState state = state(credential, MAKER);
        state.setCurrentFile(root);
        OpResult result = run(state, operation).getFirst();
        if (result.status() != NfsStatus.OK) {
            throw new NfsException(result.status(), operation.toString());
        }
        return state.currentFile();
    }

    public static OpenArgs open(String owner, int access, int deny, OpenHow how, OpenClaim claim) {
        return new OpenArgs(0, access, deny, new StateOwner(0, Opaque.ofUtf8(owner)), how, claim);
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

    @Override
    public void requireOver(CompoundState state) {
        if (inGrace) {
            throw new NfsException(NfsStatus.GRACE, "in grace");
        }
    }

    @Override
    public void requireAllowed(CompoundState state) {
        if (!inGrace) {
            throw new NfsException(NfsStatus.NO_GRACE, "after grace");
        }
    }
}
