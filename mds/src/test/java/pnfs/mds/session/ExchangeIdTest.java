package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// The cases of RFC 8881 §18.35.4, in its order.
class ExchangeIdTest {
    private static final RpcCredential OTHER = new RpcCredential.Sys(0, "test", 77, 77, List.of());
    private static final int UPDATE = ExchangeIdFlags.UPDATE_CONFIRMED;

    private final TestServer server = new TestServer(table -> {});
    private final Holdings holdings = new Holdings();
    private final TestPeer peer = server.connect();

    ExchangeIdTest() {
        server.clients.addHolder(holdings);
    }

    @Test
    void case_1_a_new_owner_gets_a_new_unconfirmed_record() {
        ExchangeIdResult known = TestSession.exchangeId(peer, "owner", 1);

        assertThat(known.flags()).isEqualTo(ExchangeIdFlags.USE_PNFS_MDS);
        assertThat(known.sequence()).isEqualTo(1);
        assertThat(known.serverOwner().majorId()).isEqualTo(known.serverScope());
        assertThat(TestSession.exchangeId(peer, "another", 1).clientId()).isNotEqualTo(known.clientId());
    }

    @Test
    void case_2_the_same_again_finds_the_confirmed_record() {
        TestSession session = TestSession.begin(peer, "owner");

        ExchangeIdResult again = TestSession.exchangeId(peer, "owner", 1);

        assertThat(again.clientId()).isEqualTo(session.clientId);
        assertThat(again.flags()).isEqualTo(ExchangeIdFlags.USE_PNFS_MDS | ExchangeIdFlags.CONFIRMED);
        assertThat(session.run().status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void case_3_another_principal_is_refused_while_the_owner_holds_state() {
        TestSession session = TestSession.begin(peer, "owner");
        holdings.holding.add(session.clientId);

        assertThat(refusal(server.connect().as(OTHER), TestSession.exchangeIdArgs("owner", 1, 0)))
                .isEqualTo(NfsStatus.CLID_INUSE);
        assertThat(session.run().status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void case_3_another_principal_takes_over_where_no_state_is_held() {
        TestSession session = TestSession.begin(peer, "owner");

        ExchangeIdResult taken = TestSession.exchangeId(server.connect().as(OTHER), "owner", 1);

        assertThat(taken.clientId()).isNotEqualTo(session.clientId);
        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(holdings.released).containsExactly(session.clientId);
    }

    @Test
    void case_3_another_principal_takes_over_where_the_lease_is_over() {
        TestSession session = TestSession.begin(peer, "owner");
        holdings.holding.add(session.clientId);
        server.loop.advance(TestServer.LEASE_SECONDS + 1, TimeUnit.SECONDS);

        TestSession.exchangeId(server.connect().as(OTHER), "owner", 1);

        assertThat(holdings.released).containsExactly(session.clientId);
    }

    @Test
    void case_4_an_unconfirmed_record_is_replaced_by_one_with_a_new_id() {
        ExchangeIdResult first = TestSession.exchangeId(peer, "owner", 1);

        ExchangeIdResult second = TestSession.exchangeId(peer, "owner", 1);

        assertThat(second.clientId()).isNotEqualTo(first.clientId());
        assertThat(peer.call(2, TestSession.createSession(first.clientId(), 1, TestSession.FORE))
                        .status())
                .isEqualTo(NfsStatus.STALE_CLIENTID);
        assertThat(peer.call(2, TestSession.createSession(second.clientId(), 1, TestSession.FORE))
                        .status())
                .isEqualTo(NfsStatus.OK);
    }

    @Test
    void case_5_a_rebooted_client_keeps_its_old_record_until_the_new_one_is_confirmed() {
        TestSession session = TestSession.begin(peer, "owner");
        holdings.holding.add(session.clientId);

        ExchangeIdResult rebooted = TestSession.exchangeId(peer, "owner", 2);

        assertThat(rebooted.clientId()).isNotEqualTo(session.clientId);
        assertThat(rebooted.flags()).isEqualTo(ExchangeIdFlags.USE_PNFS_MDS);
        assertThat(session.run().status()).isEqualTo(NfsStatus.OK);
        assertThat(holdings.released).isEmpty();

        peer.call(2, TestSession.createSession(rebooted.clientId(), rebooted.sequence(), TestSession.FORE));

        assertThat(session.run().status()).isEqualTo(NfsStatus.BADSESSION);
        assertThat(holdings.released).containsExactly(session.clientId);
    }

    @Test
    void case_6_an_update_of_a_confirmed_record_finds_it() {
        TestSession session = TestSession.begin(peer, "owner");

        Results updated = peer.call(2, TestSession.exchangeIdArgs("owner", 1, UPDATE));

        assertThat(((ExchangeIdResult) updated.operations().getFirst()).clientId())
                .isEqualTo(session.clientId);
    }

    @Test
    void case_7_an_update_of_nothing_confirmed_finds_nothing() {
        assertThat(refusal(peer, TestSession.exchangeIdArgs("owner", 1, UPDATE)))
                .isEqualTo(NfsStatus.NOENT);
        TestSession.exchangeId(peer, "owner", 1);
        assertThat(refusal(peer, TestSession.exchangeIdArgs("owner", 1, UPDATE)))
                .isEqualTo(NfsStatus.NOENT);
    }

    @Test
    void case_8_an_update_with_another_verifier_is_not_the_same() {
        TestSession.begin(peer, "owner");

        assertThat(refusal(peer, TestSession.exchangeIdArgs("owner", 2, UPDATE)))
                .isEqualTo(NfsStatus.NOT_SAME);
    }

    @Test
    void case_9_an_update_by_another_principal_is_not_permitted() {
        TestSession.begin(peer, "owner");

        assertThat(refusal(server.connect().as(OTHER), TestSession.exchangeIdArgs("owner", 1, UPDATE)))
                .isEqualTo(NfsStatus.PERM);
    }

    @Test
    void unknown_flags_and_state_protection_are_refused() {
        assertThat(refusal(peer, TestSession.exchangeIdArgs("owner", 1, 0x8))).isEqualTo(NfsStatus.INVAL);
        assertThat(refusal(peer, TestSession.exchangeIdArgs("owner", 1, ExchangeIdFlags.CONFIRMED)))
                .isEqualTo(NfsStatus.INVAL);
        assertThat(refusal(peer, protectedBy(new StateProtection.MachineCredential(Bitmap.EMPTY, Bitmap.EMPTY))))
                .isEqualTo(NfsStatus.INVAL);
        assertThat(refusal(
                        peer,
                        protectedBy(new StateProtection.Ssv(Bitmap.EMPTY, Bitmap.EMPTY, List.of(), List.of(), 1, 1))))
                .isEqualTo(NfsStatus.ENCR_ALG_UNSUPP);
    }

    @Test
    void more_clients_than_the_limit_are_told_to_wait() {
        for (int i = 0; i < TestServer.LIMITS.clients(); i++) {
            TestSession.exchangeId(peer, "owner " + i, 1);
        }

        assertThat(refusal(peer, TestSession.exchangeIdArgs("one more", 1, 0))).isEqualTo(NfsStatus.DELAY);
        server.loop.advance(TestServer.LEASE_SECONDS + 1, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
        TestSession.exchangeId(peer, "one more", 1);
    }

    @Test
    void owner_and_scope_stay_over_a_restart_and_client_ids_do_not() {
        var engine = MemoryEngine.committing();
        ExchangeIdResult before =
                TestSession.exchangeId(new TestServer(engine, new ManualLoop(), table -> {}).connect(), "owner", 1);

        ExchangeIdResult after = TestSession.exchangeId(
                new TestServer(engine.crash(), new ManualLoop(), table -> {}).connect(), "owner", 1);

        assertThat(after.serverOwner()).isEqualTo(before.serverOwner());
        assertThat(after.serverScope()).isEqualTo(before.serverScope());
        assertThat(after.clientId()).isNotEqualTo(before.clientId());
    }

    @Test
    void a_client_is_destroyed_when_it_has_neither_sessions_nor_state() {
        TestSession session = TestSession.begin(peer, "owner");
        var destroy = new DestroyClientidArgs(session.clientId);
        holdings.holding.add(session.clientId);

        assertThat(peer.call(2, destroy).status()).isEqualTo(NfsStatus.CLIENTID_BUSY);
        peer.call(2, new DestroySessionArgs(session.id));
        assertThat(peer.call(2, destroy).status()).isEqualTo(NfsStatus.CLIENTID_BUSY);
        holdings.holding.clear();
        assertThat(peer.call(2, destroy).status()).isEqualTo(NfsStatus.OK);
        assertThat(peer.call(2, destroy).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
    }

    @Test
    void reclaim_is_completed_once() {
        TestSession session = TestSession.begin(peer, "owner");

        assertThat(session.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.COMPLETE_ALREADY);
        assertThat(session.run(new ReclaimCompleteArgs(true)).status()).isEqualTo(NfsStatus.NOFILEHANDLE);
    }

    private static ExchangeIdArgs protectedBy(StateProtection protection) {
        return new ExchangeIdArgs(1, Opaque.ofUtf8("owner"), 0, protection, Optional.empty());
    }

    private static NfsStatus refusal(TestPeer peer, ExchangeIdArgs args) {
        return peer.call(2, args).status();
    }
}
