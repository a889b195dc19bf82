package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;

/// RFC 8881 §18.46.3.
class SequenceTest {
    private final TestServer server = new TestServer(table -> {});
    private final TestPeer peer = server.connect();
    private final TestSession session = TestSession.begin(peer, "owner");
    private final int slots = TestServer.LIMITS.slots();

    @Test
    void the_result_names_the_slots_there_are() {
        SequenceArgs args = session.next(false);

        var result = (SequenceResult) peer.call(2, args).operations().getFirst();

        assertThat(result)
                .isEqualTo(new SequenceResult(session.id, args.sequence(), args.slot(), slots - 1, slots - 1, 0));
    }

    @Test
    void a_slot_that_does_not_exist_is_bad() {
        assertThat(status(new SequenceArgs(session.id, 1, slots, 0, false))).isEqualTo(NfsStatus.BADSLOT);
        assertThat(status(new SequenceArgs(session.id, 1, -1, 0, false))).isEqualTo(NfsStatus.BADSLOT);
        assertThat(status(new SequenceArgs(session.id, 1, 1, slots, false))).isEqualTo(NfsStatus.BAD_HIGH_SLOT);
        assertThat(status(new SequenceArgs(session.id, 1, 1, -1, false))).isEqualTo(NfsStatus.BAD_HIGH_SLOT);
    }

    @Test
    void a_slot_begins_with_sequence_one() {
        assertThat(status(new SequenceArgs(session.id, 0, 1, 1, false))).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(status(new SequenceArgs(session.id, 2, 1, 1, false))).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(status(new SequenceArgs(session.id, 1, 1, 1, false))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_lone_sequence_is_replayed_though_nobody_asked_to_keep_it() {
        SequenceArgs args = session.next(false);
        int first = peer.send(2, args);

        assertThat(peer.bytes(peer.send(2, args))).isEqualTo(peer.bytes(first));
    }

    @Test
    void an_error_of_sequence_leaves_the_slot_as_it_was() {
        SequenceArgs next = session.next(false);
        assertThat(status(new SequenceArgs(session.id, next.sequence() + 1, 0, 0, false)))
                .isEqualTo(NfsStatus.SEQ_MISORDERED);

        assertThat(peer.call(2, next, new PutRootFhArgs()).status()).isEqualTo(NfsStatus.OK);
    }

    private NfsStatus status(SequenceArgs args) {
        return peer.call(2, args).status();
    }
}
