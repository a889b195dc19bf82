package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.GetDeviceInfoArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.LayoutTryLater;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What becomes of layouts, and of storage that nobody will commit any more, when the server starts again.
class LayoutRestartTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long ALICE = 1;
    private static final long BOB = 2;

    private final MemoryEngine engine = new MemoryEngine();
    private LayoutRooms rooms = new LayoutRooms(engine, 1).withoutProxy();
    private final long freeAtFirst = rooms.space.totals().freeBytes();

    @Test
    void I5_a_client_that_comes_back_commits_what_it_wrote_before_the_restart() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, 4 * PAGE);
        restart();
        rooms.comeBack(ALICE);

        assertThat(reclaim(ALICE, file, 2 * PAGE - 1, new ByteRange(0, 2 * PAGE)))
                .isEqualTo(NfsStatus.OK);

        restart();
        assertThat(rooms.inode(file).size()).isEqualTo(2 * PAGE);
        assertThat(rooms.extents(file).getFirst()).satisfies(extent -> {
            assertThat(extent.state()).isEqualTo(ExtentState.READ_WRITE_DATA);
            assertThat(extent.file()).isEqualTo(new ByteRange(0, 2 * PAGE));
        });
    }

    @Test
    void I4_nothing_is_committed_after_a_restart_but_what_that_client_was_granted_before() {
        FileHandle file = rooms.open(ALICE, "f");
        FileHandle bobs = rooms.open(BOB, "g");
        get(ALICE, file, 0, PAGE);
        get(BOB, bobs, 0, PAGE);
        restart();
        rooms.comeBack(ALICE);

        assertThat(reclaim(ALICE, file, 4 * PAGE - 1, new ByteRange(0, 4 * PAGE)))
                .as("more than it was granted")
                .isEqualTo(NfsStatus.RECLAIM_BAD);
        assertThat(reclaim(ALICE, bobs, PAGE - 1, new ByteRange(0, PAGE)))
                .as("what another was granted")
                .isEqualTo(NfsStatus.RECLAIM_BAD);
        assertThat(rooms.extents(bobs)).extracting(Extent::state).containsOnly(ExtentState.INVALID_DATA);
    }

    @Test
    void a_layout_that_was_returned_is_not_committed_after_a_restart() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = get(ALICE, file, 0, PAGE);
        giveBack(ALICE, file, held.stateid());
        restart();
        rooms.comeBack(ALICE);

        assertThat(reclaim(ALICE, file, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.RECLAIM_BAD);
    }

    @Test
    void whoever_said_that_it_is_done_reclaims_nothing_more() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, PAGE);
        restart();
        rooms.comeBack(ALICE);
        rooms.run(ALICE, rooms.root, new ReclaimCompleteArgs(false));

        assertThat(reclaim(ALICE, file, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.NO_GRACE);
    }

    @Test
    void I5_a_commit_that_was_on_its_way_is_honoured_when_it_comes_again_after_the_reclaims() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, 4 * PAGE).stateid();
        restart();
        comeBackAndComplete(ALICE);
        assertThat(rooms.manager.isHeld(file.inode())).isFalse();

        assertThat(late(ALICE, file, ofThen, 2 * PAGE - 1, new ByteRange(0, 2 * PAGE)))
                .isEqualTo(NfsStatus.OK);

        assertThat(rooms.extents(file).getFirst().file()).isEqualTo(new ByteRange(0, 2 * PAGE));
        restart();
        assertThat(rooms.inode(file).size()).isEqualTo(2 * PAGE);
        assertThat(rooms.extents(file)).extracting(Extent::state).startsWith(ExtentState.READ_WRITE_DATA);
    }

    @Test
    void a_late_commit_of_what_was_data_before_is_honoured_and_the_file_grows_within_its_last_block() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, PAGE).stateid();
        rooms.run(ALICE, file, commit(false, ofThen, 99, new ByteRange(0, PAGE)));
        giveBack(ALICE, file, ofThen);
        ofThen = get(ALICE, file, 0, PAGE).stateid();
        restart();
        comeBackAndComplete(ALICE);

        assertThat(late(ALICE, file, ofThen, PAGE)).as("a block more").isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(late(ALICE, file, ofThen, 199)).isEqualTo(NfsStatus.OK);
        assertThat(rooms.inode(file).size()).isEqualTo(200);
    }

    @Test
    void a_late_commit_comes_within_a_lease_or_not_at_all() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, 4 * PAGE).stateid();
        restart();
        comeBackAndComplete(ALICE);

        rooms.pass(TestServer.LEASE_SECONDS / 2);
        assertThat(late(ALICE, file, ofThen, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.OK);
        rooms.pass(TestServer.LEASE_SECONDS);
        rooms.settle();
        assertThat(late(ALICE, file, ofThen, 2 * PAGE - 1, new ByteRange(PAGE, 2 * PAGE)))
                .isEqualTo(NfsStatus.BAD_STATEID);

        assertThat(rooms.inode(file).size()).isEqualTo(PAGE);
        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(PAGE);
        assertThat(GrantRecords.readAll(rooms.store)).isEmpty();
    }

    @Test
    void a_late_commit_of_another_client_or_under_a_stateid_of_this_run_is_refused() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, PAGE).stateid();
        rooms.open(BOB, "g");
        restart();
        comeBackAndComplete(BOB);
        comeBackAndComplete(ALICE);
        FileHandle other = rooms.open(ALICE, "h");
        Stateid ofNow = get(ALICE, other, 0, PAGE).stateid();

        assertThat(late(BOB, file, ofThen, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(late(ALICE, file, ofNow, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.inode(file).size()).isZero();
    }

    @Test
    void I4_what_somebody_was_granted_since_the_restart_is_not_committed_late() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, 4 * PAGE).stateid();
        restart();
        comeBackAndComplete(ALICE);
        rooms.open(BOB, "f");
        get(BOB, file, PAGE, PAGE);

        assertThat(late(ALICE, file, ofThen, 2 * PAGE - 1, new ByteRange(0, 2 * PAGE)))
                .isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(late(ALICE, file, ofThen, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.OK);
        assertThat(rooms.extents(file).getFirst().file()).isEqualTo(new ByteRange(0, PAGE));
    }

    @Test
    void I4_what_was_cut_off_since_the_restart_is_not_committed_late_into_new_storage() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid ofThen = get(ALICE, file, 0, 4 * PAGE).stateid();
        rooms.run(ALICE, file, commit(false, ofThen, PAGE - 1, new ByteRange(0, PAGE)));
        restart();
        comeBackAndComplete(ALICE);
        rooms.open(BOB, "f");
        var cut = new SetAttrArgs(rooms.stateid(BOB, file), FileRooms.size(0));
        assertThat(rooms.run(BOB, file, cut).status()).isEqualTo(NfsStatus.OK);
        LayoutGetResult bobs = get(BOB, file, 0, 4 * PAGE);
        giveBack(BOB, file, bobs.stateid());

        assertThat(late(ALICE, file, ofThen, 2 * PAGE - 1, new ByteRange(PAGE, 2 * PAGE)))
                .isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.inode(file).size()).isZero();
    }

    @Test
    void storage_beyond_the_end_that_nobody_will_commit_is_free_when_grace_is_over() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, 4 * PAGE);
        restart();
        assertThat(rooms.space.totals().freeBytes()).isLessThan(freeAtFirst);

        rooms.pass(TestServer.LEASE_SECONDS + 1);
        rooms.settle();

        assertThat(rooms.space.totals().freeBytes()).isEqualTo(freeAtFirst);
        assertThat(rooms.inode(file).spaceUsed()).isZero();
        restart();
        assertThat(rooms.space.totals().freeBytes()).isEqualTo(freeAtFirst);
    }

    @Test
    void storage_of_a_client_that_was_let_go_just_before_the_crash_is_free_after_it() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, PAGE);
        engine.commitAll();
        rooms.end(ALICE);

        restart();
        rooms.pass(TestServer.LEASE_SECONDS + 1);
        rooms.settle();

        assertThat(rooms.space.totals().freeBytes()).isEqualTo(freeAtFirst);
    }

    @Test
    void a_file_that_was_removed_while_it_was_open_is_gone_when_grace_is_over() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, PAGE);
        rooms.run(BOB, rooms.root, new RemoveArgs("f"));
        restart();
        assertThat(rooms.inodes.find(file.inode()).value()).isNotNull();

        rooms.pass(TestServer.LEASE_SECONDS + 1);
        rooms.orphans.reapAll();
        rooms.settle();

        assertThat(rooms.inodes.find(file.inode()).value()).isNull();
        assertThat(rooms.space.totals().freeBytes()).isEqualTo(freeAtFirst);
    }

    @Test
    void a_close_leaves_no_record_behind() {
        FileHandle file = rooms.open(ALICE, "f");
        LayoutGetResult held = get(ALICE, file, 0, PAGE);
        rooms.run(ALICE, file, commit(false, held.stateid(), PAGE - 1, new ByteRange(0, PAGE)));
        giveBack(ALICE, file, held.stateid());
        rooms.run(ALICE, file, new CloseArgs(0, rooms.stateid(ALICE, file)));

        assertThat(GrantRecords.readAll(rooms.store)).isEmpty();
    }

    @Test
    void after_a_kill_a_layout_goes_on_as_if_nothing_had_happened() {
        FileHandle file = rooms.open(ALICE, "f");
        Stateid held = get(ALICE, file, 0, 4 * PAGE).stateid();
        kill();

        assertThat(rooms.layouts.quarantined()).isEmpty();
        assertThat(late(ALICE, file, held, PAGE - 1, new ByteRange(0, PAGE))).isEqualTo(NfsStatus.OK);
        assertThat(get(ALICE, file, 4 * PAGE, PAGE).stateid()).isEqualTo(new Stateid(held.seqid() + 1, held.other()));
        giveBack(ALICE, file, held);
        rooms.run(ALICE, file, new CloseArgs(0, rooms.stateid(ALICE, file)));
        kill();

        assertThat(rooms.manager.isHeld(file.inode())).isFalse();
        assertThat(rooms.inode(file).spaceUsed()).isEqualTo(PAGE);
        assertThat(GrantRecords.readAll(rooms.store)).isEmpty();
    }

    @Test
    void I1_after_a_kill_nobody_is_granted_what_another_holds_until_it_is_returned() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        Stateid first = get(ALICE, file, 0, PAGE).stateid();
        kill();

        assertThat(rooms.run(BOB, file, wanted(BOB, file, Iomode.READ_WRITE))).isInstanceOf(LayoutTryLater.class);
        Stateid recalled = new Stateid(first.seqid() + 1, first.other());
        assertThat(late(ALICE, file, recalled, PAGE - 1, new ByteRange(0, PAGE)))
                .isEqualTo(NfsStatus.OK);
        giveBack(ALICE, file, recalled);
        assertThat(rooms.run(BOB, file, wanted(BOB, file, Iomode.READ_WRITE))).isInstanceOf(LayoutGetResult.class);
    }

    @Test
    void after_a_kill_a_reader_is_asked_before_another_writes() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        Stateid first = get(ALICE, file, 0, PAGE).stateid();
        rooms.run(ALICE, file, commit(false, first, PAGE - 1, new ByteRange(0, PAGE)));
        giveBack(ALICE, file, first);
        rooms.run(ALICE, file, wanted(ALICE, file, Iomode.READ));
        kill();

        assertThat(rooms.run(BOB, file, wanted(BOB, file, Iomode.READ))).isInstanceOf(LayoutGetResult.class);
        assertThat(rooms.run(BOB, file, wanted(BOB, file, Iomode.READ_WRITE))).isInstanceOf(LayoutTryLater.class);
    }

    @Test
    void a_recall_that_the_client_saw_before_a_kill_leaves_its_stateid_good() {
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        Stateid held = get(ALICE, file, 0, PAGE).stateid();
        rooms.run(BOB, file, wanted(BOB, file, Iomode.READ_WRITE)); // recalls, with the next seqid
        kill();

        giveBack(ALICE, file, new Stateid(held.seqid() + 1, held.other()));

        assertThat(rooms.manager.isHeld(file.inode())).isFalse();
    }

    @Test
    void I1_what_was_taken_from_a_client_just_before_a_kill_is_not_its_own_after_it() {
        rooms.dataServers.slow = true;
        FileHandle file = rooms.open(ALICE, "f");
        rooms.open(BOB, "f");
        LayoutGetResult held = get(ALICE, file, 0, PAGE);
        learnDevice(ALICE, held);
        rooms.fences.revoke(rooms.idOf(ALICE));
        kill();

        assertThat(late(ALICE, file, held.stateid(), PAGE - 1, new ByteRange(0, PAGE)))
                .isEqualTo(NfsStatus.BAD_STATEID);
        assertThat(rooms.run(BOB, file, wanted(BOB, file, Iomode.READ_WRITE)))
                .as("the key is yet to be fenced")
                .isInstanceOf(LayoutTryLater.class);
        rooms.dataServers.confirm(rooms.dataServers.waiting.getLast());
        rooms.settle();
        LayoutGetResult again = get(ALICE, file, 0, PAGE);
        assertThat(deviceOf(again)).as("has to be asked for again").isNotEqualTo(deviceOf(held));
        learnDevice(ALICE, again);
        kill();
        assertThat(late(ALICE, file, again.stateid(), PAGE - 1, new ByteRange(0, PAGE)))
                .isEqualTo(NfsStatus.OK);
        assertThat(deviceOf(get(ALICE, file, 0, PAGE))).isEqualTo(deviceOf(again));
    }

    @Test
    void a_kill_soon_after_the_reclaims_leaves_the_layouts_of_since_good() {
        FileHandle file = rooms.open(ALICE, "f");
        get(ALICE, file, 0, PAGE);
        restart();
        comeBackAndComplete(ALICE);
        rooms.open(ALICE, "f");
        Stateid since = get(ALICE, file, 0, 2 * PAGE).stateid();
        kill();

        assertThat(late(ALICE, file, since, 2 * PAGE - 1, new ByteRange(0, 2 * PAGE)))
                .isEqualTo(NfsStatus.OK);
    }

    private void learnDevice(long client, LayoutGetResult held) {
        var what = new GetDeviceInfoArgs(Opaque.of(deviceOf(held).bytes()), LayoutType.SCSI, 4096, Bitmap.EMPTY);
        assertThat(rooms.run(client, rooms.root, what).status()).isEqualTo(NfsStatus.OK);
    }

    private static DeviceId deviceOf(LayoutGetResult granted) {
        return ScsiLayoutCodec.readLayout(
                        granted.segments().getFirst().content().body(), 100)
                .getFirst()
                .device();
    }

    private LayoutGetArgs wanted(long client, FileHandle file, Iomode iomode) {
        return new LayoutGetArgs(
                false, LayoutType.SCSI, iomode, FileRange.of(0, PAGE), PAGE, rooms.stateid(client, file), 4096);
    }

    private void kill() {
        rooms.settle();
        rooms = rooms.kill(9).withoutProxy();
        rooms.pass(0);
    }

    private void restart() {
        rooms.settle();
        rooms = rooms.restart(2).withoutProxy();
    }

    private LayoutGetResult get(long client, FileHandle file, long offset, long length) {
        return (LayoutGetResult) rooms.run(
                client,
                file,
                new LayoutGetArgs(
                        false,
                        LayoutType.SCSI,
                        Iomode.READ_WRITE,
                        FileRange.of(offset, length),
                        length,
                        rooms.stateid(client, file),
                        4096));
    }

    private void comeBackAndComplete(long client) {
        rooms.comeBack(client);
        rooms.run(client, rooms.root, new ReclaimCompleteArgs(false));
        rooms.settle();
    }

    private void giveBack(long client, FileHandle file, Stateid layout) {
        var all = new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, layout, Opaque.EMPTY);
        assertThat(rooms.run(client, file, new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, all))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    private NfsStatus late(long client, FileHandle file, Stateid ofThen, long last, ByteRange... written) {
        return rooms.run(client, file, commit(false, ofThen, last, written)).status();
    }

    private NfsStatus reclaim(long client, FileHandle file, long last, ByteRange... written) {
        return rooms.run(client, file, commit(true, Stateid.ANONYMOUS, last, written))
                .status();
    }

    private static LayoutCommitArgs commit(boolean reclaim, Stateid stateid, long last, ByteRange... written) {
        return new LayoutCommitArgs(
                FileRange.of(0, last + 1),
                reclaim,
                stateid,
                OptionalLong.of(last),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(written))));
    }
}
