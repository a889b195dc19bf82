package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Owner.channel;
import static pnfs.it.conformance.Tree.PUT_ROOT;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpArgs.SaveFhArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.xdr.Opaque;

/// SEQUENCE, RFC 8881 §18.46 and §2.10.6: slots, replies kept for retries, and what was negotiated.
@ExtendWith(SuiteServer.class)
class SequenceTest {
    private final Suite suite;
    private final Session session;

    SequenceTest(Suite suite) {
        this.suite = suite;
        session = suite.session();
    }

    @Test
    void it_repeats_session_slot_and_sequence() {
        var result = (SequenceResult) session.peer.alone(Suite.ROOT, new SequenceArgs(session.id, 1, 2, 3, true));

        assertThat(result.session()).isEqualTo(session.id);
        assertThat(result.sequence()).isEqualTo(1);
        assertThat(result.slot()).isEqualTo(2);
    }

    @Test
    void it_stands_first_and_nowhere_else() {
        session.expect(NfsStatus.SEQUENCE_POS, session.next(1, false));
        session.peer.expectAlone(NfsStatus.OP_NOT_IN_SESSION, PUT_ROOT);
    }

    @Test
    void an_unknown_session_is_refused() {
        Opaque unknown = Opaque.ofHex("42616420536573736965206e20496400");

        session.peer.expectAlone(NfsStatus.BADSESSION, new SequenceArgs(unknown, 1, 0, 0, true));
    }

    @Test
    void another_connection_joins_the_session_by_using_it() {
        Peer rogue = suite.connect();

        rogue.expectAlone(NfsStatus.OK, session.next(1, true));
    }

    @Test
    void a_slot_beyond_the_last_is_bad() {
        Session small = Owner.exchange(session.peer, suite.name(), 1).createSession(channel(8192, 8192, 8192, 128, 8));

        small.peer.expectAlone(NfsStatus.BADSLOT, new SequenceArgs(small.id, 1, 8, 8, true));
        small.peer.expectAlone(NfsStatus.BAD_HIGH_SLOT, new SequenceArgs(small.id, 1, 0, 8, true));
    }

    @Test
    void a_sequence_other_than_the_last_or_the_next_is_misordered() {
        Peer peer = session.peer;
        peer.expectAlone(NfsStatus.OK, new SequenceArgs(session.id, 1, 2, 3, true));

        peer.expectAlone(NfsStatus.SEQ_MISORDERED, new SequenceArgs(session.id, 3, 2, 3, true));
        peer.expectAlone(NfsStatus.SEQ_MISORDERED, new SequenceArgs(session.id, 0, 2, 3, true));
        peer.expectAlone(NfsStatus.OK, new SequenceArgs(session.id, 2, 2, 3, true));
    }

    @Test
    void a_request_over_the_negotiated_size_is_too_big() {
        Session small = Owner.exchange(session.peer, suite.name(), 1).createSession(channel(512, 8192, 8192, 128, 8));

        Results results = small.call(false, PUT_ROOT, new LookupArgs("n".repeat(250)), new LookupArgs("m".repeat(250)));

        assertThat(results.status()).isEqualTo(NfsStatus.REQ_TOO_BIG);
        assertThat(results.operations()).hasSize(1);
    }

    @Test
    void as_many_operations_as_negotiated_run_and_one_more_does_not() {
        Session small = Owner.exchange(session.peer, suite.name(), 1).createSession(channel(8192, 8192, 8192, 4, 8));
        int most = small.created.fore().maxOperations();

        assertThat(small.call(false, operations(most - 1)).status()).isEqualTo(NfsStatus.OK);
        assertThat(small.call(false, operations(most)).status()).isEqualTo(NfsStatus.TOO_MANY_OPS);
    }

    /// PUTROOTFH, GETFH, and then GETATTRs of nothing.
    private static OpArgs[] operations(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> i == 0 ? PUT_ROOT : i == 1 ? new GetFhArgs() : new GetAttrArgs(Bitmap.EMPTY))
                .toArray(OpArgs[]::new);
    }

    @Test
    void a_retry_is_answered_from_the_slot_whatever_the_first_answer_was() {
        Tree tree = Tree.make(session, suite.name());
        tree.close(tree.create("old"));

        assertReplayed(NfsStatus.OK, PUT_ROOT);
        assertReplayed(NfsStatus.OK);
        assertReplayed(NfsStatus.OK, tree.here(new SaveFhArgs(), new RenameArgs("old", "new")));
        assertReplayed(NfsStatus.NOENT, PUT_ROOT, new LookupArgs("not-there"));
        assertReplayed(NfsStatus.NOENT, tree.here(new SaveFhArgs(), new RenameArgs("not-there", "new")));
        assertReplayed(NfsStatus.OP_ILLEGAL, new OpArgs.IllegalArgs(10044));
    }

    private void assertReplayed(NfsStatus expected, OpArgs... operations) {
        OpArgs[] compound = Session.with(session.next(1, true), operations);

        Results first = session.peer.call(compound);
        Results second = session.peer.call(compound);

        assertThat(first.status()).isEqualTo(expected);
        assertThat(second).isEqualTo(first);
    }

    @Test
    void a_retry_of_what_was_not_to_be_kept_is_answered_or_refused_but_not_done_again() {
        Tree tree = Tree.make(session, suite.name());
        tree.close(tree.create("old"));
        OpArgs[] compound =
                Session.with(session.next(1, false), tree.here(new SaveFhArgs(), new RenameArgs("old", "new")));

        assertThat(session.peer.call(compound).status()).isEqualTo(NfsStatus.OK);
        assertThat(session.peer.call(compound).status()).isIn(NfsStatus.OK, NfsStatus.RETRY_UNCACHED_REP);
        tree.lookup("new");
    }

    @Test
    void another_request_under_a_used_sequence_is_a_false_retry() {
        OpArgs sequence = session.next(1, true);
        session.peer.call(sequence, PUT_ROOT, new GetFhArgs());

        assertThat(session.peer.call(sequence, PUT_ROOT, new SaveFhArgs()).status())
                .isEqualTo(NfsStatus.SEQ_FALSE_RETRY);
    }
}
