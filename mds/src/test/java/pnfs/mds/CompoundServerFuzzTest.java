package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
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
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.mds.xattr.XattrOperations;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CreateObject;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.CreateArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.RestoreFhArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.RandomMessages;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Any bytes as a COMPOUND are answered, by a server with all its rooms: no operation ends in SERVERFAULT, no
/// call in SYSTEM_ERR, no block of a volume belongs to two files or to a file and to nobody (I1, I2), the next
/// client is served, and nothing is left of a client that is gone. `mvn test` runs the corpus and the seeds;
/// `JAZZER_FUZZ=1 mvn -pl mds test -Dtest=CompoundServerFuzzTest` looks for more.
class CompoundServerFuzzTest {
    private static final int GARBAGE_ARGS = 4;
    private static final int MOST_OPERATIONS = 12;
    private static final List<String> NAMES = List.of("a", "b", "directory", "link");
    private static final Bitmap ATTRIBUTES = Bitmap.of(Attribute.TYPE, Attribute.SIZE, Attribute.CHANGE);
    private static final List<Class<? extends OpArgs>> OPERATIONS = RandomMessages.leaves(OpArgs.class);
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));

    private final Rooms rooms = new Rooms();
    private final TestServer server = new TestServer(MemoryEngine.committing(), new ManualLoop(), rooms);
    private final long freeAtFirst = rooms.space.totals().freeBytes();
    private final TestPeer peer = server.connect();
    private int reboots;
    private TestSession session = reboot(peer, "fuzzer");

    /// What a server has, over disks that keep nothing.
    @SuppressWarnings("NullAway.Init") // the server calls add() before anybody looks
    private static final class Rooms implements TestServer.Rooms {
        private final Space space = new Space();
        private final FileLocks locks = new FileLocks();
        private LayoutManager manager;
        private FileLayouts layouts;
        private OpenFiles opens;
        private LockTable byteLocks;
        private Delegations delegations;

        @Override
        public FileHandle add(TestServer server, OpTable table) {
            var random = new SplittableRandom(3);
            var inodes = new Inodes(server.store, 100, random);
            var placement = new Placement(LayoutRooms.PLACEMENT_BYTES, List.of());
            manager = new LayoutManager(LayoutLimits.DEFAULT, space, placement, 1);
            layouts = new FileLayouts(server.store, manager, space, LayoutRooms.PLACEMENT_BYTES, 4);
            layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES);
            var attributes = new FileAttributes(FileRooms.FACTS, layouts, FileRooms.OWNERS);
            var namespace = new Namespace(server.store, inodes, locks);
            opens = new OpenFiles(server.clients, new StateTable(server.clients, 100, random));
            var orphans = new Orphans(server.store, inodes, locks, layouts, opens);
            var setAttr = AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
            XattrOperations.register(table, server.store, inodes, locks);
            NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
            OpenOperations.register(
                    table, inodes, locks, attributes, layouts, namespace, orphans, opens, server.clients);
            var callbacks = new Callbacks(server.clients, server.loop::execute, Duration.ofSeconds(5));
            byteLocks = new LockTable(opens.states(), callbacks, FileRooms.LOCKS_PER_CLIENT);
            LockOperations.register(table, inodes, locks, opens, byteLocks, server.clients);
            var recalls =
                    new Recalls(server.clients, callbacks, server.loop.nowNanos(), TestServer.LIMITS.leaseNanos());
            delegations =
                    new Delegations(DelegationPolicy.ON, 100, server.clients, locks, inodes, opens, callbacks, recalls);
            DelegationOperations.register(table, inodes, locks, opens, delegations, server.clients);
            LayoutOperations.register(
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
                    new DeviceWatch(callbacks, server.clients),
                    List.of(LayoutType.SCSI, LayoutType.BLOCK_VOLUME),
                    8,
                    new SimpleMeterRegistry());
            ProxyOperations.register(table, inodes, locks, layouts, orphans, new Forgetful(), opens, setAttr, 1, 4096);
            return namespace.root(0, new Rights(0777, 0, 0), new NfsTime(1, 0));
        }
    }

    /// Disks that answer at once and keep nothing.
    private static final class Forgetful implements BlockIo {
        @Override
        public void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done) {
            done.done(null);
        }

        @Override
        public void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done) {
            done.done(null);
        }
    }

    /// The first byte says how many operations the others are, behind a SEQUENCE that is good; 0: the others
    /// are all of the COMPOUND.
    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_answered_and_the_next_client_is_served(byte[] input) {
        if (input.length == 0) {
            return;
        }
        byte[] rest = Arrays.copyOfRange(input, 1, input.length - (input.length - 1) % 4);
        check(input[0] == 0 ? rest : behindSequence(input[0] & 0xf, rest));
        check(TestPeer.encode(2));
        reboot(server.connect(), "next");
        assertNothingLeaks();
    }

    /// The owner begins anew, whatever became of its last client.
    private TestSession reboot(TestPeer from, String owner) {
        TestSession begun = TestSession.confirm(from, owner, ++reboots);
        assertThat(begun.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
        return begun;
    }

    @Seeds(150)
    void operations_in_any_order_with_any_arguments_are_answered(RandomGenerator random) {
        for (int i = 0; i < 40; i++) {
            byte[] operations = operations(random);
            if (random.nextInt(3) == 0 && operations.length > 0) {
                operations[random.nextInt(operations.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
            }
            check(behindSequence(MOST_OPERATIONS, operations));
        }
        assertNothingLeaks();
    }

    private void check(byte[] compound) {
        int xid = peer.send(compound);

        assertThat(peer.closed()).isNull();
        assertThat(server.damage).isEmpty();
        if (peer.acceptStat(xid) == GARBAGE_ARGS) {
            session = reboot(peer, "fuzzer"); // the slot did not hear of the sequence
            return;
        }
        assertSpaceAddsUp();
        List<OpResult> results = peer.results(xid).operations();
        assertThat(results).allSatisfy(result -> assertThat(result.status()).isNotEqualTo(NfsStatus.SERVERFAULT));
        if (results.isEmpty() || results.getFirst().status() != NfsStatus.OK) {
            session = reboot(peer, "fuzzer"); // its session is gone, or does not know the sequence
        }
    }

    /// The bytes of each file's extents are its own, and what no file has is free.
    private void assertSpaceAddsUp() {
        var owned = new TreeSet<Extent>(Comparator.comparing(Extent::device)
                .thenComparingLong(extent -> extent.storage().offset()));
        long ownedBytes = 0;
        for (long inode : inodes()) {
            for (Extent extent : rooms.layouts.extentsOf(inode)) {
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
        assertThat(rooms.space.totals().freeBytes() + ownedBytes)
                .as("free and owned")
                .isEqualTo(freeAtFirst);
    }

    private static boolean isBefore(Extent left, Extent right) {
        return !left.device().equals(right.device())
                || left.storage().end() <= right.storage().offset();
    }

    private List<Long> inodes() {
        var all = new ArrayList<Long>();
        server.store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, _) -> all.add(Keys.number(key)));
        return all;
    }

    /// A client that rebooted has nothing, and when all names are gone all space is free again.
    private void assertNothingLeaks() {
        session = reboot(peer, "fuzzer");

        assertThat(rooms.opens.count()).as("opens").isZero();
        assertThat(rooms.byteLocks.count()).as("locks").isZero();
        assertThat(rooms.delegations.count()).as("delegations").isZero();
        assertThat(rooms.manager.held()).as("layouts").isEqualTo(new LayoutManager.Held(0, 0));
        for (int pass = 0; pass <= NAMES.size(); pass++) { // directories empty themselves from below
            remove(new OpArgs[] {new PutRootFhArgs()}, 0);
        }
        assertThat(inodes()).as("inodes").hasSize(1);
        assertThat(rooms.space.totals().freeBytes()).as("free bytes").isEqualTo(freeAtFirst);
    }

    /// Removes what can be removed under the directory that `way` leads to, in this pass.
    private void remove(OpArgs[] way, int depth) {
        List<OpResult> results = session.run(append(way, new ReadDirArgs(0, 0, 4096, 4096, Bitmap.EMPTY)))
                .operations();
        if (depth < MOST_OPERATIONS && results.getLast() instanceof ReadDirResult listed) {
            for (DirectoryEntry entry : listed.entries()) {
                remove(append(way, new LookupArgs(entry.name())), depth + 1);
                session.run(append(way, new RemoveArgs(entry.name())));
            }
        }
    }

    private static OpArgs[] append(OpArgs[] operations, OpArgs last) {
        OpArgs[] more = Arrays.copyOf(operations, operations.length + 1);
        more[operations.length] = last;
        return more;
    }

    /// A COMPOUND that promises `count` operations behind its SEQUENCE; fewer end it with BADXDR.
    private byte[] behindSequence(int count, byte[] operations) {
        byte[] head = TestPeer.encode(2, session.next(false));
        byte[] whole = Arrays.copyOf(head, head.length + operations.length);
        System.arraycopy(operations, 0, whole, head.length, operations.length);
        ByteBuffer.wrap(whole).putInt(12, 1 + count); // behind the tag's 8 bytes and the minor version
        return whole;
    }

    private static byte[] operations(RandomGenerator random) {
        var all = new ArrayList<OpArgs>();
        for (int i = random.nextInt(MOST_OPERATIONS / 2); i >= 0; i--) {
            if (random.nextInt(4) > 0) {
                all.add(new PutRootFhArgs());
            }
            switch (random.nextInt(8)) {
                case 0 -> all.add(anything(random));
                case 1, 2, 3 -> all.add(aboutNames(random));
                default -> {
                    all.add(open(NAMES.get(random.nextInt(NAMES.size()))));
                    all.add(aboutContent(random));
                    all.add(aboutContent(random));
                }
            }
        }
        byte[] whole = TestPeer.encode(2, all.toArray(OpArgs[]::new));
        return Arrays.copyOfRange(whole, 16, whole.length);
    }

    private static OpArgs anything(RandomGenerator random) {
        return new RandomMessages(random).of(OPERATIONS.get(random.nextInt(OPERATIONS.size())));
    }

    /// What finds something to work on in a directory: there are few names.
    private static OpArgs aboutNames(RandomGenerator random) {
        String name = NAMES.get(random.nextInt(NAMES.size()));
        return switch (random.nextInt(9)) {
            case 0 -> new CreateArgs(new CreateObject.Directory(), name, Fattr.EMPTY);
            case 1 -> new CreateArgs(new CreateObject.Symlink(Opaque.ofUtf8(name)), "link", Fattr.EMPTY);
            case 2 -> new LookupArgs(name);
            case 3 -> new LookuppArgs();
            case 4 -> new RemoveArgs(name);
            case 5 -> new RenameArgs(name, NAMES.get(random.nextInt(NAMES.size())));
            case 6 -> random.nextBoolean() ? new SaveFhArgs() : new RestoreFhArgs();
            case 7 -> new GetAttrArgs(ATTRIBUTES);
            default -> new ReadDirArgs(random.nextInt(9), 0, 4096, random.nextInt(4096), ATTRIBUTES);
        };
    }

    /// What finds something to work on in a file that was opened just now: most of it is small.
    private static OpArgs aboutContent(RandomGenerator random) {
        long offset = random.nextInt(4) == 0 ? random.nextLong(Long.MAX_VALUE) : random.nextInt(40_000);
        int length = random.nextInt(9000);
        FileRange range = offset > Long.MAX_VALUE - length || random.nextBoolean()
                ? FileRange.toEnd(offset)
                : new FileRange(offset, offset + length);
        LayoutType type = random.nextBoolean() ? LayoutType.SCSI : LayoutType.BLOCK_VOLUME;
        return switch (random.nextInt(16)) {
            case 6 -> new AllocateArgs(Stateid.CURRENT, range);
            case 7 -> new DeallocateArgs(Stateid.CURRENT, range);
            case 8 -> new SeekArgs(Stateid.CURRENT, offset, random.nextBoolean() ? SeekWhat.DATA : SeekWhat.HOLE);
            case 9 -> new ReadPlusArgs(Stateid.CURRENT, offset, length);
            case 10 ->
                new LockArgs(
                        random.nextBoolean() ? LockType.READ : LockType.WRITE,
                        false,
                        range,
                        new Locker.NewOwner(0, Stateid.CURRENT, 0, OWNER));
            case 11 -> new SetXattrArgs(SetXattrMode.EITHER, "name" + length % 3, Opaque.of(new byte[length / 8]));
            case 12 ->
                new LayoutReturnArgs(
                        false, type, Iomode.ANY, new LayoutReturnScope.OfFile(range, Stateid.CURRENT, Opaque.EMPTY));
            case 13 ->
                new LayoutCommitArgs(
                        range,
                        false,
                        Stateid.CURRENT,
                        random.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(offset),
                        Optional.empty(),
                        new LayoutBody(type, random.nextBoolean() ? Opaque.EMPTY : written(type, random)));
            case 0 -> new WriteArgs(Stateid.CURRENT, offset, StableHow.FILE_SYNC, ByteBuffer.allocate(length / 4));
            case 1 -> new ReadArgs(Stateid.CURRENT, offset, length);
            case 2 -> new CloseArgs(0, Stateid.CURRENT);
            case 3 ->
                new SetAttrArgs(
                        Stateid.CURRENT,
                        AttributeCodec.write(Attributes.builder().size(offset).build()));
            default ->
                new LayoutGetArgs(
                        false,
                        type,
                        random.nextBoolean() ? Iomode.READ : Iomode.READ_WRITE,
                        range,
                        random.nextInt(1 + length),
                        Stateid.CURRENT,
                        length);
        };
    }

    /// Blocks that a client says it has written.
    private static Opaque written(LayoutType type, RandomGenerator random) {
        ByteRange blocks = ByteRange.ofLength(random.nextLong(8) * 4096, (1 + random.nextLong(4)) * 4096);
        return type == LayoutType.SCSI
                ? ScsiLayoutCodec.writeUpdate(List.of(blocks))
                : BlockLayoutCodec.writeUpdate(
                        List.of(new Extent(new DeviceId(0, 0, 0), blocks, 0, ExtentState.READ_WRITE_DATA)));
    }

    private static OpenArgs open(String name) {
        return new OpenArgs(
                0,
                ShareBits.BOTH | ShareBits.WANT_ANY_DELEG,
                0,
                OWNER,
                new OpenHow.Unchecked(Fattr.EMPTY),
                new OpenClaim.ByName(name));
    }
}
