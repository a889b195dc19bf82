package pnfs.mds.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.device.Placement;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.LayoutLimits;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.space.Space;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.AttributeOperations;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.callback.Callbacks;
import pnfs.mds.callback.Recalls;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.NamespaceOperations;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.open.OpenOperations;
import pnfs.mds.open.StateTable;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LayoutCommitArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetFhResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// CB_LAYOUTRECALL, RFC 8881 §12.5.5, §20.3: two clients, whose callbacks the test answers.
class LayoutRecallTest {
    private static final int PAGE = ByteRange.BLOCK_BYTES;
    private static final long LEASE = TestServer.LEASE_SECONDS;

    private final ManualLoop loop = new ManualLoop();
    private final TestServer server = new TestServer(MemoryEngine.committing(), loop, this::rooms);

    @SuppressWarnings("NullAway.Init") // made with the server
    private Recalls recalls;

    @SuppressWarnings("NullAway.Init") // made with the server
    private OrderedRecalls ordered;

    private final TestPeer anna = server.connect();
    private final TestPeer boris = server.connect();
    private final TestSession first = TestSession.begin(anna, "anna");
    private final TestSession second = TestSession.begin(boris, "boris");
    private final Opened annas = open(first);
    private final Opened boriss = open(second);

    private record Opened(TestSession session, Opaque file, Stateid stateid) {}

    private FileHandle rooms(TestServer made, OpTable table) {
        var random = new SplittableRandom(3);
        var locks = new FileLocks();
        var space = new Space();
        var inodes = new Inodes(made.store, 100, random);
        var placement = new Placement(LayoutRooms.PLACEMENT_BYTES, List.of());
        var manager = new LayoutManager(LayoutLimits.DEFAULT, space, placement, 1);
        var layouts = new FileLayouts(made.store, manager, space, LayoutRooms.PLACEMENT_BYTES, 10);
        layouts.volumesChanged(LayoutRooms.VOLUMES, LayoutRooms.VOLUMES, Set.of());
        var attributes = new FileAttributes(FileRooms.FACTS, layouts, Owners.numeric());
        var namespace = new Namespace(made.store, inodes, locks);
        var opens = new OpenFiles(made.store, made.clients, new StateTable(made.clients, 100, random));
        var orphans = new Orphans(made.store, inodes, locks, layouts, opens);
        AttributeOperations.register(table, inodes, locks, attributes, layouts, opens);
        NamespaceOperations.register(table, inodes, namespace, attributes, orphans, inodes::require);
        OpenOperations.register(table, inodes, locks, attributes, layouts, namespace, orphans, opens, made.clients);
        var callbacks = new Callbacks(made.clients, loop::execute, Duration.ofSeconds(5));
        recalls = new Recalls(made.clients, callbacks, loop.nowNanos(), TestServer.LIMITS.leaseNanos());
        var layoutRoom = LayoutOperations.register(
                table,
                made.store,
                inodes,
                locks,
                opens,
                made.clients,
                manager,
                layouts,
                orphans,
                recalls,
                new FakeDataServers(),
                loop::execute,
                new DeviceWatch(made.store, callbacks, made.clients),
                List.of(LayoutType.SCSI),
                8,
                new SimpleMeterRegistry());
        ordered = layoutRoom.recalls();
        table.register(OpCode.LAYOUTGET, LayoutGetArgs.class, layoutRoom.layoutGet());
        return namespace.root(0, new Rights(0777, 0, 0), new NfsTime(1, 0));
    }

    @Test
    void a_conflict_recalls_the_whole_layout_with_the_next_seqid_and_once() {
        LayoutGetResult held = granted(get(annas));

        assertThat(get(boriss).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);
        assertThat(get(boriss).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);

        assertThat(anna.callbacks()).hasSize(1);
        var recall = (CbLayoutRecallArgs) anna.callbacks().getFirst().operation();
        Stateid next = held.stateid().withSeqid(held.stateid().seqid() + 1);
        assertThat(recall.iomode()).isEqualTo(Iomode.ANY);
        assertThat(recall.scope()).isEqualTo(new LayoutRecallScope.OfFile(annas.file(), FileRange.WHOLE_FILE, next));
    }

    /// Linux (6.12) sends both at once.
    @Test
    void a_return_that_overtakes_the_commit_of_a_recall_is_put_off() {
        LayoutGetResult held = granted(get(annas));
        get(boriss);
        anna.answer(NfsStatus.OK);

        assertThat(run(annas, giveBack(held.stateid().withSeqid(2))).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(run(annas, commit(held.stateid())).status()).isEqualTo(NfsStatus.OK);
        assertThat(run(annas, giveBack(held.stateid().withSeqid(2))).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_recalled_layout_is_not_granted_again_before_its_return_but_may_be_committed() {
        LayoutGetResult held = granted(get(annas));
        get(boriss);
        anna.answer(NfsStatus.OK);

        assertThat(get(annas).status()).isEqualTo(NfsStatus.RECALLCONFLICT);
        assertThat(run(annas, commit(held.stateid())).status()).isEqualTo(NfsStatus.OK);
        assertThat(get(boriss).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);
        assertThat(run(annas, giveBack(held.stateid().withSeqid(2))).status()).isEqualTo(NfsStatus.OK);

        assertThat(get(annas).status()).as("the other is next").isEqualTo(NfsStatus.LAYOUTTRYLATER);
        granted(get(boriss));
    }

    @Test
    void a_client_that_has_no_such_layout_ends_the_recall() {
        granted(get(annas));
        get(boriss);

        anna.answer(NfsStatus.NOMATCHING_LAYOUT);

        granted(get(boriss));
    }

    @Test
    void a_client_that_asks_for_patience_is_asked_again_under_the_same_stateid() {
        granted(get(annas));
        get(boriss);

        TestPeer.Callback early = anna.answer(NfsStatus.DELAY);
        pass(1);
        TestPeer.Callback again = anna.answer(NfsStatus.OK);

        assertThat(again.operation()).isEqualTo(early.operation());
    }

    @Test
    void a_client_that_has_seen_a_newer_stateid_is_asked_again_under_the_next() {
        granted(get(annas));
        get(boriss);

        Stateid early = stateidOf(anna.answer(NfsStatus.OLD_STATEID));
        pass(1);
        Stateid again = stateidOf(anna.answer(NfsStatus.OK));

        assertThat(again).isEqualTo(early.withSeqid(early.seqid() + 1));
    }

    @Test
    void what_is_not_returned_within_a_lease_is_taken_and_the_client_told_until_it_knows() {
        LayoutGetResult held = granted(get(annas));
        get(boriss);
        anna.answer(NfsStatus.OK);
        pass(LEASE / 2);
        first.run();
        second.run();
        assertThat(get(boriss).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);
        pass(LEASE / 2 + 1);

        granted(get(boriss));
        assertThat(flags()).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        assertThat(run(annas, new FreeStateidArgs(held.stateid())).status()).isEqualTo(NfsStatus.OK);
        assertThat(flags()).isZero();
    }

    @Test
    void a_machine_that_stands_still_loses_its_layouts_with_its_lease_and_goes_on_with_all_else() {
        granted(get(annas));
        pass(LEASE / 2);
        second.run();
        get(boriss);
        pass(LEASE / 2 + 1);

        granted(get(boriss));
        assertThat(flags() & SequenceFlags.RECALLABLE_STATE_REVOKED)
                .as("told under its session")
                .isNotZero();
        assertThat(get(annas).status()).as("with what it has open").isEqualTo(NfsStatus.LAYOUTTRYLATER);
    }

    /// Linux frees no layout stateid: once told it drops all layouts, and asks with its open's stateid.
    @Test
    void a_client_that_was_told_and_begins_anew_knows() {
        granted(get(annas));
        get(boriss);
        anna.answer(NfsStatus.OK);
        pass(LEASE / 2);
        first.run();
        second.run();
        pass(LEASE / 2 + 1);
        assertThat(flags()).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);

        get(annas);

        assertThat(flags()).isZero();
    }

    @Test
    void who_accepts_a_recall_of_everything_and_returns_nothing_within_a_lease_loses_it() {
        granted(get(annas));
        var endings = new ArrayList<OrderedRecalls.Ending>();
        ordered.recall(
                new OrderedRecalls.Scope.All(),
                loop::nowNanos,
                outcomes -> outcomes.forEach(outcome -> endings.add(outcome.ending())));
        anna.answer(NfsStatus.OK);
        pass(LEASE / 2);
        first.run();
        second.run();
        assertThat(endings).isEmpty();
        pass(LEASE / 2 + 1);

        assertThat(endings).containsExactly(OrderedRecalls.Ending.TAKEN);
        assertThat(flags()).isEqualTo(SequenceFlags.RECALLABLE_STATE_REVOKED);
        granted(get(boriss));
        assertThat(get(annas).status())
                .as("it may ask again, and the other is in its way")
                .isEqualTo(NfsStatus.LAYOUTTRYLATER);
    }

    @Test
    void who_is_asked_for_a_file_already_is_not_asked_for_everything() {
        granted(get(annas));
        get(boriss);
        var endings = new ArrayList<OrderedRecalls.Ending>();

        ordered.recall(
                new OrderedRecalls.Scope.All(),
                loop::nowNanos,
                outcomes -> outcomes.forEach(outcome -> endings.add(outcome.ending())));

        assertThat(endings).containsExactly(OrderedRecalls.Ending.BUSY);
        assertThat(anna.callbacks()).hasSize(1);
    }

    @Test
    void two_that_want_the_same_blocks_take_turns() {
        Opened holder = annas;
        Opened other = boriss;
        LayoutGetResult held = granted(get(holder));
        for (int turn = 0; turn < 6; turn++) {
            get(other);
            TestPeer peer = holder.equals(annas) ? anna : boris;
            peer.answer(NfsStatus.OK);
            run(holder, commit(held.stateid()));
            run(holder, giveBack(held.stateid().withSeqid(held.stateid().seqid() + 1)));
            assertThat(get(holder).status()).isEqualTo(NfsStatus.LAYOUTTRYLATER);
            held = granted(get(other));
            Opened before = holder;
            holder = other;
            other = before;
        }
    }

    private void pass(long seconds) {
        loop.advance(seconds, TimeUnit.SECONDS);
        recalls.tick(loop.nowNanos());
        loop.run();
    }

    private Opened open(TestSession session) {
        Results opened = session.run(
                new PutRootFhArgs(),
                FileRooms.open(
                        "owner",
                        ShareBits.READ | ShareBits.WRITE,
                        0,
                        new OpenHow.Unchecked(Fattr.EMPTY),
                        new OpenClaim.ByName("f")),
                new GetFhArgs());
        assertThat(opened.status()).isEqualTo(NfsStatus.OK);
        return new Opened(
                session,
                ((GetFhResult) opened.operations().get(3)).fileHandle(),
                ((OpenResult) opened.operations().get(2)).stateid());
    }

    private OpResult run(Opened as, OpArgs operation) {
        OpResult result = as.session()
                .run(new PutFhArgs(as.file()), operation)
                .operations()
                .getLast();
        loop.run();
        return result;
    }

    private OpResult get(Opened as) {
        return run(
                as,
                new LayoutGetArgs(
                        false, LayoutType.SCSI, Iomode.READ_WRITE, FileRange.of(0, PAGE), PAGE, as.stateid(), PAGE));
    }

    private static LayoutGetResult granted(OpResult result) {
        assertThat(result.status()).isEqualTo(NfsStatus.OK);
        return (LayoutGetResult) result;
    }

    private static LayoutCommitArgs commit(Stateid stateid) {
        return new LayoutCommitArgs(
                FileRange.of(0, PAGE),
                false,
                stateid,
                OptionalLong.of(PAGE - 1),
                Optional.empty(),
                new LayoutBody(LayoutType.SCSI, ScsiLayoutCodec.writeUpdate(List.of(new ByteRange(0, PAGE)))));
    }

    private static LayoutReturnArgs giveBack(Stateid stateid) {
        return new LayoutReturnArgs(
                false,
                LayoutType.SCSI,
                Iomode.ANY,
                new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, stateid, Opaque.EMPTY));
    }

    private static Stateid stateidOf(TestPeer.Callback recall) {
        return ((LayoutRecallScope.OfFile) ((CbLayoutRecallArgs) recall.operation()).scope()).stateid();
    }

    private int flags() {
        return ((SequenceResult) first.run().operations().getFirst()).statusFlags();
    }
}
