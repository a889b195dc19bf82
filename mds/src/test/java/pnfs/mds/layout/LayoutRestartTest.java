package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.FileRooms;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.TestServer;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
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
        rooms.run(client, file, new LayoutReturnArgs(false, LayoutType.SCSI, Iomode.ANY, all));
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
