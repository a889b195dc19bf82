package pnfs.layout.grant;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.layout.device.Designator;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Scsi;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.space.Space;
import pnfs.wire.xdr.Opaque;

class LayoutManagerTest {
    private static final long MIB = 1 << 20;
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long ALL_ONES = -1;
    private static final int LINUX_MAX_COUNT = 4096;
    private static final Requester ALICE = new Requester(1, 2);
    private static final Requester BOB = new Requester(2, 2);

    private final List<Volume> volumes = List.of(volume(1), volume(2));
    private final Space space = new Space();
    private final Placement placement = new Placement(8 * MIB, volumes);
    private final LayoutManager manager = new LayoutManager(LayoutLimits.DEFAULT, space, placement, 1);
    private final ExtentMap extents = new ExtentMap();
    private long size;

    @BeforeEach
    void formatVolumes() {
        try (var _ = space.lock()) {
            volumes.forEach(volume -> space.format(volume, List.of()));
        }
    }

    @Test
    void a_new_file_gets_unwritten_storage_for_exactly_what_is_asked() {
        var granted = granted(ALICE, null, rw(0, 64 * 1024));

        assertThat(granted.range()).isEqualTo(new ByteRange(0, 64 * 1024));
        assertThat(granted.extents()).hasSize(1);
        assertThat(granted.extents().getFirst().state()).isEqualTo(ExtentState.INVALID_DATA);
        assertThat(granted.changes().extents()).hasSize(1);
        assertThat(granted.changes().space()).isNotEmpty();
        assertThat(granted.changes().allocatedBytes()).isEqualTo(64 * 1024);
    }

    @Test
    void a_writer_that_goes_on_where_it_ended_gets_more_and_more_ahead_in_one_run() {
        LayoutStateid stateid = null;
        long offset = 0;
        long[] lengths = new long[9];
        for (int i = 0; i < lengths.length; i++) {
            var granted = granted(ALICE, stateid, rw(offset, 64 * 1024));
            stateid = granted.stateid();
            offset = granted.range().end();
            lengths[i] = granted.range().length();
        }

        assertThat(lengths[0]).isEqualTo(64 * 1024);
        assertThat(lengths[1]).isBetween(MIB, 2 * MIB);
        assertThat(lengths[2]).isBetween(2 * MIB, 4 * MIB);
        assertThat(lengths[8])
                .as("a placement unit: no layout goes over two volumes")
                .isEqualTo(8 * MIB);
        assertThat(offset % MIB).isZero();
        assertThat(extents.count()).as("a run of storage a placement unit").isEqualTo((int)
                Math.ceilDiv(offset, 8 * MIB));
    }

    @Test
    void a_writer_inside_the_file_gets_no_more_than_it_asks_for() {
        size = 100 * MIB;
        var first = granted(ALICE, null, rw(0, PAGE));
        var second = granted(ALICE, first.stateid(), rw(PAGE, PAGE));

        assertThat(second.range()).isEqualTo(new ByteRange(PAGE, 2 * PAGE));
    }

    @Test
    void who_asks_for_everything_gets_a_share_of_it_and_who_needs_it_all() {
        var alone =
                new LayoutManager(LayoutLimits.DEFAULT, space, new Placement(8 * MIB, List.of(volumes.getFirst())), 1);
        var wish = new Want(LayoutType.SCSI, Iomode.RW, 0, 900 * MIB, PAGE, LINUX_MAX_COUNT);
        var need = new Want(LayoutType.SCSI, Iomode.RW, 0, 900 * MIB, 900 * MIB, LINUX_MAX_COUNT);

        try (var _ = space.lock()) {
            var some = (GrantOutcome.Granted) alone.grant(file(), ALICE, Optional.empty(), wish);
            var all = (GrantOutcome.Granted) alone.grant(file(), ALICE, Optional.of(some.stateid()), need);

            assertThat(some.range()).isEqualTo(new ByteRange(0, PAGE + 2 * 1024 * MIB / 16));
            assertThat(all.range()).isEqualTo(new ByteRange(0, 900 * MIB));
        }
    }

    @Test
    void what_was_allocated_ahead_and_not_written_goes_back_with_the_layout() {
        var first = granted(ALICE, null, rw(0, PAGE));
        var second = granted(ALICE, first.stateid(), rw(PAGE, PAGE));
        commit(ALICE, second.stateid(), PAGE + 99, new ByteRange(0, 2 * PAGE));
        size = PAGE + 100;

        var returned = giveBack(ALICE, second.stateid(), Iomode.ANY, 0, ALL_ONES);

        assertThat(returned.stateid()).isEmpty();
        assertThat(extents.allocatedBytes()).isEqualTo(2 * PAGE);
        returned.changes().freed().forEach(freed -> freed.becameDurable());
        assertThat(space.totals().allocatableBytes()).isEqualTo(2 * 1024 * MIB - 2 * PAGE);
    }

    @Test
    void a_commit_of_more_than_is_held_is_refused_and_turns_nothing() {
        var held = granted(ALICE, null, rw(0, 4 * PAGE));
        giveBack(ALICE, held.stateid(), Iomode.RW, 2 * PAGE, 2 * PAGE);
        var stateid = held.stateid().next();

        for (ByteRange lost : List.of(new ByteRange(2 * PAGE, 4 * PAGE), new ByteRange(PAGE, 3 * PAGE))) {
            assertThat(refusal(
                            ALICE,
                            new Commit(
                                    LayoutType.SCSI,
                                    stateid,
                                    0,
                                    4 * PAGE,
                                    OptionalLong.of(4 * PAGE - 1),
                                    List.of(lost))))
                    .as("%s; nothing that Linux takes for success", lost)
                    .isEqualTo(Refusal.BAD_STATEID);
        }

        assertThat(commit(ALICE, stateid, 2 * PAGE - 1, new ByteRange(0, 2 * PAGE))
                        .writtenBytes())
                .isEqualTo(2 * PAGE);
    }

    @Test
    void a_return_that_overtakes_the_commit_of_a_recall_waits_for_it() {
        var held = granted(ALICE, null, rw(0, 4 * PAGE));
        manager.recall(file().inode(), Set.of(ALICE.client()));
        var all = new Return(LayoutType.SCSI, held.stateid().next(), Iomode.ANY, 0, ALL_ONES);

        assertThat(giveBack(ALICE, all)).isInstanceOf(ReturnOutcome.Early.class);
        commit(ALICE, held.stateid().next(), 2 * PAGE - 1, new ByteRange(0, 2 * PAGE));

        assertThat(giveBack(ALICE, all)).isInstanceOf(ReturnOutcome.Returned.class);
        assertThat(extents.allocatedBytes()).isEqualTo(2 * PAGE);
    }

    @Test
    void a_return_does_not_wait_for_ever_for_a_commit() {
        var held = granted(ALICE, null, rw(0, PAGE));
        manager.recall(file().inode(), Set.of(ALICE.client()));
        var all = new Return(LayoutType.SCSI, held.stateid().next(), Iomode.ANY, 0, ALL_ONES);

        assertThat(Stream.generate(() -> giveBack(ALICE, all)).limit(6))
                .last()
                .isInstanceOf(ReturnOutcome.Returned.class);
    }

    @Test
    void a_commit_of_what_was_never_granted_turns_nothing() {
        var alice = granted(ALICE, null, rw(0, 4 * PAGE));
        granted(BOB, null, rw(4 * PAGE, 4 * PAGE));

        var all = List.of(new ByteRange(0, 8 * PAGE));
        var commit = new Commit(LayoutType.SCSI, alice.stateid(), 0, 8 * PAGE, OptionalLong.of(8 * PAGE - 1), all);

        assertThat(refusal(ALICE, commit)).isEqualTo(Refusal.BAD_STATEID);
        assertThat(stateAt(4 * PAGE)).isEqualTo(ExtentState.INVALID_DATA);
    }

    @Test
    void the_commit_with_which_linux_loses_ranges_saves_what_it_lists_and_is_told_apart() {
        var granted = granted(ALICE, null, rw(0, 4 * PAGE));

        var outcome = manager.commit(
                file(),
                ALICE,
                new Commit(
                        LayoutType.SCSI,
                        granted.stateid(),
                        0,
                        0,
                        OptionalLong.empty(),
                        List.of(new ByteRange(2 * PAGE, 3 * PAGE))));

        var committed = (CommitOutcome.Committed) outcome;
        assertThat(committed.lostRanges()).isTrue();
        assertThat(committed.writtenBytes()).isEqualTo(PAGE);
        assertThat(stateAt(0)).as("never made readable").isEqualTo(ExtentState.INVALID_DATA);
    }

    @Test
    void a_commit_is_refused_only_for_what_no_client_of_sound_mind_sends() {
        var granted = granted(ALICE, null, rw(0, 4 * PAGE));
        var read = granted(BOB, null, new Want(LayoutType.SCSI, Iomode.READ, 8 * PAGE, PAGE, 0, LINUX_MAX_COUNT));

        assertThat(refusal(ALICE, commitOf(granted.stateid(), 0, PAGE, 5 * PAGE)))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusal(ALICE, commitOf(granted.stateid(), 5, ALL_ONES - 3, 5)))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusal(
                        ALICE,
                        new Commit(
                                LayoutType.SCSI,
                                granted.stateid(),
                                0,
                                PAGE,
                                OptionalLong.empty(),
                                List.of(new ByteRange(1, PAGE)))))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusal(ALICE, commitOf(granted.stateid(), 64 * PAGE, PAGE, 64 * PAGE)))
                .isEqualTo(Refusal.BADLAYOUT);
        assertThat(refusal(BOB, commitOf(read.stateid(), 8 * PAGE, PAGE, 8 * PAGE)))
                .isEqualTo(Refusal.BADIOMODE);
        assertThat(refusal(BOB, commitOf(granted.stateid(), 0, PAGE, 0))).isEqualTo(Refusal.BAD_STATEID);
    }

    @Test
    void a_stateid_may_be_as_old_as_calls_are_in_flight_and_not_from_the_future() {
        LayoutStateid current = granted(ALICE, null, rw(0, PAGE)).stateid();
        for (int i = 1; i <= 3; i++) {
            current = granted(ALICE, current, rw((long) i * 2 * PAGE, PAGE)).stateid();
        }

        assertThat(current.seqid()).isEqualTo(4);
        assertThat(refusalOfGet(new LayoutStateid(1, current.other()))).isEqualTo(Refusal.OLD_STATEID);
        assertThat(refusalOfGet(new LayoutStateid(5, current.other()))).isEqualTo(Refusal.BAD_STATEID);
        assertThat(refusalOfGet(new LayoutStateid(0, current.other()))).isEqualTo(Refusal.BAD_STATEID);
        assertThat(granted(ALICE, new LayoutStateid(2, current.other()), rw(0, PAGE))
                        .stateid()
                        .seqid())
                .isEqualTo(5);
    }

    @Test
    void a_seqid_leaves_out_zero_on_its_way_round() {
        var last = new LayoutStateid(-1, Opaque.of(new byte[12]));

        assertThat(last.next().seqid()).isEqualTo(1);
        assertThat(last.next().age(-1)).isEqualTo(1);
        assertThat(last.next().next().age(-2)).isEqualTo(3);
    }

    @Test
    void after_the_last_return_the_stateid_is_dead_and_a_new_one_differs() {
        var granted = granted(ALICE, null, rw(0, 2 * PAGE));

        var half = giveBack(ALICE, granted.stateid(), Iomode.RW, 0, PAGE);
        var none = giveBack(ALICE, half.stateid().orElseThrow(), Iomode.ANY, 0, ALL_ONES);

        assertThat(half.stateid())
                .contains(new LayoutStateid(2, granted.stateid().other()));
        assertThat(none.stateid()).isEmpty();
        assertThat(refusalOfGet(half.stateid().orElseThrow())).isEqualTo(Refusal.BAD_STATEID);
        assertThat(granted(ALICE, null, rw(0, PAGE)).stateid().other())
                .isNotEqualTo(granted.stateid().other());
    }

    @Test
    void an_inner_part_that_is_returned_can_be_had_by_another_client() {
        var granted = granted(ALICE, null, rw(0, 8 * PAGE));
        assertThat(grant(BOB, null, rw(2 * PAGE, PAGE))).isInstanceOf(GrantOutcome.Conflict.class);

        giveBack(ALICE, granted.stateid(), Iomode.RW, 2 * PAGE, 2 * PAGE);

        assertThat(granted(BOB, null, new Want(LayoutType.SCSI, Iomode.RW, 2 * PAGE, 6 * PAGE, 1, LINUX_MAX_COUNT))
                        .range())
                .as("up to where the other still writes")
                .isEqualTo(new ByteRange(2 * PAGE, 4 * PAGE));
    }

    @Test
    void arguments_are_checked_in_the_order_of_the_rfc() {
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.ANY, -1, 0, 1, 0)))
                .isEqualTo(Refusal.BADIOMODE);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, 0, PAGE, 2 * PAGE, 0)))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, 5, ALL_ONES - 4, 0, 0)))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, -5, 1, 0, 4096)))
                .isEqualTo(Refusal.INVAL);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, 0, PAGE, 1, 75)))
                .isEqualTo(Refusal.TOOSMALL);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, 0, ALL_ONES, ALL_ONES, 4096)))
                .isEqualTo(Refusal.BADLAYOUT);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.RW, 0, PAGE, 0, 4096)))
                .as("nothing is allocated for a minimum of 0")
                .isEqualTo(Refusal.LAYOUTTRYLATER);
    }

    @Test
    void reading_is_covered_up_to_the_page_that_holds_the_end_of_the_file() {
        var written = granted(ALICE, null, rw(0, 4 * PAGE));
        commit(ALICE, written.stateid(), 3 * PAGE + 10, new ByteRange(0, 4 * PAGE));
        size = 3 * PAGE + 11;

        var whole = granted(ALICE, null, new Want(LayoutType.SCSI, Iomode.READ, 0, ALL_ONES, ALL_ONES, 4096));
        var beyond = granted(ALICE, null, new Want(LayoutType.SCSI, Iomode.READ, 9 * PAGE, PAGE, 0, 4096));

        assertThat(whole.range()).isEqualTo(new ByteRange(0, 4 * PAGE));
        assertThat(whole.extents().getFirst().state()).isEqualTo(ExtentState.READ_DATA);
        assertThat(beyond.range()).isEqualTo(new ByteRange(9 * PAGE, 10 * PAGE));
        assertThat(beyond.extents().getFirst().state()).isEqualTo(ExtentState.NONE_DATA);
        assertThat(volumes.stream().map(Volume::id))
                .contains(beyond.extents().getFirst().device());
    }

    /// Linux (6.1) finds the hole first, and reads zeros where it wrote.
    @Test
    void what_a_client_may_have_written_and_not_committed_is_never_a_hole_to_it() {
        size = 100 * PAGE;
        var written = granted(ALICE, null, rw(10 * PAGE, 2 * PAGE));

        var before = granted(ALICE, written.stateid(), reading(0, PAGE));
        var there = granted(ALICE, before.stateid(), reading(11 * PAGE, PAGE));
        var behind = granted(ALICE, there.stateid(), reading(12 * PAGE, PAGE));

        assertThat(before.range()).isEqualTo(new ByteRange(0, 10 * PAGE));
        assertThat(there.iomode()).isEqualTo(Iomode.RW);
        assertThat(there.range()).as("no more than it had").isEqualTo(new ByteRange(11 * PAGE, 12 * PAGE));
        assertThat(there.extents().getFirst().state()).isEqualTo(ExtentState.INVALID_DATA);
        assertThat(behind.iomode()).isEqualTo(Iomode.READ);
        assertThat(behind.range()).isEqualTo(new ByteRange(12 * PAGE, 100 * PAGE));
        assertThat(refusalOfGet(behind.stateid(), reading(0, 11 * PAGE)))
                .as("a minimum of which a part is uncommitted")
                .isEqualTo(Refusal.BADLAYOUT);

        commit(ALICE, behind.stateid(), 12 * PAGE - 1, new ByteRange(10 * PAGE, 12 * PAGE));

        assertThat(granted(ALICE, behind.stateid(), reading(0, PAGE)).extents())
                .extracting(Extent::state)
                .containsExactly(ExtentState.NONE_DATA, ExtentState.READ_DATA, ExtentState.NONE_DATA);
    }

    @Test
    void reading_and_writing_through_the_server_waits_for_a_commit_of_the_same_client() {
        size = 100 * PAGE;
        var written = granted(ALICE, null, rw(10 * PAGE, 2 * PAGE));
        var meeting = new ByteRange(11 * PAGE + 5, 13 * PAGE);
        var aside = new ByteRange(12 * PAGE, 13 * PAGE);
        var own = new HoldOutcome.Conflict(Set.of(ALICE.client()));

        assertThat(manager.beginRead(file(), ALICE.client(), meeting)).isEqualTo(own);
        assertThat(manager.beginWrite(file(), ALICE.client(), meeting)).isEqualTo(own);
        assertThat(manager.beginRead(file(), ALICE.client(), aside)).isInstanceOf(HoldOutcome.Held.class);
        assertThat(manager.beginWrite(file(), ALICE.client(), aside)).isInstanceOf(HoldOutcome.Held.class);
        assertThat(manager.beginRead(file(), BOB.client(), meeting))
                .as("others see what is committed")
                .isInstanceOf(HoldOutcome.Held.class);

        commit(ALICE, written.stateid(), 12 * PAGE - 1, new ByteRange(10 * PAGE, 12 * PAGE));

        assertThat(manager.beginRead(file(), ALICE.client(), new ByteRange(10 * PAGE, 12 * PAGE)))
                .isInstanceOf(HoldOutcome.Held.class);
    }

    /// Linux 6.1 writes what is behind the border to the right address of the wrong disk.
    @Test
    void a_layout_ends_where_the_next_volume_begins() {
        var first = granted(ALICE, null, rw(0, 20 * MIB));
        var second = granted(ALICE, first.stateid(), rw(8 * MIB, 12 * MIB));
        commit(ALICE, second.stateid(), 16 * MIB - 1, new ByteRange(0, 16 * MIB));
        size = 16 * MIB;
        var read = granted(ALICE, second.stateid(), new Want(LayoutType.SCSI, Iomode.READ, 0, ALL_ONES, PAGE, 4096));
        var ready = granted(ALICE, read.stateid(), new Want(LayoutType.SCSI, Iomode.RW, 0, ALL_ONES, 0, 4096));

        assertThat(first.range()).isEqualTo(new ByteRange(0, 8 * MIB));
        assertThat(second.range()).isEqualTo(new ByteRange(8 * MIB, 16 * MIB));
        assertThat(second.extents().getFirst().device())
                .isNotEqualTo(first.extents().getFirst().device());
        assertThat(read.range()).isEqualTo(first.range());
        assertThat(ready.range()).isEqualTo(first.range());
    }

    @Test
    void who_insists_on_more_than_one_volume_has_of_a_file_gets_it() {
        var granted =
                granted(ALICE, null, new Want(LayoutType.SCSI, Iomode.RW, 0, 20 * MIB, 12 * MIB, LINUX_MAX_COUNT));

        assertThat(granted.range()).isEqualTo(new ByteRange(0, 16 * MIB));
        assertThat(granted.extents()).hasSize(2);
    }

    @Test
    void a_layout_has_at_most_the_92_extents_for_which_linux_leaves_room() {
        fragment(200);

        var granted = granted(ALICE, null, new Want(LayoutType.SCSI, Iomode.READ, 0, ALL_ONES, 1, LINUX_MAX_COUNT));

        assertThat(granted.extents()).hasSize(92);
        assertThat(granted.range().end())
                .isEqualTo(granted.extents().getLast().file().end());
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.READ, 0, ALL_ONES, ALL_ONES, LINUX_MAX_COUNT)))
                .as("a minimum that takes more extents")
                .isEqualTo(Refusal.TOOSMALL);
    }

    @Test
    void nobody_gets_more_unwritten_runs_than_linux_can_list_in_one_page() {
        LayoutStateid stateid = granted(ALICE, null, blockLayoutAt(0)).stateid();
        for (int i = 1; i < 93; i++) {
            stateid = granted(ALICE, stateid, blockLayoutAt(2L * i)).stateid();
        }

        var over = blockLayoutAt(1000);

        assertThat(((GrantOutcome.Refused) grant(ALICE, stateid, over)).refusal())
                .isEqualTo(Refusal.BADLAYOUT);
        manager.commit(
                file(),
                ALICE,
                new Commit(
                        LayoutType.BLOCK_VOLUME,
                        stateid,
                        0,
                        PAGE,
                        OptionalLong.of(0),
                        List.of(new ByteRange(0, PAGE))));
        assertThat(grant(ALICE, stateid, over)).isInstanceOf(GrantOutcome.Granted.class);
    }

    @Test
    void beyond_the_runs_that_linux_can_list_a_client_gets_zeros_as_data_and_its_own_writes_are_left_alone() {
        size = 1000 * PAGE;
        LayoutStateid stateid = granted(ALICE, null, blockLayoutAt(0)).stateid();
        for (int i = 1; i < 93; i++) {
            assertThat(manager.beginFill(file(), ALICE.client(), blockLayoutAt(2L * i)))
                    .as("no need yet")
                    .isEmpty();
            stateid = granted(ALICE, stateid, blockLayoutAt(2L * i)).stateid();
        }

        // Of the pages from 181 to 191 those with even numbers up to 184 are granted, and the unit ends at 192.
        ProxyHold fill =
                manager.beginFill(file(), ALICE.client(), blockLayoutAt(181)).orElseThrow();
        assertThat(fill.extents())
                .extracting(Extent::file)
                .containsExactly(pages(181, 182), pages(183, 184), pages(185, 192));
        assertThat(grant(ALICE, stateid, blockLayoutAt(181)))
                .as("while zeros are being written")
                .isInstanceOf(GrantOutcome.Conflict.class);
        try (var _ = space.lock()) {
            manager.finishFill(file(), fill);
        }
        var granted = granted(
                ALICE,
                stateid,
                new Want(LayoutType.BLOCK_VOLUME, Iomode.RW, 185 * PAGE, 7 * PAGE, PAGE, LINUX_MAX_COUNT));

        assertThat(granted.extents()).extracting(Extent::state).containsExactly(ExtentState.READ_WRITE_DATA);
        assertThat(granted.range()).isEqualTo(pages(185, 192));
        assertThat(stateAt(182 * PAGE)).as("it may have written there").isEqualTo(ExtentState.INVALID_DATA);
        assertThat(manager.beginFill(file(), ALICE.client(), blockLayoutAt(186)))
                .as("data already")
                .isEmpty();
        assertThat(manager.beginFill(file(), BOB.client(), blockLayoutAt(301)))
                .as("another client has no such need")
                .isEmpty();
    }

    @Test
    void zeros_that_could_not_be_written_leave_nothing_behind() {
        LayoutStateid stateid = granted(ALICE, null, blockLayoutAt(0)).stateid();
        for (int i = 1; i < 93; i++) {
            stateid = granted(ALICE, stateid, blockLayoutAt(2L * i)).stateid();
        }
        long free = space.totals().allocatableBytes();

        manager.end(
                manager.beginFill(file(), ALICE.client(), blockLayoutAt(301)).orElseThrow());

        assertThat(space.totals().allocatableBytes()).isEqualTo(free);
        assertThat(((GrantOutcome.Refused) grant(ALICE, stateid, blockLayoutAt(301))).refusal())
                .isEqualTo(Refusal.BADLAYOUT);
    }

    @Test
    void without_a_volume_online_the_client_is_told_to_try_again() {
        manager.place(new Placement(8 * MIB, List.of()));

        assertThat(refusalOf(rw(0, PAGE))).isEqualTo(Refusal.LAYOUTTRYLATER);
        assertThat(refusalOf(new Want(LayoutType.SCSI, Iomode.READ, 0, PAGE, 0, 4096)))
                .isEqualTo(Refusal.LAYOUTTRYLATER);
    }

    @Test
    void a_client_may_hold_only_so_much() {
        var strict = new LayoutManager(new LayoutLimits(MIB, MIB, MIB, PAGE, 10, 2, 1), space, placement, 1);
        try (var _ = space.lock()) {
            var other = new LayoutFile(99, 0, new ExtentMap());
            var first = (GrantOutcome.Granted) strict.grant(file(), ALICE, Optional.empty(), rw(0, PAGE));
            strict.grant(file(), ALICE, Optional.of(first.stateid()), rw(4 * PAGE, PAGE));

            assertThat(((GrantOutcome.Refused) strict.grant(file(), ALICE, Optional.empty(), rw(8 * PAGE, PAGE)))
                            .refusal())
                    .isEqualTo(Refusal.BADLAYOUT);
            assertThat(((GrantOutcome.Refused) strict.grant(other, ALICE, Optional.empty(), rw(0, PAGE))).refusal())
                    .isEqualTo(Refusal.BADLAYOUT);
        }
    }

    /// A file of which every second page has data.
    private void fragment(int pages) {
        LongStream.range(0, pages)
                .filter(page -> page % 2 == 0)
                .mapToObj(page -> new Extent(
                        volumes.getFirst().id(),
                        ByteRange.ofLength(page * PAGE, PAGE),
                        page * 3 * PAGE,
                        ExtentState.READ_WRITE_DATA))
                .forEach(extents::insert);
        size = (long) pages * PAGE;
    }

    private static Want blockLayoutAt(long page) {
        return new Want(LayoutType.BLOCK_VOLUME, Iomode.RW, page * PAGE, PAGE, PAGE, LINUX_MAX_COUNT);
    }

    private static ByteRange pages(long first, long end) {
        return new ByteRange(first * PAGE, end * PAGE);
    }

    private static Want rw(long offset, long length) {
        return new Want(LayoutType.SCSI, Iomode.RW, offset, length, Math.min(length, PAGE), LINUX_MAX_COUNT);
    }

    private static Want reading(long offset, long minLength) {
        return new Want(LayoutType.SCSI, Iomode.READ, offset, ALL_ONES, minLength, LINUX_MAX_COUNT);
    }

    private ExtentState stateAt(long offset) {
        return Objects.requireNonNull(extents.lookup(offset)).state();
    }

    private LayoutFile file() {
        return new LayoutFile(5, size, extents);
    }

    private GrantOutcome grant(Requester who, @Nullable LayoutStateid stateid, Want want) {
        try (var _ = space.lock()) {
            return manager.grant(file(), who, Optional.ofNullable(stateid), want);
        }
    }

    private GrantOutcome.Granted granted(Requester who, @Nullable LayoutStateid stateid, Want want) {
        return (GrantOutcome.Granted) grant(who, stateid, want);
    }

    private Refusal refusalOf(Want want) {
        return ((GrantOutcome.Refused) grant(ALICE, null, want)).refusal();
    }

    private Refusal refusalOfGet(LayoutStateid stateid) {
        return refusalOfGet(stateid, rw(0, PAGE));
    }

    private Refusal refusalOfGet(LayoutStateid stateid, Want want) {
        return ((GrantOutcome.Refused) grant(ALICE, stateid, want)).refusal();
    }

    private CommitOutcome.Committed commit(Requester who, LayoutStateid stateid, long last, ByteRange written) {
        return (CommitOutcome.Committed) manager.commit(
                file(),
                who,
                new Commit(LayoutType.SCSI, stateid, 0, last + 1, OptionalLong.of(last), List.of(written)));
    }

    private static Commit commitOf(LayoutStateid stateid, long offset, long length, long last) {
        return new Commit(LayoutType.SCSI, stateid, offset, length, OptionalLong.of(last), List.of());
    }

    private Refusal refusal(Requester who, Commit commit) {
        return ((CommitOutcome.Refused) manager.commit(file(), who, commit)).refusal();
    }

    private ReturnOutcome.Returned giveBack(
            Requester who, LayoutStateid stateid, Iomode iomode, long offset, long length) {
        return (ReturnOutcome.Returned) giveBack(who, new Return(LayoutType.SCSI, stateid, iomode, offset, length));
    }

    private ReturnOutcome giveBack(Requester who, Return what) {
        try (var _ = space.lock()) {
            return manager.giveBack(file(), who, what);
        }
    }

    private static Volume volume(int number) {
        return new Volume(
                new DeviceId(number, 1, 1),
                new Scsi(new RegionId(new UUID(0, number)), 1024 * MIB, Designator.naa(Opaque.of(new byte[16]))));
    }
}
