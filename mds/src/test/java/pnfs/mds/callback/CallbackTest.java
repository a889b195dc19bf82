package pnfs.mds.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallSlotArgs;
import pnfs.wire.nfs4.CbOpCode;
import pnfs.wire.nfs4.CbResult.CbFailure;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.ReferringCall;
import pnfs.wire.nfs4.ReferringCalls;
import pnfs.wire.nfs4.SequenceFlags;

/// RFC 8881 §2.10.3, §2.10.6, §20.9.
class CallbackTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final CbArgs OPERATION = new CbRecallSlotArgs(3);

    private final TestServer server = new TestServer(table -> {});
    private final Callbacks callbacks = new Callbacks(server.clients, server.loop::execute, PATIENCE);
    private final List<CallbackOutcome> outcomes = new ArrayList<>();
    private final TestPeer peer = server.connect();
    private final TestSession session = TestSession.begin(peer, "client");

    @Test
    void callbacks_come_with_the_minor_version_of_the_session_and_count_their_slot() {
        send();
        TestPeer.Callback first = peer.answer(NfsStatus.OK);
        send();
        TestPeer.Callback second = peer.answer(NfsStatus.DELAY);

        assertThat(first.program()).isEqualTo(0x4000_0000);
        assertThat(first.minorVersion()).isEqualTo(2);
        assertThat(first.operation()).isEqualTo(OPERATION);
        assertThat(first.sequence().session()).isEqualTo(session.id);
        assertThat(first.sequence().cacheThis()).isFalse();
        assertThat(first.sequence().sequence()).isEqualTo(1);
        assertThat(second.sequence().sequence()).isEqualTo(2);
        assertThat(statuses()).containsExactly(NfsStatus.OK, NfsStatus.DELAY);
    }

    @Test
    void callbacks_under_way_at_once_have_slots_of_their_own_and_find_their_answers() {
        send();
        send();
        List<TestPeer.Callback> waiting = List.copyOf(peer.callbacks());
        peer.callbacks().clear();

        peer.answer(waiting.get(1), new CbFailure(CbOpCode.CB_RECALL_SLOT, NfsStatus.BAD_HIGH_SLOT));
        peer.answer(waiting.get(0), new CbFailure(CbOpCode.CB_RECALL_SLOT, NfsStatus.DELAY));

        assertThat(waiting).extracting(callback -> callback.sequence().slot()).containsExactly(0, 1);
        assertThat(statuses()).containsExactly(NfsStatus.BAD_HIGH_SLOT, NfsStatus.DELAY);
    }

    @Test
    void a_callback_whose_connection_breaks_comes_again_over_the_next_in_the_same_slot() {
        send();
        TestPeer.Callback lost = peer.callbacks().getFirst();
        TestPeer other = server.connect();
        bind(other);

        peer.disconnect();
        TestPeer.Callback again = other.answer(NfsStatus.OK);

        assertThat(again.sequence()).isEqualTo(lost.sequence());
        assertThat(statuses()).containsExactly(NfsStatus.OK);
    }

    @Test
    void a_client_without_a_backchannel_cannot_be_reached_and_is_told_so_until_it_binds_one() {
        TestPeer other = server.connect();
        TestSession there = TestSession.of(other, session.clientId, session.id, 1);
        peer.disconnect();

        send();

        assertThat(outcomes).first().isInstanceOf(CallbackOutcome.Unreachable.class);
        assertThat(flags(there)).isEqualTo(SequenceFlags.CB_PATH_DOWN_SESSION | SequenceFlags.CB_PATH_DOWN);
        bind(other);
        assertThat(flags(there)).isZero();
        send();
        other.answer(NfsStatus.OK);
        assertThat(outcomes).hasSize(2);
    }

    @Test
    void a_client_that_does_not_answer_in_time_loses_the_path() {
        send();
        server.loop.advance(PATIENCE.toSeconds() + 1, TimeUnit.SECONDS);
        server.loop.run();

        assertThat(outcomes).first().isInstanceOf(CallbackOutcome.Unreachable.class);
        assertThat(flags(session) & SequenceFlags.CB_PATH_DOWN_SESSION).isNotZero();
    }

    @Test
    void a_sequence_that_the_client_has_seen_is_passed_over() {
        send();
        TestPeer.Callback seen = peer.answer(NfsStatus.RETRY_UNCACHED_REP);
        TestPeer.Callback next = peer.answer(NfsStatus.OK);

        assertThat(next.sequence().sequence()).isEqualTo(seen.sequence().sequence() + 1);
        assertThat(statuses()).containsExactly(NfsStatus.OK);
    }

    @Test
    void a_cb_sequence_that_is_delayed_leaves_its_slot_as_it_was() {
        send();
        TestPeer.Callback early = peer.callbacks().removeFirst();
        peer.answer(early, NfsStatus.DELAY, List.of(new CbFailure(CbOpCode.CB_SEQUENCE, NfsStatus.DELAY)));
        send();

        assertThat(statuses()).containsExactly(NfsStatus.DELAY);
        assertThat(peer.answer(NfsStatus.OK).sequence().sequence()).isEqualTo(1);
    }

    @Test
    void a_client_that_refuses_cb_sequence_is_told_to_make_a_new_session() {
        send();
        TestPeer.Callback refused = peer.callbacks().removeFirst();
        peer.answer(
                refused,
                NfsStatus.SEQ_MISORDERED,
                List.of(new CbFailure(CbOpCode.CB_SEQUENCE, NfsStatus.SEQ_MISORDERED)));

        assertThat(outcomes).first().isInstanceOf(CallbackOutcome.Unreachable.class);
        assertThat(flags(session)).isEqualTo(SequenceFlags.BACKCHANNEL_FAULT);
    }

    @Test
    void the_call_that_granted_something_is_named_while_its_answer_may_be_on_its_way() {
        var latest = new SessionRef(session.clientId, session.id, 0, 1);

        callbacks.send(session.clientId, OPERATION, Optional.of(latest), outcomes::add);
        TestPeer.Callback early = peer.answer(NfsStatus.OK);
        session.run();
        callbacks.send(session.clientId, OPERATION, Optional.of(latest), outcomes::add);
        TestPeer.Callback late = peer.answer(NfsStatus.OK);

        assertThat(early.sequence().referring())
                .containsExactly(new ReferringCalls(session.id, List.of(new ReferringCall(1, 0))));
        assertThat(late.sequence().referring()).isEmpty();
    }

    @Test
    void a_session_is_destroyed_over_a_connection_of_its_own_and_callbacks_go_to_the_next() {
        TestPeer stranger = server.connect();

        Results refused = stranger.call(2, new DestroySessionArgs(session.id));
        Results destroyed = peer.call(2, new DestroySessionArgs(session.id));
        TestSession next = TestSession.of(
                peer, session.clientId, peer.call(2, TestSession.createSession(session.clientId, 2, TestSession.FORE)));
        send();

        assertThat(refused.status()).isEqualTo(NfsStatus.CONN_NOT_BOUND_TO_SESSION);
        assertThat(destroyed.status()).isEqualTo(NfsStatus.OK);
        assertThat(peer.answer(NfsStatus.OK).sequence().session()).isEqualTo(next.id);
    }

    private void send() {
        callbacks.send(session.clientId, OPERATION, Optional.empty(), outcomes::add);
        server.loop.run();
    }

    private void bind(TestPeer other) {
        assertThat(other.call(2, new BindConnToSessionArgs(session.id, BindDirection.FORE_OR_BOTH, false))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    private List<NfsStatus> statuses() {
        return outcomes.stream()
                .map(outcome -> ((CallbackOutcome.Answered) outcome).result().status())
                .toList();
    }

    private static int flags(TestSession on) {
        return ((SequenceResult) on.run().operations().getFirst()).statusFlags();
    }
}
