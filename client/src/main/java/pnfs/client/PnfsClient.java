package pnfs.client;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Network;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpResult.ReadLinkResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.xdr.Opaque;

/// A cluster as a user of files sees it. Safe for all threads; close it to give everything back at once.
///
/// Paths are absolute, parts separated by `/`; symbolic links in them are followed by [#open] and [#list], not
/// by the others. Every method blocks, tries again while the server is away or busy for as long as
/// [ClientOptions#patience] says, and throws [PnfsException] with the server's status, the path and what to do.
///
/// ```java
/// try (var client = PnfsClient.connect(mds, ClientOptions.defaults().withControl(control));
///         var file = client.open("/report", CREATE, WRITE)) {
///     file.write(0, data);
///     file.fsync();
/// }
/// ```
public final class PnfsClient implements AutoCloseable {
    private static final int MAX_LINKS = 40;
    /// Operations of a compound that are no LOOKUP, at most.
    private static final int AROUND_WALKS = 6;

    private static final int READDIR_BYTES = 64 << 10;
    private static final int FILE_MODE = 0644;
    private static final int DIRECTORY_MODE = 0755;
    private static final Bitmap INFO = Bitmap.of(
            Attribute.TYPE,
            Attribute.CHANGE,
            Attribute.SIZE,
            Attribute.FILEID,
            Attribute.MODE,
            Attribute.NUMLINKS,
            Attribute.OWNER,
            Attribute.OWNER_GROUP,
            Attribute.SPACE_USED,
            Attribute.TIME_MODIFY);
    private static final Bitmap OPENED = Bitmap.of(Attribute.SIZE, Attribute.FSID);
    /// What LOOKUP and OPEN say when a part of the path is a symbolic link.
    private static final Set<NfsStatus> MAYBE_LINK = EnumSet.of(NfsStatus.SYMLINK, NfsStatus.NOTDIR);

    private final Network network;
    private final MdsSession session;
    private final MdsSession.Caller caller;
    private final ClientOptions options;
    private final Disks disks;
    private final DirectIo direct;
    private final Mappers mappers;
    private final Tally tally;
    private final long ownerPrefix;
    private final AtomicLong opens = new AtomicLong();

    private PnfsClient(
            Network network,
            MdsSession session,
            Mappers mappers,
            ClientOptions options,
            Disks disks,
            Volumes volumes,
            Tally tally,
            long ownerPrefix) {
        this.network = network;
        this.session = session;
        this.caller = session.caller();
        this.options = options;
        this.disks = disks;
        this.direct = new DirectIo(volumes, options.events());
        this.mappers = mappers;
        this.tally = tally;
        this.ownerPrefix = ownerPrefix;
    }

    /// Connects to the NFS port of a metadata server and makes a session there.
    public static PnfsClient connect(InetSocketAddress mds, ClientOptions options) throws IOException {
        RandomGenerator random = new SecureRandom();
        var tally = new Tally();
        var network = new NioNetwork();
        try {
            var mappers = new Mappers();
            var callbacks = new Backchannel(new Recalls(mappers));
            MdsLink link = new RpcLink(network, mds, callbacks, ProcessOwner.credential(), tally);
            MdsSession session = MdsSession.open(link, options, random);
            var disks = new Disks(network, options, random);
            var volumes = new Volumes(session.caller(), disks);
            session.add(volumes);
            session.whenDevicesChange(volumes::someChanged);
            callbacks.serve(session, volumes);
            return new PnfsClient(network, session, mappers, options, disks, volumes, tally, random.nextLong());
        } catch (IOException | RuntimeException e) {
            network.close();
            throw e;
        }
    }

    /// Opens a regular file. Of the options CREATE, CREATE_NEW, READ, WRITE and TRUNCATE_EXISTING count;
    /// without WRITE it is opened for reading.
    public PnfsFile open(String path, StandardOpenOption... options) throws IOException {
        var wanted = EnumSet.noneOf(StandardOpenOption.class);
        wanted.addAll(Arrays.asList(options));
        try {
            return open(Names.of(path), wanted);
        } catch (PnfsException e) {
            List<String> real = realNames(path, e);
            return open(real, wanted);
        }
    }

    private PnfsFile open(List<String> names, Set<StandardOpenOption> wanted) throws IOException {
        String path = Names.path(names);
        if (names.isEmpty()) {
            throw new PnfsException(NfsStatus.ISDIR, path, PnfsException.meaning(NfsStatus.ISDIR));
        }
        boolean writes = wanted.contains(StandardOpenOption.WRITE);
        boolean creates = wanted.contains(StandardOpenOption.CREATE) || wanted.contains(StandardOpenOption.CREATE_NEW);
        boolean truncates = writes && wanted.contains(StandardOpenOption.TRUNCATE_EXISTING);
        // A write of half a block reads the other half, so who writes may read.
        int access = writes ? ShareBits.BOTH : ShareBits.READ;
        var owner = new StateOwner(0, Opaque.ofUtf8(Long.toHexString(ownerPrefix) + "-" + opens.incrementAndGet()));
        var open = new OpenArgs(
                0,
                access | ShareBits.WANT_NO_DELEG,
                0,
                owner,
                how(wanted, creates && writes, truncates),
                new OpenClaim.ByName(names.getLast()));
        Walk directory = walk(Names.parent(names));
        Reply reply = caller.call(path, () -> directory.then(open, new GetFhArgs(), new GetAttrArgs(OPENED)));
        Attributes attributes =
                AttributeCodec.read(reply.get(GetAttrResult.class).attributes());
        var file = new PnfsFile(
                path,
                reply.get(GetFhResult.class).fileHandle(),
                attributes.fsid(),
                owner,
                access,
                reply.get(OpenResult.class),
                attributes.size(),
                session,
                mappers,
                direct,
                options,
                tally);
        session.add(file);
        if (truncates && !creates) {
            file.truncate(0);
        }
        return file;
    }

    private static OpenHow how(Set<StandardOpenOption> wanted, boolean creates, boolean truncates) {
        if (!creates) {
            return new OpenHow.NoCreate();
        }
        var attributes = Attributes.builder().uint32(Attribute.MODE, FILE_MODE);
        if (wanted.contains(StandardOpenOption.CREATE_NEW)) {
            return new OpenHow.Guarded(AttributeCodec.write(attributes.build()));
        }
        if (truncates) {
            attributes.size(0);
        }
        return new OpenHow.Unchecked(AttributeCodec.write(attributes.build()));
    }

    /// What is known of the file; a symbolic link at the end is not followed.
    public FileInfo stat(String path) throws IOException {
        Walk there = walk(Names.of(path));
        Reply reply = caller.call(path, () -> there.then(new GetAttrArgs(INFO)));
        return info(reply.get(GetAttrResult.class).attributes());
    }

    /// All entries, in the order of the server.
    public List<DirectoryEntry> list(String path) throws IOException {
        try {
            return list(Names.of(path));
        } catch (PnfsException e) {
            return list(realNames(path, e));
        }
    }

    private List<DirectoryEntry> list(List<String> names) throws IOException {
        var entries = new ArrayList<DirectoryEntry>();
        Walk directory = walk(names);
        long cookie = 0;
        long verifier = 0;
        while (true) {
            var readDir = new ReadDirArgs(cookie, verifier, READDIR_BYTES, READDIR_BYTES, INFO);
            ReadDirResult page = caller.call(Names.path(names), () -> directory.then(readDir))
                    .get(ReadDirResult.class);
            for (var entry : page.entries()) {
                entries.add(new DirectoryEntry(entry.name(), info(entry.attributes())));
                cookie = entry.cookie();
            }
            verifier = page.verifier();
            if (page.eof()) {
                return entries;
            }
            if (page.entries().isEmpty()) {
                throw new PnfsException(
                        NfsStatus.SERVERFAULT, Names.path(names), "a READDIR without entries and without end");
            }
        }
    }

    /// Makes a directory.
    public void mkdir(String path) throws IOException {
        create(path, new CreateObject.Directory(), DIRECTORY_MODE);
    }

    /// Makes a directory and what is missing above it; nothing where it is there.
    public void mkdirs(String path) throws IOException {
        List<String> names = Names.of(path);
        for (int depth = 1; depth <= names.size(); depth++) {
            try {
                mkdir(Names.path(names.subList(0, depth)));
            } catch (PnfsException e) {
                if (e.status() != NfsStatus.EXIST) {
                    throw e;
                }
            }
        }
    }

    /// Makes a symbolic link at `path` that says `target`.
    public void symlink(String target, String path) throws IOException {
        create(path, new CreateObject.Symlink(Opaque.ofUtf8(target)), 0777);
    }

    /// What the symbolic link at `path` says.
    public String readlink(String path) throws IOException {
        Walk there = walk(Names.of(path));
        return caller.call(path, () -> there.then(new ReadLinkArgs()))
                .get(ReadLinkResult.class)
                .target()
                .utf8();
    }

    /// Gives the file at `existing` a second name.
    public void link(String existing, String path) throws IOException {
        List<String> names = named(path);
        Walk file = walk(Names.of(existing));
        Walk directory = walk(Names.parent(names));
        caller.call(path, () -> file.then(new SaveFhArgs(), directory, new LinkArgs(names.getLast())));
    }

    /// Removes a file or an empty directory.
    public void remove(String path) throws IOException {
        List<String> names = named(path);
        Walk directory = walk(Names.parent(names));
        caller.call(path, () -> directory.then(new RemoveArgs(names.getLast())));
    }

    /// Gives what is at `from` the name `to`; what had that name is replaced.
    public void rename(String from, String to) throws IOException {
        List<String> source = named(from);
        List<String> target = named(to);
        Walk fromDirectory = walk(Names.parent(source));
        Walk toDirectory = walk(Names.parent(target));
        var rename = new RenameArgs(source.getLast(), target.getLast());
        caller.call(from, () -> fromDirectory.then(new SaveFhArgs(), toDirectory, rename));
    }

    /// The extents of a regular file, holes included, in order: as the metadata server has them, uncommitted
    /// ones too.
    ///
    /// @throws PnfsException where [ClientOptions#control] is not set
    public List<FileExtent> extents(String path) throws IOException {
        Walk there = walk(Names.of(path));
        Reply reply = caller.call(path, () -> there.then(new GetFhArgs(), new GetAttrArgs(INFO)));
        return control(options.control())
                .extents(
                        reply.get(GetFhResult.class).fileHandle(),
                        info(reply.get(GetAttrResult.class).attributes()).size());
    }

    /// The cluster as a whole, asked at [ClientOptions#control].
    public ClusterStatus status() throws IOException {
        return control(options.control()).status();
    }

    /// The cluster as a whole, asked at the control port of its metadata server.
    public static ClusterStatus status(InetSocketAddress control) throws IOException {
        return control(control).status();
    }

    private static ControlClient control(@Nullable InetSocketAddress address) throws PnfsException {
        if (address == null) {
            throw new PnfsException(NfsStatus.INVAL, "cluster", "no control port is known: give one with --control");
        }
        return new ControlClient(address);
    }

    /// What was done since [#connect].
    public Counters counters() {
        return tally.snapshot();
    }

    private void create(String path, CreateObject object, int mode) throws IOException {
        List<String> names = named(path);
        Fattr attributes = AttributeCodec.write(
                Attributes.builder().uint32(Attribute.MODE, mode).build());
        Walk directory = walk(Names.parent(names));
        caller.call(path, () -> directory.then(new CreateArgs(object, names.getLast(), attributes)));
    }

    /// The beginning of a compound: the way to a file. Where the names are more than half of what a compound
    /// takes, the first of them are looked up now.
    private Walk walk(List<String> names) throws IOException {
        int most = Math.max(1, (session.maxOperations() - AROUND_WALKS) / 2);
        var walk = new Walk(new PutRootFhArgs(), names);
        while (walk.names().size() > most) {
            var part = new Walk(walk.first(), walk.names().subList(0, most));
            Opaque handle = caller.call(Names.path(names), () -> part.then(new GetFhArgs()))
                    .get(GetFhResult.class)
                    .fileHandle();
            walk = new Walk(
                    new PutFhArgs(handle),
                    walk.names().subList(most, walk.names().size()));
        }
        return walk;
    }

    /// How a compound gets to a file.
    private record Walk(OpArgs first, List<String> names) {
        List<OpArgs> then(OpArgs... operations) {
            var compound = new ArrayList<OpArgs>(names.size() + operations.length + 1);
            compound.add(first);
            names.forEach(name -> compound.add(new LookupArgs(name)));
            compound.addAll(Arrays.asList(operations));
            return compound;
        }

        /// Keeps the file this leads to, and does `last` where the other leads to.
        List<OpArgs> then(SaveFhArgs save, Walk other, OpArgs last) {
            List<OpArgs> compound = then(save);
            compound.addAll(other.then(last));
            return compound;
        }
    }

    private static List<String> named(String path) throws PnfsException {
        List<String> names = Names.of(path);
        if (names.isEmpty()) {
            throw new PnfsException(NfsStatus.INVAL, path, "the root has no name that could be given or taken");
        }
        return names;
    }

    /// The path without symbolic links, where they may be why `refusal` came; otherwise `refusal`.
    private List<String> realNames(String path, PnfsException refusal) throws IOException {
        if (!MAYBE_LINK.contains(refusal.status())) {
            throw refusal;
        }
        var rest = new ArrayList<>(Names.of(path));
        var real = new ArrayList<String>();
        int links = 0;
        while (!rest.isEmpty()) {
            real.add(rest.removeFirst());
            String here = Names.path(real);
            switch (stat(here).type()) {
                case SYMLINK -> {
                    if (++links > MAX_LINKS) {
                        throw new PnfsException(NfsStatus.SYMLINK, path, "more than " + MAX_LINKS + " symbolic links");
                    }
                    String target = readlink(here);
                    real.removeLast();
                    if (target.startsWith("/")) {
                        real.clear();
                    }
                    Names.follow(target, real, rest);
                }
                default -> {}
            }
        }
        if (links == 0) {
            throw refusal;
        }
        return real;
    }

    private static FileInfo info(Fattr fattr) {
        Attributes attributes = AttributeCodec.read(fattr);
        NfsTime modified = attributes.time(Attribute.TIME_MODIFY);
        return new FileInfo(
                attributes.type(),
                attributes.size(),
                attributes.uint32(Attribute.MODE),
                attributes.uint32(Attribute.NUMLINKS),
                attributes.text(Attribute.OWNER),
                attributes.text(Attribute.OWNER_GROUP),
                attributes.uint64(Attribute.FILEID),
                attributes.uint64(Attribute.SPACE_USED),
                attributes.uint64(Attribute.CHANGE),
                Instant.ofEpochSecond(modified.seconds(), modified.nanos()));
    }

    /// Gives session and client id back. Files that are still open are closed without a commit.
    @Override
    public void close() {
        session.close();
        disks.close();
        network.close();
    }
}
