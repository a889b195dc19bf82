package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.GET_FH;
import static pnfs.it.conformance.Tree.MODE_644;
import static pnfs.it.conformance.Tree.at;
import static pnfs.it.conformance.Tree.openArgs;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.it.conformance.Callbacks.Received;
import pnfs.it.conformance.Tree.Opened;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceListArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.DeviceInfoTooSmall;
import pnfs.wire.nfs4.OpResult.GetDeviceInfoResult;
import pnfs.wire.nfs4.OpResult.GetDeviceListResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutReturnResult;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// Layouts and devices of the block and the SCSI type: RFC 8881 §18.40 to §18.44, RFC 5663, RFC 8154.
@ExtendWith(SuiteServer.class)
class LayoutTest {
    private static final int MOST_BYTES = 0xffff;
    private static final int MOST_EXTENTS = 1000;
    private static final int UNIT = 8192;

    private final Suite suite;
    private final Session session;
    private final Tree tree;

    LayoutTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
        tree = Tree.make(session, suite.name());
    }

    @Test
    void the_export_offers_both_types_and_tells_the_block_size() {
        Attributes export =
                tree.attributes(tree.handle, Bitmap.of(Attribute.FS_LAYOUT_TYPES, Attribute.LAYOUT_BLKSIZE));

        assertThat(export.layoutTypes(Attribute.FS_LAYOUT_TYPES))
                .containsExactly(LayoutType.SCSI, LayoutType.BLOCK_VOLUME);
        assertThat(export.uint32(Attribute.LAYOUT_BLKSIZE)).isEqualTo(4096);
    }

    @ParameterizedTest
    @EnumSource(names = {"SCSI", "BLOCK_VOLUME"})
    void devices_are_listed_and_described(LayoutType type) {
        GetDeviceListResult list =
                Session.find(GetDeviceListResult.class, session.ok(tree.here(new GetDeviceListArgs(type, -1, 0, 0))));

        assertThat(list.eof()).isTrue();
        assertThat(list.devices()).isNotEmpty().allSatisfy(device -> {
            GetDeviceInfoResult info = Session.find(
                    GetDeviceInfoResult.class, session.ok(new GetDeviceInfoArgs(device, type, -1, Bitmap.EMPTY)));
            assertThat(info.address().type()).isEqualTo(type);
            assertThat(info.address().body().length()).isPositive();
            OpResult small = session.run(new GetDeviceInfoArgs(device, type, 4, Bitmap.EMPTY))
                    .getLast();
            assertThat(small.status()).isEqualTo(NfsStatus.TOOSMALL);
            assertThat(((DeviceInfoTooSmall) small).minBytes())
                    .isGreaterThan(info.address().body().length());
        });
        assertThat(Session.find(GetDeviceListResult.class, session.ok(tree.here(new GetDeviceListArgs(type, 0, 0, 0))))
                        .eof())
                .isFalse();
    }

    @Test
    void a_device_that_is_not_there_and_a_type_that_is_not_offered_are_refused() {
        Opaque nowhere = Opaque.of(new byte[16]);

        session.expect(NfsStatus.NOENT, new GetDeviceInfoArgs(nowhere, LayoutType.SCSI, -1, Bitmap.EMPTY));
        session.expect(NfsStatus.UNKNOWN_LAYOUTTYPE, tree.here(new GetDeviceListArgs(LayoutType.FLEX_FILES, -1, 0, 0)));
    }

    @ParameterizedTest
    @EnumSource(names = {"SCSI", "BLOCK_VOLUME"})
    void the_stateid_counts_from_one_with_every_layout(LayoutType type) {
        Opened file = tree.create("file");
        Stateid stateid = file.stateid();
        for (int i = 0; i < 7; i++) {
            LayoutGetResult got =
                    get(type, file, Iomode.READ_WRITE, FileRange.of((long) i * UNIT, UNIT), UNIT, stateid);

            assertThat(got.stateid().seqid()).isEqualTo(i + 1);
            stateid = got.stateid();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"SCSI", "BLOCK_VOLUME"})
    void the_current_stateid_of_an_open_gets_a_layout(LayoutType type) {
        session.ok(tree.here(
                openArgs("file", "owner", ShareBits.BOTH, new OpenHow.Guarded(MODE_644)),
                GET_FH,
                new LayoutGetArgs(
                        false, type, Iomode.READ_WRITE, FileRange.of(0, UNIT), UNIT, Stateid.CURRENT, MOST_BYTES)));
    }

    @ParameterizedTest
    @EnumSource(names = {"SCSI", "BLOCK_VOLUME"})
    void an_empty_file_can_be_mapped_for_reading_and_given_back_in_every_way(LayoutType type) {
        for (boolean ofFile : new boolean[] {true, false}) {
            Opened file = tree.create(suite.name());
            LayoutGetResult got = get(type, file, Iomode.READ, FileRange.WHOLE_FILE, 4 * 4096, file.stateid());
            assertThat(extents(type, got)).allMatch(extent -> extent.state() == ExtentState.NONE_DATA);

            LayoutReturnScope scope = ofFile
                    ? new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, got.stateid(), Opaque.EMPTY)
                    : new LayoutReturnScope.OfFileSystem();
            LayoutReturnResult back = Session.find(
                    LayoutReturnResult.class,
                    session.ok(at(file.file(), new LayoutReturnArgs(false, type, Iomode.ANY, scope))));

            assertThat(back.stateid()).isEmpty();
            tree.close(file);
        }
        session.ok(new LayoutReturnArgs(false, type, Iomode.ANY, new LayoutReturnScope.All()));
    }

    @ParameterizedTest
    @EnumSource(names = {"SCSI", "BLOCK_VOLUME"})
    void what_was_written_by_a_layout_is_committed_whole_in_pieces_and_with_nothing(LayoutType type) {
        Opened file = tree.create("file");
        LayoutGetResult got = get(type, file, Iomode.READ_WRITE, FileRange.of(0, 2 * UNIT), 2 * UNIT, file.stateid());
        assertThat(extents(type, got).getLast().state()).isEqualTo(ExtentState.INVALID_DATA);

        commit(type, file, got.stateid(), 2 * UNIT - 1, ByteRange.ofLength(0, UNIT), ByteRange.ofLength(UNIT, UNIT));
        commit(type, file, got.stateid(), 2 * UNIT - 1, ByteRange.ofLength(UNIT, UNIT));
        session.ok(at(
                file.file(),
                new LayoutCommitArgs(
                        FileRange.of(UNIT, UNIT),
                        false,
                        got.stateid(),
                        OptionalLong.of(2 * UNIT - 1),
                        Optional.of(new NfsTime(1_800_000_000L, 0)),
                        new LayoutBody(type, Opaque.EMPTY))));

        assertThat(tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size())
                .isEqualTo(2 * UNIT);
    }

    /// Or a recall that overtakes the reply is answered NOMATCHING_LAYOUT by a client that has a layout a moment
    /// later: seen with Linux, as a page lost.
    @Test
    void a_recall_names_the_call_whose_reply_the_holder_may_not_have_seen() {
        Opened file = tree.create("file");
        get(LayoutType.SCSI, file, Iomode.READ_WRITE, FileRange.of(0, UNIT), UNIT, file.stateid());
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);

        other.session.call(false, ScsiLayouts.get(there, FileRange.of(0, UNIT), there.stateid()));

        Received recall = session.peer.callbacks.await(CbLayoutRecallArgs.class, 5);
        assertThat(recall.sequence().referring())
                .singleElement()
                .satisfies(calls -> assertThat(calls.calls()).hasSize(1));
    }

    private LayoutGetResult get(
            LayoutType type, Opened file, Iomode iomode, FileRange range, long minLength, Stateid stateid) {
        return Session.find(
                LayoutGetResult.class,
                session.ok(at(
                        file.file(), new LayoutGetArgs(false, type, iomode, range, minLength, stateid, MOST_BYTES))));
    }

    private static List<Extent> extents(LayoutType type, LayoutGetResult got) {
        assertThat(got.segments())
                .isNotEmpty()
                .allSatisfy(segment -> assertThat(segment.content().type()).isEqualTo(type));
        Opaque body = got.segments().getLast().content().body();
        return type == LayoutType.SCSI
                ? ScsiLayoutCodec.readLayout(body, MOST_EXTENTS)
                : BlockLayoutCodec.readLayout(body, MOST_EXTENTS);
    }

    /// Tells of these ranges as Linux does: device and storage offset stay empty.
    private void commit(LayoutType type, Opened file, Stateid stateid, long lastByte, ByteRange... written) {
        var device = DeviceId.of(new byte[DeviceId.BYTES]);
        Opaque body = type == LayoutType.SCSI
                ? ScsiLayoutCodec.writeUpdate(List.of(written))
                : BlockLayoutCodec.writeUpdate(List.of(written).stream()
                        .map(range -> new Extent(device, range, 0, ExtentState.READ_WRITE_DATA))
                        .toList());
        session.ok(at(
                file.file(),
                new LayoutCommitArgs(
                        FileRange.of(written[0].offset(), lastByte + 1 - written[0].offset()),
                        false,
                        stateid,
                        OptionalLong.of(lastByte),
                        Optional.empty(),
                        new LayoutBody(type, body))));
    }
}
