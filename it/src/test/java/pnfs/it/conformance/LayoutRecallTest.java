package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.at;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.it.conformance.Tree.Opened;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.FreeStateidArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.TestStateidArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.LayoutGetResult;
import pnfs.wire.nfs4.OpResult.TestStateidResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// Layouts that are wanted back, RFC 8881 §12.5.5 and §20.3, and what their stateids are worth then.
@ExtendWith(SuiteServer.class)
class LayoutRecallTest {
    private static final int UNIT = 8192;
    private static final int SECONDS = 5;

    private final Suite suite;
    private final Session session;
    private final Tree tree;

    LayoutRecallTest(Suite suite) {
        this.suite = suite;
        session = suite.session().ofMinorVersion(2);
        tree = Tree.make(session, suite.name());
    }

    @Test
    void a_layout_stateid_is_good_until_the_layout_is_returned() {
        Opened file = tree.create("file");
        Stateid layout = get(file, file.stateid()).stateid();
        Stateid never = layout.withSeqid(99);

        assertThat(test(layout, never, layout.withSeqid(0)))
                .containsExactly(NfsStatus.OK, NfsStatus.BAD_STATEID, NfsStatus.BAD_STATEID);
        session.expect(NfsStatus.LOCKS_HELD, new FreeStateidArgs(layout));
        giveBack(file, layout);
        assertThat(test(layout)).containsExactly(NfsStatus.BAD_STATEID);
        session.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(layout));
    }

    @Test
    void nobody_else_knows_a_layout_stateid() {
        Opened file = tree.create("file");
        Stateid layout = get(file, file.stateid()).stateid();
        Session other = suite.session();

        assertThat(Session.find(TestStateidResult.class, other.ok(new TestStateidArgs(List.of(layout))))
                        .statuses())
                .containsExactly(NfsStatus.BAD_STATEID);
        other.expect(NfsStatus.BAD_STATEID, new FreeStateidArgs(layout));
    }

    @Test
    void a_hole_under_the_clients_own_layout_takes_a_recall_and_frees_its_space() {
        Opened file = tree.create("file");
        Stateid layout = written(file);
        long before = spaceUsed(file);

        NfsStatus punched =
                afterReturn(file, layout, at(file.file(), new DeallocateArgs(file.stateid(), FileRange.of(0, UNIT))));

        assertThat(punched).isEqualTo(NfsStatus.OK);
        assertThat(before - spaceUsed(file)).isEqualTo(UNIT);
    }

    @Test
    void a_cut_under_the_clients_own_layout_takes_a_recall_and_frees_its_space() {
        Opened file = tree.create("file");
        Stateid layout = written(file);
        var empty = AttributeCodec.write(Attributes.builder().size(0).build());

        NfsStatus cut = afterReturn(file, layout, at(file.file(), new SetAttrArgs(file.stateid(), empty)));

        assertThat(cut).isEqualTo(NfsStatus.OK);
        assertThat(spaceUsed(file)).isZero();
    }

    @Test
    void a_recalled_layout_can_be_committed_but_not_grow_and_goes_on_after_its_return() {
        Opened file = tree.create("file");
        Stateid layout = get(file, file.stateid()).stateid();
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);
        other.session.call(false, getArgs(there, there.stateid()));
        Stateid recalled = recall();

        assertThat(recalled).isEqualTo(layout.next());
        session.expect(NfsStatus.RECALLCONFLICT, getArgs(file, file.stateid()));
        session.expect(NfsStatus.RECALLCONFLICT, getArgs(file, layout));
        session.expect(NfsStatus.RETURNCONFLICT, getArgs(file, recalled));
        commit(file, layout);
        giveBack(file, recalled);

        other.session.ok(getArgs(there, there.stateid()));
        assertThat(tree.attributes(file.file(), Bitmap.of(Attribute.SIZE)).size())
                .isEqualTo(2 * UNIT);
    }

    @Test
    void who_answers_a_recall_with_delay_is_asked_again_under_the_same_stateid() {
        Opened file = tree.create("file");
        Stateid layout = get(file, file.stateid()).stateid();
        session.peer.callbacks.answerWith(args -> new CbResult.CbFailure(args.op(), NfsStatus.DELAY));
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);
        other.session.call(false, getArgs(there, there.stateid()));

        assertThat(recall()).isEqualTo(layout.next());
        assertThat(recall()).isEqualTo(layout.next());
        giveBack(file, layout);
    }

    @Test
    void who_says_that_it_has_no_such_layout_has_none() {
        Opened file = tree.create("file");
        Stateid layout = get(file, file.stateid()).stateid();
        session.peer.callbacks.answerWith(args -> new CbResult.CbFailure(args.op(), NfsStatus.NOMATCHING_LAYOUT));
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);

        List<OpResult> got = outlast(other.session, getArgs(there, there.stateid()));

        assertThat(got.getLast().status()).isEqualTo(NfsStatus.OK);
        assertThat(test(layout)).containsExactly(NfsStatus.BAD_STATEID);
    }

    /// The client may not have seen the reply to a partial LAYOUTRETURN.
    @Test
    void a_part_can_be_returned_of_what_is_recalled() {
        Opened file = tree.create("file");
        get(file, file.stateid());
        Tree other = tree.of(suite.session());
        Opened there = other.open("file", "other", ShareBits.BOTH);
        other.session.call(false, getArgs(there, there.stateid()));
        Stateid recalled = recall();

        session.ok(ScsiLayouts.giveBack(file, recalled, FileRange.of(0, UNIT)));
        session.expect(NfsStatus.RETURNCONFLICT, getArgs(file, recalled.next()));
        giveBack(file, recalled.next());

        other.session.ok(getArgs(there, there.stateid()));
    }

    /// The operations, which have to recall `layout` first; it is returned when the recall comes.
    private NfsStatus afterReturn(Opened file, Stateid layout, OpArgs... operations) {
        CompletableFuture<Results> waiting = session.send(operations);
        recall();
        giveBack(file, layout);
        NfsStatus status = waiting.join().status();
        return status == NfsStatus.DELAY
                ? outlast(session, operations).getLast().status()
                : status;
    }

    /// Asks again for as long as the answer is that it is too early.
    private static List<OpResult> outlast(Session session, OpArgs... operations) {
        List<OpResult> results = session.run(operations);
        for (int i = 0; i < 100 && isTooEarly(results.getLast().status()); i++) {
            results = session.run(operations);
        }
        return results;
    }

    private static boolean isTooEarly(NfsStatus status) {
        return switch (status) {
            case DELAY, LAYOUTTRYLATER, RECALLCONFLICT, RETURNCONFLICT -> true;
            default -> false;
        };
    }

    /// The stateid of the next recall of a file.
    private Stateid recall() {
        CbArgs args =
                session.peer.callbacks.await(CbLayoutRecallArgs.class, SECONDS).args();
        return ((LayoutRecallScope.OfFile) ((CbLayoutRecallArgs) args).scope()).stateid();
    }

    private List<NfsStatus> test(Stateid... stateids) {
        return Session.find(TestStateidResult.class, session.ok(new TestStateidArgs(List.of(stateids))))
                .statuses();
    }

    private long spaceUsed(Opened file) {
        return tree.attributes(file.file(), Bitmap.of(Attribute.SPACE_USED)).uint64(Attribute.SPACE_USED);
    }

    /// A layout of blocks that are data.
    private Stateid written(Opened file) {
        Stateid layout = get(file, file.stateid()).stateid();
        commit(file, layout);
        return layout;
    }

    private LayoutGetResult get(Opened file, Stateid stateid) {
        return Session.find(LayoutGetResult.class, session.ok(getArgs(file, stateid)));
    }

    private static OpArgs[] getArgs(Opened file, Stateid stateid) {
        return ScsiLayouts.get(file, FileRange.of(0, 2 * UNIT), stateid);
    }

    private void commit(Opened file, Stateid layout) {
        session.ok(ScsiLayouts.commit(file, layout, 2 * UNIT));
    }

    private void giveBack(Opened file, Stateid layout) {
        session.ok(ScsiLayouts.giveBack(file, layout, FileRange.WHOLE_FILE));
    }
}
