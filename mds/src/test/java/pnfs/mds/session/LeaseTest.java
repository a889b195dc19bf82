package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

class LeaseTest {
    private final TestServer server = new TestServer(table -> {});
    private final Holdings holdings = new Holdings();
    private final TestPeer peer = server.connect();
    private final TestSession session = TestSession.begin(peer, "owner");

    LeaseTest() {
        server.clients.addHolder(holdings);
    }

    @ParameterizedTest
    @EnumSource
    void every_state_can_reach_the_end(LeaseState state) {
        EnumSet<LeaseState> reached = EnumSet.of(state);
        for (int i = 0; i < LeaseState.values().length; i++) {
            EnumSet.copyOf(reached).forEach(from -> reached.addAll(from.successors()));
        }

        assertThat(reached).contains(LeaseState.RELEASED);
    }

    @Test
    void a_move_that_the_table_does_not_have_is_a_defect() {
        var client = new Client(1, Opaque.EMPTY, 1, new Principal(0, 0), 0);

        assertThatThrownBy(() -> client.become(LeaseState.COURTESY, "test"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("client 1: UNCONFIRMED -> COURTESY, test");
    }

    @Test
    void a_silent_client_keeps_what_nobody_wants_until_courtesy_is_over() {
        pass(TestServer.LEASE_SECONDS + 1);
        assertThat(session.run().status()).as("still there, and welcome back").isEqualTo(NfsStatus.OK);

        pass(TestServer.LEASE_SECONDS + 1);
        pass(TestServer.COURTESY_SECONDS);
        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(holdings.released).containsExactly(session.clientId);
    }

    @Test
    void sequence_renews_the_lease_and_its_errors_do_not() {
        server.loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);
        session.run();
        server.loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);
        assertThat(server.clients.releaseIfLapsed(session.clientId, server.loop.nowNanos()))
                .isFalse();

        server.loop.advance(2, TimeUnit.SECONDS);
        TestSession.of(peer, session.clientId, session.id, 99).run(); // BADSLOT
        assertThat(server.clients.releaseIfLapsed(session.clientId, server.loop.nowNanos()))
                .isTrue();
    }

    @Test
    void a_lapsed_client_goes_when_somebody_wants_what_it_holds() {
        pass(TestServer.LEASE_SECONDS + 1);

        assertThat(server.clients.releaseIfLapsed(session.clientId, server.loop.nowNanos()))
                .isTrue();

        assertThat(holdings.released).containsExactly(session.clientId);
        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThatThrownBy(() -> server.clients.checkLive(session.clientId)).hasMessageContaining("was released");
    }

    @Test
    void a_client_that_never_confirms_is_forgotten_after_a_lease() {
        var unconfirmed = TestSession.exchangeId(peer, "ghost", 1);

        pass(TestServer.LEASE_SECONDS + 1);

        assertThat(peer.call(2, TestSession.createSession(unconfirmed.clientId(), 1, TestSession.FORE))
                        .status())
                .isEqualTo(NfsStatus.STALE_CLIENTID);
    }

    private void pass(long seconds) {
        server.loop.advance(seconds, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
    }
}
