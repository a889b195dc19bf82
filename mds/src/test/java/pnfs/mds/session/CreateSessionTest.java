package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.BoundDirection;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BackchannelCtlArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpResult.BindConnToSessionResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// RFC 8881 §18.36: the sequence of CREATE_SESSION, negotiation, and the connections of a session.
class CreateSessionTest {
    private final TestServer server = new TestServer(table -> {});
    private final TestPeer peer = server.connect();
    private final ExchangeIdResult client = TestSession.exchangeId(peer, "owner", 1);

    @Test
    void a_retry_gets_the_same_session() {
        int first = peer.send(2, create(1));
        int retry = peer.send(2, create(1));

        assertThat(peer.bytes(retry)).isEqualTo(peer.bytes(first));
        assertThat(status(create(2))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_channel_that_cannot_carry_anything_uses_up_no_sequence() {
        CreateSessionArgs small = args(1, 0, new ChannelAttributes(0, 16, 16, 0, 1, 1, Optional.empty()));

        assertThat(status(small)).isEqualTo(NfsStatus.TOOSMALL);
        assertThat(status(create(1))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_sequence_that_is_neither_the_last_nor_the_next_is_misordered() {
        assertThat(status(create(0))).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(status(create(2))).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(status(create(1))).isEqualTo(NfsStatus.OK);
        assertThat(status(create(3))).isEqualTo(NfsStatus.SEQ_MISORDERED);
    }

    @Test
    void a_client_id_that_was_not_given_out_is_stale() {
        assertThat(status(TestSession.createSession(12345, 1, TestSession.FORE)))
                .isEqualTo(NfsStatus.STALE_CLIENTID);
    }

    @Test
    void another_principal_does_not_create_sessions_of_this_client() {
        peer.as(new RpcCredential.None());

        assertThat(status(create(1))).isEqualTo(NfsStatus.CLID_INUSE);
    }

    @Test
    void flags_that_do_not_exist_are_invalid() {
        assertThat(status(args(1, 0x8, TestSession.FORE))).isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void more_sessions_than_the_limit_find_no_space() {
        for (int i = 1; i <= TestServer.LIMITS.sessionsPerClient(); i++) {
            assertThat(status(create(i))).isEqualTo(NfsStatus.OK);
        }

        assertThat(status(create(TestServer.LIMITS.sessionsPerClient() + 1))).isEqualTo(NfsStatus.NOSPC);
    }

    @Test
    void the_fore_channel_is_lowered_to_the_limits_and_the_back_channel_stays() {
        CreateSessionResult created = created(args(
                1,
                CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN | CreateSessionFlags.CONN_RDMA,
                new ChannelAttributes(64, 1 << 30, 1 << 30, 1 << 30, 1000, 1000, Optional.of(3))));

        assertThat(created.fore())
                .isEqualTo(new ChannelAttributes(
                        0,
                        TestServer.LIMITS.messageBytes(),
                        TestServer.LIMITS.messageBytes(),
                        TestServer.LIMITS.cachedReplyBytes(),
                        TestServer.LIMITS.operations(),
                        TestServer.LIMITS.slots(),
                        Optional.empty()));
        assertThat(created.back()).isEqualTo(TestSession.BACK);
        assertThat(created.flags()).isEqualTo(CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN);
        assertThat(created.sequence()).isEqualTo(1);
    }

    @Test
    void what_the_client_asks_less_of_it_gets_less_of() {
        var modest = new ChannelAttributes(0, 2000, 3000, 100, 4, 2, Optional.empty());

        assertThat(created(args(1, 0, modest)).fore()).isEqualTo(modest);
    }

    @Test
    void a_backchannel_that_cannot_carry_a_recall_is_too_small() {
        var useless = new CreateSessionArgs(
                client.clientId(),
                1,
                CreateSessionFlags.CONN_BACK_CHAN,
                TestSession.FORE,
                new ChannelAttributes(0, 4096, 4096, 0, 1, 1, Optional.empty()),
                1,
                List.of());

        assertThat(status(useless)).isEqualTo(NfsStatus.TOOSMALL);
    }

    @Test
    void a_session_says_when_its_backchannel_is_gone_and_takes_another() {
        CreateSessionResult created = created(create(1));
        var sessionId = created.session();
        TestPeer other = server.connect();
        TestSession elsewhere = TestSession.of(other, client.clientId(), sessionId, 0);
        assertThat(flags(elsewhere)).isZero();

        peer.disconnect();
        assertThat(flags(elsewhere)).isEqualTo(SequenceFlags.CB_PATH_DOWN_SESSION | SequenceFlags.CB_PATH_DOWN);

        Results bound = other.call(2, new BindConnToSessionArgs(sessionId, BindDirection.FORE_OR_BOTH, true));
        assertThat(bound.operations())
                .containsExactly(new BindConnToSessionResult(sessionId, BoundDirection.BOTH, false));
        assertThat(flags(elsewhere)).isZero();
    }

    @Test
    void each_direction_is_bound_as_asked() {
        var sessionId = created(create(1)).session();

        assertThat(bound(sessionId, BindDirection.FORE)).isEqualTo(BoundDirection.FORE);
        assertThat(bound(sessionId, BindDirection.BACK)).isEqualTo(BoundDirection.BACK);
        assertThat(bound(sessionId, BindDirection.BACK_OR_BOTH)).isEqualTo(BoundDirection.BOTH);
        assertThat(status(new BindConnToSessionArgs(Opaque.of(new byte[16]), BindDirection.FORE, false)))
                .isEqualTo(NfsStatus.BADSESSION);
    }

    @Test
    void callbacks_may_be_addressed_anew() {
        TestSession session = TestSession.of(peer, client.clientId(), peer.call(2, create(1)));

        assertThat(session.run(new BackchannelCtlArgs(99, List.of())).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_session_is_destroyed_once() {
        var destroy = new DestroySessionArgs(created(create(1)).session());

        assertThat(status(destroy)).isEqualTo(NfsStatus.OK);
        assertThat(status(destroy)).isEqualTo(NfsStatus.BADSESSION);
    }

    private BoundDirection bound(Opaque sessionId, BindDirection direction) {
        Results results = peer.call(2, new BindConnToSessionArgs(sessionId, direction, false));
        return ((BindConnToSessionResult) results.operations().getFirst()).direction();
    }

    private static int flags(TestSession session) {
        return ((SequenceResult) session.run().operations().getFirst()).statusFlags();
    }

    private CreateSessionArgs create(int sequence) {
        return TestSession.createSession(client.clientId(), sequence, TestSession.FORE);
    }

    private CreateSessionArgs args(int sequence, int flags, ChannelAttributes fore) {
        return new CreateSessionArgs(client.clientId(), sequence, flags, fore, TestSession.BACK, 1, List.of());
    }

    private CreateSessionResult created(CreateSessionArgs args) {
        return (CreateSessionResult) peer.call(2, args).operations().getFirst();
    }

    private NfsStatus status(OpArgs args) {
        return peer.call(2, args).status();
    }
}
