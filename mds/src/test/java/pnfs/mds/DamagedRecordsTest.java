package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.wire.nfs4.NfsStatus.IO;
import static pnfs.wire.nfs4.NfsStatus.LAYOUTUNAVAILABLE;
import static pnfs.wire.nfs4.NfsStatus.OK;
import static pnfs.wire.nfs4.NfsStatus.SERVERFAULT;
import static pnfs.wire.nfs4.NfsStatus.STALE;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.layout.device.DeviceId;
import pnfs.mds.check.Report;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.compound.OpFacts;
import pnfs.mds.drain.Drains;
import pnfs.mds.layout.LayoutRooms;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.GetXattrArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LinkArgs;
import pnfs.wire.nfs4.OpArgs.ListXattrsArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.SetXattrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.ReadDirResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SetXattrMode;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// A record of a file is damaged, and somebody works with that file: a server with all its rooms, killed and
/// started again so that it has nothing of the file at hand.
class DamagedRecordsTest {
    private static final byte[] GARBAGE = {7, 7, 7};
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("process"));
    private static final int BLOCK = 4096;
    private static final int GARBAGE_ARGS = 4;
    /// Of these one file consists; what clients hold of it is [pnfs.mds.check.Salvage]'s.
    private static final List<Keys> OF_FILES =
            List.of(Keys.INODE, Keys.ENTRY, Keys.COOKIE, Keys.XATTR, Keys.EXTENT, Keys.ORPHAN);

    private MemoryEngine engine = MemoryEngine.committing();
    private final ManualLoop loop = new ManualLoop();
    private int runs;
    private FuzzRooms rooms;
    private TestServer server;
    private TestSession session;
    private Opaque spoilt = Opaque.EMPTY;
    private Stateid open = Stateid.ANONYMOUS;

    @BeforeEach
    void makeFiles() {
        restart();
        for (String name : List.of("good", "spoilt")) {
            List<OpResult> made = ok(
                    new PutRootFhArgs(),
                    open(name, new OpenHow.Unchecked(Fattr.EMPTY)),
                    new GetFhArgs(),
                    new WriteArgs(Stateid.CURRENT, 0, StableHow.FILE_SYNC, ByteBuffer.allocate(BLOCK)),
                    new SetXattrArgs(SetXattrMode.EITHER, "user.x", Opaque.ofUtf8("value")));
            open = new Stateid(0, ((OpenResult) made.get(2)).stateid().other());
            spoilt = ((GetFhResult) made.get(3)).fileHandle();
        }
    }

    /// Which record of the spoilt file is damaged, and what cannot be done then; all else can.
    enum Case {
        INODE(Keys.INODE) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return switch (operation) {
                    case LookupArgs _, LayoutReturnArgs _, CloseArgs _, ReadDirArgs _ -> OK;
                    case LayoutGetArgs _ -> LAYOUTUNAVAILABLE;
                    default -> IO;
                };
            }
        },
        ENTRY(Keys.ENTRY) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return switch (operation) {
                    case LookupArgs _, OpenArgs _, RemoveArgs _, RenameArgs _, LinkArgs _ -> IO;
                    default -> OK;
                };
            }
        },
        COOKIE(Keys.COOKIE) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return operation instanceof ReadDirArgs ? IO : OK;
            }
        },
        XATTR_LIST(Keys.XATTR) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return switch (operation) {
                    case ListXattrsArgs _, SetXattrArgs _, RemoveArgs _ -> IO;
                    default -> OK;
                };
            }
        },
        XATTR_VALUE(Keys.XATTR) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return operation instanceof GetXattrArgs ? IO : OK;
            }
        },
        EXTENT(Keys.EXTENT) {
            @Override
            NfsStatus expected(OpArgs operation) {
                return switch (operation) {
                    case ReadArgs _, WriteArgs _, SetAttrArgs _, RemoveArgs _ -> IO;
                    case LayoutGetArgs _ -> LAYOUTUNAVAILABLE;
                    default -> OK;
                };
            }
        };

        private final Keys kind;

        Case(Keys kind) {
            this.kind = kind;
        }

        abstract NfsStatus expected(OpArgs operation);
    }

    @ParameterizedTest
    @EnumSource
    void what_needs_the_record_is_refused_and_changes_nothing_and_all_else_goes_on(Case damaged) {
        byte[] key = keyOf(damaged);
        damage(key);
        restart();

        for (OpArgs operation : operations()) {
            NfsStatus expected = damaged.expected(operation);
            List<String> before = records(OF_FILES);
            long free = rooms.space.totals().freeBytes();
            long met = server.store.damaged().count();
            assertThat(run(operation)).as("%s", operation).isEqualTo(expected);
            if (expected != OK) {
                assertThat(records(OF_FILES)).as("%s", operation).isEqualTo(before);
                assertThat(rooms.space.totals().freeBytes()).as("%s", operation).isEqualTo(free);
                assertThat(server.store.damaged().count()).as("%s", operation).isGreaterThan(met);
            }
        }
        useGoodFile();
        restart();
        useGoodFile();
    }

    @Test
    void a_listing_says_which_file_has_a_damaged_inode_to_who_can_be_told() {
        damage(keyOf(Case.INODE));
        restart();

        List<OpResult> told = ok(new PutRootFhArgs(), readDir(Bitmap.of(Attribute.RDATTR_ERROR, Attribute.SIZE)));
        NfsStatus untold = session.run(new PutRootFhArgs(), readDir(Bitmap.of(Attribute.SIZE)))
                .status();

        assertThat(((ReadDirResult) told.getLast()).entries())
                .extracting(DirectoryEntry::name)
                .containsExactly("good", "spoilt");
        assertThat(((ReadDirResult) told.getLast()).entries().getLast().attributes())
                .isEqualTo(new Fattr(
                        Bitmap.of(Attribute.RDATTR_ERROR), Opaque.of(new byte[] {0, 0, 0, (byte) IO.number()})));
        assertThat(untold).isEqualTo(IO);
    }

    /// Its storage stays its own: the last name and the last open are gone, and it is not freed.
    @Test
    void a_file_without_a_name_is_left_as_it_is_and_others_are_reaped() {
        ok(new PutRootFhArgs(), new RemoveArgs("spoilt"));
        ok(new PutRootFhArgs(), new RemoveArgs("good"));
        damage(keyOf(Case.EXTENT));
        restart();
        long free = rooms.space.totals().freeBytes();

        session = TestSession.confirm(server.connect(), "client", 2); // it has rebooted, and has nothing open any more
        rooms.orphans.reapAll();

        assertThat(rooms.space.totals().freeBytes()).as("the good one's went").isEqualTo(free + BLOCK);
        assertThat(keys(Keys.ORPHAN)).as("the spoilt one").hasSize(1);
        assertThat(server.store.damaged().count()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(names = {"INODE", "EXTENT"})
    void a_client_gives_back_the_layout_of_a_damaged_file_and_nothing_of_the_file_is_freed(Case damaged) {
        var unwritten = new FileRange(BLOCK, 4 * BLOCK);
        Stateid layout = layout(unwritten);
        byte[] key = keyOf(damaged);
        damage(key);
        restart();
        long free = rooms.space.totals().freeBytes();

        NfsStatus returned = run(new LayoutReturnArgs(
                false,
                LayoutType.SCSI,
                Iomode.ANY,
                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, layout, Opaque.EMPTY)));

        assertThat(returned).isEqualTo(OK);
        assertThat(rooms.manager.held().layouts()).isZero();
        assertThat(keys(Keys.GRANT)).isEmpty();
        assertThat(rooms.space.totals().freeBytes()).isEqualTo(free);
    }

    /// Whoever has it among others loses no more than that.
    @Test
    void a_client_that_gives_back_all_its_layouts_gets_rid_of_all_though_one_file_is_damaged() {
        layout(new FileRange(BLOCK, 4 * BLOCK));
        ok(
                new PutRootFhArgs(),
                open("good", new OpenHow.NoCreate()),
                layoutGet(Stateid.CURRENT, new FileRange(BLOCK, 4 * BLOCK)));
        damage(keyOf(Case.INODE));
        restart();
        assertThat(rooms.manager.held().layouts()).isEqualTo(2);

        ok(new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.All()));

        assertThat(rooms.manager.held().layouts()).isZero();
    }

    @Test
    void a_volume_is_emptied_of_all_other_files() {
        byte[] key = keyOf(Case.EXTENT);
        DeviceId device = rooms.layouts.extentsOf(Keys.number(key)).getFirst().device();
        for (int i = 0; i < 4; i++) {
            ok(
                    new PutRootFhArgs(),
                    open("more" + i, new OpenHow.Unchecked(Fattr.EMPTY)),
                    new WriteArgs(Stateid.CURRENT, 0, StableHow.FILE_SYNC, ByteBuffer.allocate(BLOCK)));
        }
        damage(key);
        restart();

        Drains drains = drain(device);

        assertThat(rooms.layouts.usedBytes(device)).as("the spoilt file's").contains((long) BLOCK);
        assertThat(server.store.get(key).value()).isEqualTo(GARBAGE);
        assertThat(drains.waitsFor(device)).contains("pnfs fsck");

        repair();
        restart();
        drain(device);

        assertThat(rooms.layouts.usedBytes(device))
                .as("what is left of it, too")
                .contains(0L);
    }

    private Drains drain(DeviceId device) {
        rooms.layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of(device));
        var drains = new Drains(
                server.store,
                rooms.layouts,
                rooms.relocation,
                server.clients.grace(),
                loop::execute,
                new SimpleMeterRegistry());
        for (int i = 0; i < 20; i++) {
            loop.advance(100, TimeUnit.MILLISECONDS);
            drains.tick(loop.nowNanos());
            loop.run();
        }
        return drains;
    }

    @Seeds(30)
    void I2_whatever_record_is_damaged_all_is_answered_and_nobody_gets_what_that_file_had(RandomGenerator random) {
        for (int i = 0; i < 10; i++) {
            runAnything(random);
        }
        List<byte[]> all = new ArrayList<>();
        OF_FILES.forEach(kind -> all.addAll(keys(kind)));
        all.removeIf(key -> key[0] == Keys.INODE.first()[0] && Keys.number(key) == 1);
        byte[] key = all.get(random.nextInt(all.size()));
        byte[] value = server.store.get(key).require("record");
        damage(key);

        restart();
        for (int i = 0; i < 30; i++) {
            if (random.nextInt(10) == 0) {
                restart();
            }
            runAnything(random);
        }

        if (key[0] == Keys.EXTENT.first()[0] || key[0] == Keys.INODE.first()[0]) {
            assertThat(server.store.get(key).value()).as("the damaged record").isEqualTo(GARBAGE);
            put(key, value);
        }
        rooms.assertSpaceAddsUp();
    }

    @ParameterizedTest
    @EnumSource(names = {"INODE", "EXTENT"})
    void I4_what_a_repair_leaves_of_the_file_is_no_more_under_its_name_and_can_be_removed(Case damaged) {
        ok(new PutFhArgs(spoilt), new WriteArgs(open, 3 * BLOCK, StableHow.FILE_SYNC, ByteBuffer.allocate(BLOCK)));
        layout(new FileRange(5 * BLOCK, 6 * BLOCK));
        long free = rooms.space.totals().freeBytes();
        byte[] key = damaged == Case.INODE ? keyOf(damaged) : Keys.EXTENT.of(Keys.number(keyOf(damaged)), 0);
        damage(key);

        Report found = repair();

        assertThat(found.hasIrreparable()).isFalse();
        assertThat(check().findings()).isEmpty();
        assertThat(server.store.get(Keys.ASIDE.of(key)).value()).isEqualTo(GARBAGE);
        restart();
        rooms.assertSpaceAddsUp();
        useGoodFile();
        assertThat(session.run(new PutFhArgs(spoilt), new GetAttrArgs(Bitmap.of(Attribute.SIZE)))
                        .status())
                .isEqualTo(STALE);
        assertThat(free - rooms.space.totals().freeBytes())
                .as("given to nobody")
                .isZero();
        List<String> rests = names();
        assertThat(rests).contains("good").doesNotContain("spoilt").hasSize(damaged == Case.INODE ? 2 : 3);
        rests.forEach(name -> ok(new PutRootFhArgs(), new RemoveArgs(name)));
        rooms.orphans.reapAll();
        rooms.assertNothingLeaks(session);
        assertThat(server.store.damaged().count()).isZero();
    }

    @Seeds(60)
    void I2_whatever_records_are_damaged_one_repair_leaves_a_sound_store_of_which_all_can_be_removed(
            RandomGenerator random) {
        for (int i = 0; i < 10; i++) {
            runAnything(random);
        }
        List<byte[]> all = new ArrayList<>();
        OF_FILES.forEach(kind -> all.addAll(keys(kind)));
        for (int i = random.nextInt(3); i >= 0; i--) {
            put(all.get(random.nextInt(all.size())), GARBAGE);
        }

        Report found = repair();

        assertThat(found.hasIrreparable()).as("%s", found.findings()).isFalse();
        assertThat(check().findings()).isEmpty();
        restart();
        rooms.assertSpaceAddsUp();
        for (int i = 0; i < 10; i++) {
            runAnything(random);
        }
        assertThat(server.store.damaged().count()).isZero();
        session = TestSession.confirm(server.connect(), "client", 2); // it has rebooted, and has nothing any more
        session.run(new ReclaimCompleteArgs(false));
        rooms.orphans.reapAll();
        rooms.assertNothingLeaks(session);
    }

    private List<String> names() {
        var listed = (ReadDirResult)
                ok(new PutRootFhArgs(), readDir(Bitmap.of(Attribute.SIZE))).getLast();
        return listed.entries().stream().map(DirectoryEntry::name).toList();
    }

    /// As `pnfs fsck --repair` does while the server is stopped.
    private Report repair() {
        Report found = check();
        server.store.append(found.repair());
        return found;
    }

    private Report check() {
        return StoreCheck.run(engine, LayoutRooms.VOLUMES, new SplittableRandom(1), _ -> {});
    }

    private void runAnything(RandomGenerator random) {
        byte[] operations = FuzzOperations.operations(random);
        int xid = session.peer.send(FuzzOperations.behindSequence(session, FuzzOperations.MOST_OPERATIONS, operations));
        assertThat(session.peer.closed()).isNull();
        if (session.peer.acceptStat(xid) == GARBAGE_ARGS) {
            session = TestSession.confirm(server.connect(), "client", 1); // the slot did not hear of the sequence
            return;
        }
        List<OpResult> results = session.peer.results(xid).operations();
        assertThat(results).allSatisfy(result -> {
            if (OpFacts.statusOfDamage(result.op()) != SERVERFAULT) {
                assertThat(result.status()).isNotEqualTo(SERVERFAULT);
            }
        });
        if (results.isEmpty() || results.getFirst().status() != OK) {
            session = TestSession.confirm(server.connect(), "client", 1);
        }
    }

    private void useGoodFile() {
        ok(
                new PutRootFhArgs(),
                open("good", new OpenHow.NoCreate()),
                new GetAttrArgs(Bitmap.of(Attribute.SIZE)),
                new WriteArgs(Stateid.CURRENT, 0, StableHow.FILE_SYNC, ByteBuffer.allocate(BLOCK)),
                new ReadArgs(Stateid.CURRENT, 0, 100),
                new GetXattrArgs("user.x"),
                new CloseArgs(0, Stateid.CURRENT));
    }

    /// One of each kind, the last of which removes the file.
    private List<OpArgs> operations() {
        return List.of(
                new LookupArgs("spoilt"),
                open("spoilt", new OpenHow.NoCreate()),
                new GetAttrArgs(Bitmap.of(Attribute.SIZE, Attribute.CHANGE)),
                new ReadArgs(open, 0, 100),
                new WriteArgs(open, 0, StableHow.FILE_SYNC, ByteBuffer.allocate(10)),
                new SetAttrArgs(
                        open, AttributeCodec.write(Attributes.builder().size(0).build())),
                new GetXattrArgs("user.x"),
                new ListXattrsArgs(0, 1000),
                new SetXattrArgs(SetXattrMode.EITHER, "user.y", Opaque.ofUtf8("value")),
                readDir(Bitmap.of(Attribute.RDATTR_ERROR, Attribute.SIZE)),
                layoutGet(open, new FileRange(0, BLOCK)),
                new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.All()),
                new CloseArgs(0, open),
                new LinkArgs("another"),
                new RenameArgs("spoilt", "renamed"),
                new RemoveArgs("spoilt"));
    }

    /// On the spoilt file, or on the directory where that is meant.
    private NfsStatus run(OpArgs operation) {
        OpArgs[] way = switch (operation) {
            case LookupArgs _, OpenArgs _, ReadDirArgs _ -> new OpArgs[] {new PutRootFhArgs(), operation};
            case RemoveArgs remove -> {
                boolean isRenamed = session.run(new PutRootFhArgs(), new LookupArgs("renamed"))
                                .status()
                        == OK;
                yield new OpArgs[] {new PutRootFhArgs(), isRenamed ? new RemoveArgs("renamed") : remove};
            }
            case RenameArgs _ -> new OpArgs[] {new PutRootFhArgs(), new SaveFhArgs(), operation};
            case LinkArgs link ->
                new OpArgs[] {
                    new PutRootFhArgs(),
                    new LookupArgs("spoilt"),
                    new SaveFhArgs(),
                    new PutRootFhArgs(),
                    link,
                    new RemoveArgs(link.name())
                };
            default -> new OpArgs[] {new PutFhArgs(spoilt), operation};
        };
        return session.run(way).status();
    }

    private Stateid layout(FileRange range) {
        return ((LayoutGetResult)
                        ok(new PutFhArgs(spoilt), layoutGet(open, range)).getLast())
                .stateid();
    }

    private LayoutGetArgs layoutGet(Stateid stateid, FileRange range) {
        return new LayoutGetArgs(false, LayoutType.SCSI, Iomode.READ_WRITE, range, BLOCK, stateid, BLOCK);
    }

    private static ReadDirArgs readDir(Bitmap attributes) {
        return new ReadDirArgs(0, 0, 4096, 4096, attributes);
    }

    private static OpenArgs open(String name, OpenHow how) {
        return new OpenArgs(0, ShareBits.BOTH, 0, OWNER, how, new OpenClaim.ByName(name));
    }

    private List<OpResult> ok(OpArgs... operations) {
        List<OpResult> results = session.run(operations).operations();
        assertThat(results).allSatisfy(result -> assertThat(result.status()).isEqualTo(OK));
        return results;
    }

    private void restart() {
        rooms = new FuzzRooms(Duration.ZERO, ++runs);
        engine = engine.kill();
        server = new TestServer(engine, loop, rooms, "machine");
        session = TestSession.confirm(server.connect(), "client", 1);
        session.run(new ReclaimCompleteArgs(false));
    }

    private void damage(byte[] key) {
        assertThat(server.store.get(key).value()).as("record").isNotNull();
        put(key, GARBAGE);
    }

    private void put(byte[] key, byte[] value) {
        var batch = new Batch();
        batch.put(key, value);
        server.store.append(batch);
    }

    /// The record of the spoilt file that this is about.
    private byte[] keyOf(Case which) {
        List<byte[]> all = keys(which.kind); // of the spoilt file last: it was made last
        return which == Case.XATTR_LIST ? all.get(all.size() - 2) : all.getLast();
    }

    private List<byte[]> keys(Keys kind) {
        var keys = new ArrayList<byte[]>();
        server.store.scan(kind.first(), kind.end(), (key, _) -> keys.add(key));
        return keys;
    }

    private List<String> records(List<Keys> kinds) {
        var records = new ArrayList<String>();
        for (Keys kind : kinds) {
            server.store.scan(
                    kind.first(),
                    kind.end(),
                    (key, value) -> records.add(
                            HexFormat.of().formatHex(key) + " " + HexFormat.of().formatHex(value)));
        }
        return records;
    }
}
