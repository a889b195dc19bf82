package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Owner.CHANNEL;
import static pnfs.it.conformance.Owner.channel;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// CREATE_SESSION, RFC 8881 §18.36: negotiation, confirmation, and its reply cache of one slot.
@ExtendWith(SuiteServer.class)
class CreateSessionTest {
    private static final OpArgs PUT_ROOT = new PutRootFhArgs();

    private final Suite suite;
    private final Peer peer;
    private final Owner owner;

    CreateSessionTest(Suite suite) {
        this.suite = suite;
        peer = suite.connect();
        owner = Owner.exchange(peer, suite.name(), 1);
    }

    @Test
    void a_session_may_be_made_through_another_of_the_same_or_of_another_client() {
        Session first = owner.createSession();
        Owner other = Owner.exchange(peer, suite.name(), 1);

        for (Owner whose : List.of(owner, other)) {
            List<OpResult> results = first.ok(whose.sessionArgs());

            whose.begin(Session.find(CreateSessionResult.class, results)).ok(PUT_ROOT);
        }
    }

    @Test
    void an_unknown_client_is_stale() {
        peer.expectAlone(
                NfsStatus.STALE_CLIENTID,
                new CreateSessionArgs(0x1234_5678_9abcL, 256, 0, CHANNEL, CHANNEL, 123, List.of()));
    }

    @Test
    void sequences_are_counted_from_what_exchange_id_said() {
        int first = owner.sequence;
        owner.sequence = first - 1;
        assertThat(owner.trySession(owner.sessionArgs()).status()).isEqualTo(NfsStatus.SEQ_MISORDERED);

        owner.sequence = first;
        Session session = owner.createSession();

        assertThat(session.created.sequence()).isEqualTo(first);
        owner.sequence = first + 2;
        assertThat(owner.trySession(owner.sessionArgs()).status()).isEqualTo(NfsStatus.SEQ_MISORDERED);
        owner.sequence = first - 1;
        assertThat(owner.trySession(owner.sessionArgs()).status()).isEqualTo(NfsStatus.SEQ_MISORDERED);
    }

    @Test
    void a_retry_gets_the_same_answer_with_and_without_a_sequence() {
        CreateSessionArgs create = owner.sessionArgs();
        OpResult answer = owner.trySession(create);
        assertThat(owner.trySession(create)).isEqualTo(answer);

        Session session = owner.begin((CreateSessionResult) answer);
        CreateSessionArgs second = owner.sessionArgs();
        OpResult secondAnswer = session.ok(second).getFirst();

        assertThat(owner.trySession(second)).isEqualTo(secondAnswer);
        assertThat(session.ok(second).getFirst()).isEqualTo(secondAnswer);
    }

    @Test
    void a_record_is_confirmed_by_the_principal_that_made_it() {
        CreateSessionArgs create = owner.sessionArgs();

        assertThat(peer.alone(Suite.OTHER, create).status()).isEqualTo(NfsStatus.CLID_INUSE);
        assertThat(peer.alone(Suite.OTHER, create).status()).isEqualTo(NfsStatus.CLID_INUSE);
    }

    @Test
    void a_retry_by_another_principal_after_confirmation_is_answered() {
        CreateSessionArgs create = owner.sessionArgs();
        OpResult answer = owner.trySession(create);

        assertThat(peer.alone(Suite.OTHER, create)).isEqualTo(answer);
    }

    @Test
    void flags_without_a_meaning_are_invalid() {
        assertThat(owner.trySession(owner.sessionArgs(0xf, CHANNEL, CHANNEL)).status())
                .isEqualTo(NfsStatus.INVAL);
    }

    @Test
    void callback_credentials_of_every_kind_are_read() {
        var none = new CallbackSecurity.None();
        var gss = new CallbackSecurity.Gss(3, Opaque.ofUtf8("Handle from server"), Opaque.ofUtf8("Client handle"));
        var sys = new CallbackSecurity.Sys(5, "Random machine name", 7, 11, List.of(13, 17, 19, 23, 29));
        var alone = new CallbackSecurity.Sys(5, "Random machine name", 7, 11, List.of());

        for (List<CallbackSecurity> offered :
                List.<List<CallbackSecurity>>of(List.of(none, sys, gss), List.of(none, gss, alone))) {
            owner.createSession(new CreateSessionArgs(
                    owner.clientId,
                    owner.sequence,
                    CreateSessionFlags.CONN_BACK_CHAN,
                    CHANNEL,
                    CHANNEL,
                    Callbacks.PROGRAM,
                    offered));
        }
    }

    @Test
    void an_rdma_read_depth_is_ignored_but_there_is_one_at_most() {
        var rdma = new ChannelAttributes(0, 8192, 8192, 8192, 128, 8, Optional.of(57));
        owner.createSession(owner.sessionArgs(CreateSessionFlags.CONN_BACK_CHAN, rdma, rdma));

        assertThat(peer.refusesToDecode(withTwoRdmaDepths())).isTrue();
    }

    private byte[] withTwoRdmaDepths() {
        var out = new XdrWriter();
        out.writeOpaque(Opaque.EMPTY);
        out.writeUint32(1);
        out.writeUint32(1);
        out.writeUint32(43);
        out.writeUint64(owner.clientId);
        out.writeUint32(owner.sequence);
        out.writeUint32(0);
        for (int channel = 0; channel < 2; channel++) {
            for (int value : new int[] {0, 8192, 8192, 8192, 128, 8, 2, 13, 57}) {
                out.writeUint32(value);
            }
        }
        out.writeUint32(123);
        out.writeUint32(0);
        return out.toByteArray();
    }

    @Test
    void more_slots_than_the_server_wants_are_cut() {
        Session session = owner.createSession(channel(8192, 8192, 8192, 128, 500));

        assertThat(session.created.fore().maxRequests()).isLessThan(500);
    }

    @Test
    void without_a_session_it_is_the_only_operation() {
        assertThat(peer.call(owner.sessionArgs(), PUT_ROOT).status()).isEqualTo(NfsStatus.NOT_ONLY_OP);
    }

    @Test
    void a_channel_that_can_carry_nothing_is_too_small() {
        for (ChannelAttributes fore : List.of(channel(8192, 0, 8192, 128, 8), channel(20, 8192, 8192, 128, 8))) {
            assertThat(owner.trySession(owner.sessionArgs(0, fore, CHANNEL)).status())
                    .isEqualTo(NfsStatus.TOOSMALL);
        }
    }

    @Test
    void a_refused_negotiation_uses_up_neither_sequence_nor_memory() {
        Session session = owner.createSession();
        var useless = channel(10, 8192, 8192, 128, 1);
        for (int i = 0; i < 1000; i++) {
            session.expect(NfsStatus.TOOSMALL, owner.sessionArgs(0, CHANNEL, useless));
        }

        owner.createSession(owner.sessionArgs(0, CHANNEL, CHANNEL));
    }

    @Test
    void a_reply_over_what_was_negotiated_is_too_big() {
        Session session = owner.createSession(channel(400, 400, 400, 128, 8));
        session.ok(new ReclaimCompleteArgs(false));
        var getAttr = new GetAttrArgs(
                Bitmap.of(Attribute.SUPPORTED_ATTRS, Attribute.TYPE, Attribute.FSID, Attribute.FILEHANDLE));

        session.expect(NfsStatus.REP_TOO_BIG, PUT_ROOT, getAttr, getAttr, getAttr, getAttr, getAttr, getAttr, getAttr);
    }

    @Test
    void a_reply_that_cannot_be_kept_is_too_big_to_cache() {
        Session session = owner.createSession(channel(8192, 8192, 10, 128, 8));

        assertThat(peer.alone(Suite.ROOT, new SequenceArgs(session.id, 1, 0, 0, true))
                        .status())
                .isEqualTo(NfsStatus.REP_TOO_BIG_TO_CACHE);
    }

    @Test
    void a_client_may_have_several_sessions_and_lose_one() {
        Session first = owner.createSession();
        first.ok();
        Session second = owner.createSession();
        second.ok();

        peer.expectAlone(NfsStatus.OK, new OpArgs.DestroySessionArgs(first.id));

        second.ok();
    }

    @Test
    void many_clients_are_welcome() {
        for (int i = 0; i < 10; i++) {
            Owner.exchange(peer, suite.name(), 1).createSession().ok();
        }
    }
}
