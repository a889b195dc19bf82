package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.PUT_ROOT;
import static pnfs.it.conformance.Tree.at;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import pnfs.it.conformance.Tree.Opened;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceError;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.IoCount;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutErrorArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.LayoutStatsArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.DeviceInfoTooSmall;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.GetDeviceListResult;
import pnfs.wire.nfs4.OpResult.LayoutCommitResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.OpResult.LockResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Layouts asked for, committed and given back as they cannot be: RFC 8881 §12.5, §18.40 to §18.44, RFC 7862
/// §15.6, §15.7.
@ExtendWith(SuiteServer.class)
class LayoutRefusalTest {
    private static final int BLOCK = 4096;
    private static final int ROOM = 1 << 16;
    private static final FileRange TWO_BLOCKS = FileRange.of(0, 2 * BLOCK);

    private final Suite suite;
    private final Session session;
    private final Tree tree;
    private final Opened file;

    LayoutRefusalTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
        file = tree.create("file");
    }

    private void expect(NfsStatus expected, OpArgs operation) {
        session.expect(expected, at(file.file(), operation));
    }

    private static LayoutGetArgs get(Iomode iomode, FileRange range, long minLength, Stateid stateid) {
        return new LayoutGetArgs(false, LayoutType.SCSI, iomode, range, minLength, stateid, ROOM);
    }

    private LayoutGetResult got(LayoutGetArgs args) {
        return Session.find(LayoutGetResult.class, session.ok(at(file.file(), args)));
    }

    private Stateid held() {
        return got(get(Iomode.READ_WRITE, TWO_BLOCKS, 2 * BLOCK, file.stateid()))
                .stateid();
    }

    private static LayoutCommitArgs commit(
            FileRange range, Stateid stateid, OptionalLong lastByte, Opaque body, boolean reclaim) {
        return new LayoutCommitArgs(
                range, reclaim, stateid, lastByte, Optional.empty(), new LayoutBody(LayoutType.SCSI, body));
    }

    private static LayoutCommitArgs commit(Stateid stateid, long lastByte, ByteRange... written) {
        return commit(
                TWO_BLOCKS, stateid, OptionalLong.of(lastByte), ScsiLayoutCodec.writeUpdate(List.of(written)), false);
    }

    private static LayoutReturnArgs back(Iomode iomode, FileRange range, Stateid stateid) {
        return new LayoutReturnArgs(
                false, LayoutType.SCSI, iomode, new LayoutReturnScope.OfFile(range, stateid, Opaque.EMPTY));
    }

    private Optional<Stateid> givenBack(Iomode iomode, FileRange range, Stateid stateid) {
        return Session.find(LayoutReturnResult.class, session.ok(at(file.file(), back(iomode, range, stateid))))
                .stateid();
    }

    @Test
    void a_layout_comes_by_an_open_a_lock_or_a_layout_of_this_file_in_its_version() {
        Opened other = tree.create("other");
        Stateid lock = Session.find(
                        LockResult.class,
                        session.ok(at(
                                file.file(),
                                new LockArgs(
                                        LockType.WRITE,
                                        false,
                                        FileRange.WHOLE_FILE,
                                        new Locker.NewOwner(
                                                0, file.stateid(), 0, new StateOwner(0, Opaque.ofUtf8("owner")))))))
                .stateid();
        Stateid first = got(get(Iomode.READ_WRITE, TWO_BLOCKS, BLOCK, lock)).stateid();
        Stateid second = got(get(Iomode.READ_WRITE, TWO_BLOCKS, BLOCK, first)).stateid();

        assertThat(second).isEqualTo(first.next());
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, other.stateid()));
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, second.next()));
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, second.withSeqid(0)));
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, Stateid.READ_BYPASS));
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, Stateid.CURRENT));
        expect(NfsStatus.BAD_STATEID, get(Iomode.READ, TWO_BLOCKS, 0, Stateid.INVALID));
        session.expect(NfsStatus.BAD_STATEID, at(other.file(), get(Iomode.READ, TWO_BLOCKS, 0, second)));
        suite.session().expect(NfsStatus.BAD_STATEID, at(file.file(), get(Iomode.READ, TWO_BLOCKS, 0, file.stateid())));
    }

    @Test
    void a_layout_for_reading_wants_an_open_for_reading() {
        Opened writing = tree.open("file", "writer", ShareBits.WRITE);
        Opened reading = tree.open("file", "reader", ShareBits.READ);

        expect(NfsStatus.OPENMODE, get(Iomode.READ_WRITE, TWO_BLOCKS, BLOCK, reading.stateid()));
        got(get(Iomode.READ, TWO_BLOCKS, 0, reading.stateid()));
        assertThat(session.run(at(file.file(), get(Iomode.READ, TWO_BLOCKS, 0, writing.stateid())))
                        .getLast()
                        .status())
                .isIn(NfsStatus.OK, NfsStatus.OPENMODE);
    }

    @Test
    void a_layout_covers_at_least_the_minimum_from_its_offset_on() {
        for (long offset : new long[] {0, BLOCK, 5 * BLOCK, 100}) {
            LayoutGetResult got =
                    got(get(Iomode.READ_WRITE, FileRange.of(offset, 3 * BLOCK), 2 * BLOCK, file.stateid()));

            assertThat(got.segments()).singleElement().satisfies(segment -> {
                assertThat(segment.range().offset()).isLessThanOrEqualTo(offset);
                assertThat(segment.range().end()).isGreaterThanOrEqualTo(offset + 2 * BLOCK);
                assertThat(segment.range().offset() % BLOCK).isZero();
                assertThat(segment.iomode()).isEqualTo(Iomode.READ_WRITE);
            });
            givenBack(Iomode.ANY, FileRange.WHOLE_FILE, got.stateid());
        }
    }

    @Test
    void a_layout_of_more_than_there_is_room_for_is_not_given() {
        assertThat(session.run(at(
                                file.file(),
                                get(Iomode.READ_WRITE, FileRange.of(0, 1L << 50), 1L << 50, file.stateid())))
                        .getLast()
                        .status())
                .isIn(NfsStatus.NOSPC, NfsStatus.LAYOUTUNAVAILABLE, NfsStatus.LAYOUTTRYLATER, NfsStatus.BADLAYOUT);
        LayoutGetResult less = got(get(Iomode.READ_WRITE, FileRange.of(0, 1L << 50), BLOCK, file.stateid()));
        assertThat(less.segments().getLast().range().end())
                .as("the least, and a part of what there is: others need some, too")
                .isBetween((long) BLOCK, SuiteServer.SHAPE.regionBytes() / 8);
        givenBack(Iomode.ANY, FileRange.WHOLE_FILE, less.stateid());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 40})
    void a_reply_without_room_for_a_layout_is_too_small(int room) {
        expect(
                NfsStatus.TOOSMALL,
                new LayoutGetArgs(false, LayoutType.SCSI, Iomode.READ_WRITE, TWO_BLOCKS, BLOCK, file.stateid(), room));
    }

    @ParameterizedTest
    @EnumSource(names = {"FLEX_FILES", "FILES", "OBJECTS"})
    void a_type_that_is_not_offered_is_unknown_in_every_operation(LayoutType type) {
        Stateid held = held();
        var body = new LayoutBody(type, Opaque.EMPTY);

        expect(
                NfsStatus.UNKNOWN_LAYOUTTYPE,
                new LayoutGetArgs(false, type, Iomode.READ, TWO_BLOCKS, 0, file.stateid(), ROOM));
        expect(
                NfsStatus.UNKNOWN_LAYOUTTYPE,
                new LayoutCommitArgs(TWO_BLOCKS, false, held, OptionalLong.empty(), Optional.empty(), body));
        expect(
                NfsStatus.UNKNOWN_LAYOUTTYPE,
                new LayoutReturnArgs(false, type, Iomode.ANY, new LayoutReturnScope.All()));
        expect(NfsStatus.UNKNOWN_LAYOUTTYPE, new GetDeviceInfoArgs(Opaque.of(new byte[16]), type, ROOM, Bitmap.EMPTY));
        expect(NfsStatus.UNKNOWN_LAYOUTTYPE, new GetDeviceListArgs(type, 10, 0, 0));
    }

    @Test
    void nothing_is_committed_outside_of_what_was_granted() {
        Stateid held = held();

        expect(NfsStatus.INVAL, commit(held, 2 * BLOCK, ByteRange.ofLength(0, BLOCK)));
        for (ByteRange outside : List.of(
                ByteRange.ofLength(2 * BLOCK, BLOCK),
                ByteRange.ofLength(BLOCK, 2 * BLOCK),
                ByteRange.ofLength(1L << 40, BLOCK))) {
            assertThat(session.run(at(
                                    file.file(),
                                    commit(
                                            FileRange.WHOLE_FILE,
                                            held,
                                            OptionalLong.of(BLOCK - 1),
                                            ScsiLayoutCodec.writeUpdate(List.of(outside)),
                                            false)))
                            .getLast()
                            .status())
                    .as(outside.toString())
                    .isEqualTo(NfsStatus.BAD_STATEID);
        }
        assertThat(size()).isLessThanOrEqualTo(2 * BLOCK);
    }

    private long size() {
        return tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size();
    }

    @Test
    void a_commit_that_says_no_size_leaves_it_and_one_that_says_less_does_too() {
        tree.write(file.file(), file.stateid(), 0, "0123456789");
        Stateid held = held();
        Opaque nothing = ScsiLayoutCodec.writeUpdate(List.of());

        expect(NfsStatus.OK, commit(TWO_BLOCKS, held, OptionalLong.empty(), nothing, false));
        assertThat(size()).isEqualTo(10);
        expect(NfsStatus.OK, commit(TWO_BLOCKS, held, OptionalLong.of(4), nothing, false));
        assertThat(size()).isEqualTo(10);
        LayoutCommitResult grown = Session.find(
                LayoutCommitResult.class,
                session.ok(at(file.file(), commit(TWO_BLOCKS, held, OptionalLong.of(99), nothing, false))));
        assertThat(grown.newSize()).hasValue(100);
        assertThat(size()).isEqualTo(100);
    }

    @Test
    void the_time_of_a_commit_is_the_clients_but_does_not_go_back() {
        Stateid held = held();
        Bitmap modified = Bitmap.of(Attribute.TIME_MODIFY);
        NfsTime before = tree.attributes(file.file(), modified).time(Attribute.TIME_MODIFY);

        for (NfsTime suggested : new NfsTime[] {new NfsTime(1, 0), new NfsTime(before.seconds() + 1000, 0)}) {
            session.ok(at(
                    file.file(),
                    new LayoutCommitArgs(
                            TWO_BLOCKS,
                            false,
                            held,
                            OptionalLong.of(5),
                            Optional.of(suggested),
                            new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of())))));
            assertThat(tree.attributes(file.file(), modified).time(Attribute.TIME_MODIFY))
                    .isGreaterThanOrEqualTo(suggested.seconds() == 1 ? before : suggested);
        }
    }

    @Test
    void what_is_no_layout_stateid_commits_and_returns_nothing() {
        Stateid held = held();
        Opened other = tree.create("other");

        for (Stateid wrong : List.of(
                file.stateid(),
                held.next(),
                held.withSeqid(0),
                Stateid.ANONYMOUS,
                Stateid.READ_BYPASS,
                Stateid.INVALID)) {
            expect(NfsStatus.BAD_STATEID, commit(wrong, 0));
            expect(NfsStatus.BAD_STATEID, back(Iomode.ANY, FileRange.WHOLE_FILE, wrong));
        }
        session.expect(NfsStatus.BAD_STATEID, at(other.file(), commit(held, 0)));
        session.expect(NfsStatus.BAD_STATEID, at(other.file(), back(Iomode.ANY, FileRange.WHOLE_FILE, held)));
        Session stranger = suite.session();
        stranger.expect(NfsStatus.BAD_STATEID, at(file.file(), commit(held, 0)));
        stranger.expect(NfsStatus.BAD_STATEID, at(file.file(), back(Iomode.ANY, FileRange.WHOLE_FILE, held)));
        session.expect(NfsStatus.NOFILEHANDLE, commit(held, 0));
        session.expect(NfsStatus.NOFILEHANDLE, back(Iomode.ANY, FileRange.WHOLE_FILE, held));
        session.expect(NfsStatus.ISDIR, tree.here(commit(held, 0)));
    }

    @Test
    void nothing_is_reclaimed_when_nothing_was_lost() {
        Stateid held = held();

        expect(NfsStatus.NO_GRACE, commit(TWO_BLOCKS, held, OptionalLong.empty(), Opaque.of(new byte[4]), true));
        expect(
                NfsStatus.NO_GRACE,
                new LayoutReturnArgs(
                        true,
                        LayoutType.SCSI,
                        Iomode.ANY,
                        new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, Stateid.ANONYMOUS, Opaque.EMPTY)));
    }

    @Test
    void a_layout_is_given_back_in_parts_and_its_stateid_ends_with_the_last() {
        Stateid held = held();

        Stateid one = givenBack(Iomode.READ_WRITE, FileRange.of(0, BLOCK), held).orElseThrow();
        assertThat(one).isEqualTo(held.next());
        Stateid two = givenBack(Iomode.READ, FileRange.of(BLOCK, BLOCK), one).orElseThrow();
        Stateid three =
                givenBack(Iomode.ANY, FileRange.of(100L * BLOCK, BLOCK), two).orElseThrow();
        assertThat(givenBack(Iomode.ANY, FileRange.toEnd(BLOCK), three)).isEmpty();
        expect(NfsStatus.BAD_STATEID, back(Iomode.ANY, FileRange.WHOLE_FILE, three));
        assertThat(held().seqid()).isEqualTo(1);
    }

    @Test
    void who_has_no_layouts_may_give_all_of_them_back() {
        for (LayoutReturnScope scope : List.of(new LayoutReturnScope.All(), new LayoutReturnScope.OfFileSystem())) {
            assertThat(Session.find(
                                    LayoutReturnResult.class,
                                    session.ok(
                                            PUT_ROOT, new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, scope)))
                            .stateid())
                    .isEmpty();
        }
        session.ok(new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.All()));
        session.expect(
                NfsStatus.NOFILEHANDLE,
                new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, new LayoutReturnScope.OfFileSystem()));
    }

    private Opaque device() {
        return Session.find(
                        GetDeviceListResult.class,
                        session.ok(PUT_ROOT, new GetDeviceListArgs(LayoutType.SCSI, 100, 0, 0)))
                .devices()
                .getFirst();
    }

    private static GetDeviceInfoArgs describe(Opaque device, int room, Bitmap notifications) {
        return new GetDeviceInfoArgs(device, LayoutType.SCSI, room, notifications);
    }

    @Test
    void a_device_is_described_in_exactly_the_room_that_was_said_to_be_needed() {
        Opaque device = device();

        int least = ((DeviceInfoTooSmall)
                        session.run(describe(device, 1, Bitmap.EMPTY)).getLast())
                .minBytes();

        session.expect(NfsStatus.TOOSMALL, describe(device, least - 1, Bitmap.EMPTY));
        session.ok(describe(device, least, Bitmap.EMPTY));
    }

    /// RFC 8881 §18.40.3: no room at all asks for notifications only.
    @Test
    void without_room_only_notifications_are_asked_for() {
        GetDeviceInfoResult told =
                Session.find(GetDeviceInfoResult.class, session.ok(describe(device(), 0, Bitmap.of(1, 2))));

        assertThat(told.address().body()).isEqualTo(Opaque.EMPTY);
        assertThat(told.notifications()).isEqualTo(Bitmap.of(1, 2));
    }

    @Test
    void what_nobody_can_be_notified_of_is_not_promised() {
        GetDeviceInfoResult told = Session.find(
                GetDeviceInfoResult.class, session.ok(describe(device(), ROOM, Bitmap.of(0, 1, 2, 3, 31, 64))));

        assertThat(told.notifications()).isEqualTo(Bitmap.of(1, 2));
    }

    @Test
    void the_list_of_devices_goes_on_where_it_came_to() {
        GetDeviceListResult all = Session.find(
                GetDeviceListResult.class, session.ok(PUT_ROOT, new GetDeviceListArgs(LayoutType.SCSI, 100, 0, 0)));

        assertThat(Session.find(
                                GetDeviceListResult.class,
                                session.ok(
                                        PUT_ROOT,
                                        new GetDeviceListArgs(LayoutType.SCSI, 100, all.cookie(), all.verifier())))
                        .devices())
                .isEmpty();
        session.expect(
                NfsStatus.BAD_COOKIE, PUT_ROOT, new GetDeviceListArgs(LayoutType.SCSI, 100, 1L << 40, all.verifier()));
        session.expect(
                NfsStatus.NOT_SAME,
                PUT_ROOT,
                new GetDeviceListArgs(LayoutType.SCSI, 100, all.cookie(), all.verifier() + 1));
        session.expect(NfsStatus.NOFILEHANDLE, new GetDeviceListArgs(LayoutType.SCSI, 100, 0, 0));
    }

    @Test
    void reports_are_of_a_layout_that_is_held() {
        session.ofMinorVersion(2);
        Stateid held = held();
        Opaque device = device();
        var none = new LayoutBody(LayoutType.SCSI, Opaque.EMPTY);
        var error = new DeviceError(device, NfsStatus.NXIO, OpCode.WRITE);
        var count = new IoCount(1, BLOCK);

        session.ok(at(file.file(), new LayoutErrorArgs(TWO_BLOCKS, held, List.of(error))));
        session.ok(at(file.file(), new LayoutStatsArgs(TWO_BLOCKS, held, count, count, device, none)));
        for (Stateid wrong : List.of(file.stateid(), Stateid.ANONYMOUS, held.next())) {
            expect(NfsStatus.BAD_STATEID, new LayoutErrorArgs(TWO_BLOCKS, wrong, List.of(error)));
            expect(NfsStatus.BAD_STATEID, new LayoutStatsArgs(TWO_BLOCKS, wrong, count, count, device, none));
        }
        session.expect(NfsStatus.NOFILEHANDLE, new LayoutErrorArgs(TWO_BLOCKS, held, List.of(error)));
    }
}
