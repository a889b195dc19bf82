package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static pnfs.it.conformance.Tree.PUT_ROOT;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;

/// DESTROY_SESSION and DESTROY_CLIENTID, RFC 8881 §18.37 and §18.50.
@ExtendWith(SuiteServer.class)
class DestroyTest {
    private final Suite suite;
    private final Peer peer;

    DestroyTest(Suite suite) {
        this.suite = suite;
        peer = suite.connect();
    }

    private Owner owner() {
        return Owner.exchange(peer, suite.name(), 1);
    }

    @Test
    void destroying_a_session_is_the_last_thing_it_is_used_for() {
        Session session = owner().createSession();

        session.expect(NfsStatus.NOT_ONLY_OP, new DestroySessionArgs(session.id), PUT_ROOT);
        assertThat(peer.call(new DestroySessionArgs(session.id), PUT_ROOT).status())
                .isEqualTo(NfsStatus.NOT_ONLY_OP);
        session.ok(new DestroySessionArgs(session.id));
        peer.expectAlone(NfsStatus.BADSESSION, new DestroySessionArgs(session.id));
    }

    @Test
    void a_client_that_was_never_confirmed_is_destroyed_with_and_without_a_session() {
        Session session = owner().createSession();

        peer.expectAlone(NfsStatus.OK, new DestroyClientidArgs(owner().clientId));
        session.ok(new DestroyClientidArgs(owner().clientId));
    }

    @Test
    void an_unknown_client_is_stale() {
        Session session = owner().createSession();
        long destroyed = owner().clientId;
        peer.expectAlone(NfsStatus.OK, new DestroyClientidArgs(destroyed));

        peer.expectAlone(NfsStatus.STALE_CLIENTID, new DestroyClientidArgs(destroyed));
        peer.expectAlone(NfsStatus.STALE_CLIENTID, new DestroyClientidArgs(0));
        session.expect(NfsStatus.STALE_CLIENTID, new DestroyClientidArgs(0));
    }

    @Test
    void a_client_with_a_session_is_busy() {
        Session session = owner().createSession();

        session.expect(NfsStatus.CLIENTID_BUSY, new DestroyClientidArgs(session.clientId));
        peer.expectAlone(NfsStatus.CLIENTID_BUSY, new DestroyClientidArgs(session.clientId));
    }

    @Test
    void without_a_session_it_is_the_only_operation() {
        assertThat(peer.call(new DestroyClientidArgs(0), new ReclaimCompleteArgs(true))
                        .status())
                .isEqualTo(NfsStatus.NOT_ONLY_OP);
    }
}
