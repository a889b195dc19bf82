package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.Stateid;

/// A server process that is killed and started again goes on with its clients: `docs/decisions/0010`. In these
/// tests LOOKUPP takes new state, and CLOSE takes old state back.
class ReconnectTest {
    private MemoryEngine engine = MemoryEngine.committing();
    private String machine = "first";
    private TestServer server = start();

    private TestServer start() {
        var started = new TestServer[1];
        TestServer.Rooms rooms = (_, table) -> {
            register(table, started);
            return TestServer.ROOT;
        };
        started[0] = new TestServer(engine, new ManualLoop(), rooms, machine);
        return started[0];
    }

    private static void register(OpTable table, TestServer[] server) {
        table.register(OpCode.LOOKUPP, LookuppArgs.class, (_, state) -> {
                    server[0].clients.grace().requireOver(state);
                    return new OpSuccess(OpCode.LOOKUPP);
                })
                .register(OpCode.CLOSE, CloseArgs.class, (_, state) -> {
                    server[0].clients.grace().requireReclaim(state);
                    return new OpSuccess(OpCode.LOOKUPP);
                });
    }

    private void kill() {
        engine = engine.crash();
        server = start();
    }

    private void loseMachine(String next) {
        machine = next;
        kill();
    }

    @Test
    void a_client_goes_on_under_its_id_and_there_is_no_grace() {
        TestSession before = TestSession.begin(server.connect(), "client");
        kill();

        TestSession after = session(before.clientId, 7);

        assertThat(take(after)).isEqualTo(NfsStatus.OK);
        assertThat(take(TestSession.begin(server.connect(), "other"))).isEqualTo(NfsStatus.OK);
        assertThat(TestSession.confirm(server.connect(), "other than these", 1).clientId)
                .isNotEqualTo(before.clientId);
    }

    @Test
    void a_client_that_had_not_said_that_it_is_done_goes_on_and_says_so_then() {
        TestSession before = TestSession.confirm(server.connect(), "client", 1);
        kill();

        TestSession after = session(before.clientId, 7);

        assertThat(take(after)).isEqualTo(NfsStatus.GRACE);
        assertThat(after.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
        assertThat(take(after)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_that_had_not_said_that_it_is_done_has_nothing_to_take_back_after_the_loss_of_a_machine() {
        TestSession before = TestSession.confirm(server.connect(), "client", 1);
        loseMachine("second");

        assertThat(create(before.clientId, 2).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
        assertThat(server.clients.grace().isOver(server.loop.nowNanos())).isTrue();
    }

    @Test
    void the_sequence_of_sessions_is_strict_again_after_the_first() {
        TestSession before = TestSession.begin(server.connect(), "client");
        kill();
        session(before.clientId, 7);

        assertThat(create(before.clientId, 9).status()).isEqualTo(NfsStatus.SEQ_MISORDERED);
        assertThat(create(before.clientId, 8).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_that_rebooted_meanwhile_replaces_the_one_that_was() {
        TestSession before = TestSession.begin(server.connect(), "client");
        kill();

        TestSession rebooted = TestSession.confirm(server.connect(), "client", 2);

        assertThat(rebooted.clientId).isNotEqualTo(before.clientId);
        assertThat(create(before.clientId, 2).status()).isEqualTo(NfsStatus.STALE_CLIENTID);
    }

    @Test
    void a_client_that_does_not_come_back_has_a_lease_and_courtesy_from_the_start_on() {
        TestSession before = TestSession.begin(server.connect(), "client");
        kill();

        server.loop.advance(TestServer.LEASE_SECONDS + TestServer.COURTESY_SECONDS - 1, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
        server.clients.tick(server.loop.nowNanos());
        assertThat(server.clients.isLive(before.clientId)).isTrue();
        server.loop.advance(2, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
        assertThat(server.clients.isLive(before.clientId)).isFalse();
    }

    @Test
    void a_kill_in_grace_after_the_loss_of_a_machine_leaves_everybody_where_they_were() {
        TestSession.begin(server.connect(), "done");
        TestSession.begin(server.connect(), "reclaiming");
        TestSession.begin(server.connect(), "missing");
        loseMachine("second");
        TestSession done = TestSession.begin(server.connect(), "done");
        TestSession reclaiming = TestSession.confirm(server.connect(), "reclaiming", 1);
        assertThat(reclaim(reclaiming)).isEqualTo(NfsStatus.OK);

        kill();
        TestSession doneAgain = session(done.clientId, 2);
        TestSession reclaimingAgain = session(reclaiming.clientId, 2);

        assertThat(take(doneAgain)).isEqualTo(NfsStatus.GRACE);
        assertThat(reclaim(doneAgain)).isEqualTo(NfsStatus.NO_GRACE);
        assertThat(reclaim(reclaimingAgain)).isEqualTo(NfsStatus.OK);
        assertThat(reclaim(TestSession.confirm(server.connect(), "missing", 1))).isEqualTo(NfsStatus.OK);
        reclaimingAgain.run(new ReclaimCompleteArgs(false));
        assertThat(take(doneAgain)).isEqualTo(NfsStatus.GRACE);
        server.loop.advance(TestServer.LEASE_SECONDS, TimeUnit.SECONDS);
        assertThat(take(doneAgain)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void who_was_too_late_for_grace_is_not_waited_for_after_a_kill() {
        TestSession.begin(server.connect(), "late");
        TestSession.begin(server.connect(), "missing");
        loseMachine("second");
        TestSession.confirm(server.connect(), "late", 1);
        server.loop.advance(TestServer.LEASE_SECONDS, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());

        kill();

        assertThat(server.clients.grace().isOver(server.loop.nowNanos())).isTrue();
    }

    private Results create(long clientId, int sequence) {
        return server.connect().call(2, TestSession.createSession(clientId, sequence, TestSession.FORE));
    }

    private TestSession session(long clientId, int sequence) {
        TestPeer peer = server.connect();
        Results created = peer.call(2, TestSession.createSession(clientId, sequence, TestSession.FORE));
        return TestSession.of(peer, clientId, created);
    }

    private static NfsStatus take(TestSession session) {
        return session.run(new PutRootFhArgs(), new LookuppArgs()).status();
    }

    private static NfsStatus reclaim(TestSession session) {
        return session.run(new PutRootFhArgs(), new CloseArgs(0, Stateid.ANONYMOUS))
                .status();
    }
}
