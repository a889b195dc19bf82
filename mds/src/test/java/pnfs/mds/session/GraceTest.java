package pnfs.mds.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.LookuppArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.Stateid;

/// RFC 8881 §8.4. In these tests LOOKUPP takes new state, and CLOSE takes old state back.
class GraceTest {
    private MemoryEngine engine = MemoryEngine.committing();
    private TestServer server = start();

    private TestServer start() {
        var started = new TestServer[1];
        started[0] = new TestServer(engine, new ManualLoop(), table -> register(table, started));
        return started[0];
    }

    private static void register(OpTable table, TestServer[] server) {
        table.register(OpCode.LOOKUPP, LookuppArgs.class, (args, state) -> {
                    server[0].clients.grace().requireOver(state);
                    return new OpSuccess(OpCode.LOOKUPP);
                })
                .register(OpCode.CLOSE, CloseArgs.class, (args, state) -> {
                    server[0].clients.grace().requireReclaim(state);
                    var batch = new Batch();
                    batch.put(new byte[] {'z'}, new byte[0]);
                    server[0].store.append(batch);
                    return new OpSuccess(OpCode.LOOKUPP);
                });
    }

    private void restart() {
        engine = engine.crash();
        server = start();
    }

    @Test
    void there_is_no_grace_where_nobody_could_have_held_state() {
        TestSession.confirm(server.connect(), "idle", 1);

        restart();

        assertThat(server.clients.grace().isOver(server.loop.nowNanos())).isTrue();
        assertThat(take(TestSession.begin(server.connect(), "other"))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void who_held_state_reclaims_and_others_wait() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        TestSession holder = TestSession.confirm(server.connect(), "holder", 1);
        TestSession other = TestSession.begin(server.connect(), "other");

        assertThat(take(other)).isEqualTo(NfsStatus.GRACE);
        assertThat(take(holder)).isEqualTo(NfsStatus.GRACE);
        assertThat(reclaim(TestSession.confirm(server.connect(), "new", 1))).isEqualTo(NfsStatus.RECLAIM_BAD);
        assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);

        holder.run(new ReclaimCompleteArgs(false));
        assertThat(take(other)).as("all are back: grace is over early").isEqualTo(NfsStatus.OK);
        assertThat(take(holder)).isEqualTo(NfsStatus.OK);
        assertThat(reclaim(holder)).isEqualTo(NfsStatus.NO_GRACE);
    }

    @Test
    void grace_ends_after_a_lease_and_who_did_not_come_is_forgotten() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        TestSession other = TestSession.begin(server.connect(), "other");

        server.loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);
        assertThat(take(other)).isEqualTo(NfsStatus.GRACE);
        server.loop.advance(1, TimeUnit.SECONDS);
        assertThat(take(other)).isEqualTo(NfsStatus.OK);
        server.clients.tick(server.loop.nowNanos());

        // A second restart must not let the lost holder take back what others have had meanwhile.
        restart();
        assertThat(reclaim(TestSession.confirm(server.connect(), "holder", 1))).isEqualTo(NfsStatus.RECLAIM_BAD);
    }

    /// A start may have to wait for a slow disk for longer than a lease.
    @Test
    void grace_and_leases_begin_when_clients_can_come() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        server.loop.advance(2 * TestServer.LEASE_SECONDS, TimeUnit.SECONDS);
        server.clients.serve(server.loop.nowNanos());

        TestSession holder = TestSession.confirm(server.connect(), "holder", 1);

        assertThat(reclaim(holder)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void who_completed_its_reclaim_is_waited_for_though_it_held_nothing() {
        TestSession.begin(server.connect(), "idle");
        restart();
        TestSession other = TestSession.begin(server.connect(), "other");

        assertThat(take(other)).isEqualTo(NfsStatus.GRACE);
        TestSession.begin(server.connect(), "idle");
        assertThat(take(other)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void grace_goes_on_while_a_late_client_reclaims_but_not_for_ever() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        TestSession other = TestSession.begin(server.connect(), "other");
        TestSession late = TestSession.confirm(server.connect(), "holder", 1);

        int reclaims = 0;
        server.loop.advance(TestServer.LEASE_SECONDS - 2, TimeUnit.SECONDS);
        while (reclaim(late) == NfsStatus.OK) {
            assertThat(take(other)).isEqualTo(NfsStatus.GRACE);
            reclaims++;
            server.loop.advance(4, TimeUnit.SECONDS);
            server.clients.tick(server.loop.nowNanos());
        }

        assertThat(reclaims * 4L).isBetween(TestServer.LEASE_SECONDS, TestServer.LEASE_SECONDS + 8);
        assertThat(reclaim(late)).isEqualTo(NfsStatus.NO_GRACE);
        assertThat(take(other)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void grace_goes_on_for_a_client_whose_reclaim_waits_for_the_disk() {
        engine = new MemoryEngine();
        server = start();
        complete(confirmByHand("holder"));
        restart();
        TestSession other = confirmByHand("other");
        complete(other);
        TestSession late = confirmByHand("holder");
        server.loop.advance(TestServer.LEASE_SECONDS - 1, TimeUnit.SECONDS);

        int waiting = late.send(false, new PutRootFhArgs(), new CloseArgs(0, Stateid.ANONYMOUS));
        for (int second = 0; second < 10; second++) {
            server.clients.tick(server.loop.nowNanos());
            server.loop.advance(1, TimeUnit.SECONDS);
        }
        assertThat(late.peer.isAnswered(waiting)).isFalse();
        engine.commitAll();
        server.loop.advance(3, TimeUnit.SECONDS);
        server.clients.tick(server.loop.nowNanos());
        int next = late.send(false, new PutRootFhArgs(), new CloseArgs(0, Stateid.ANONYMOUS));
        engine.commitAll();

        assertThat(late.peer.results(waiting).status()).isEqualTo(NfsStatus.OK);
        assertThat(late.peer.results(next).status()).isEqualTo(NfsStatus.OK);
        server.loop.advance(6, TimeUnit.SECONDS);
        int taken = other.send(false, new PutRootFhArgs(), new LookuppArgs());
        engine.commitAll();
        assertThat(other.peer.results(taken).status())
                .as("nobody reclaims any more")
                .isEqualTo(NfsStatus.OK);
    }

    private TestSession confirmByHand(String owner) {
        TestPeer peer = server.connect();
        var known = TestSession.exchangeId(peer, owner, 1);
        int created = peer.send(2, TestSession.createSession(known.clientId(), known.sequence(), TestSession.FORE));
        engine.commitAll();
        return TestSession.of(peer, known.clientId(), peer.results(created));
    }

    private void complete(TestSession session) {
        int complete = session.send(false, new ReclaimCompleteArgs(false));
        engine.commitAll();
        assertThat(session.peer.results(complete).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_that_rebooted_meanwhile_reclaims_nothing_and_does_not_hold_up_grace() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        TestSession other = TestSession.begin(server.connect(), "other");

        TestSession rebooted = TestSession.confirm(server.connect(), "holder", 2);

        assertThat(reclaim(rebooted)).isEqualTo(NfsStatus.NO_GRACE);
        assertThat(take(other)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_that_is_destroyed_does_not_hold_up_grace() {
        take(TestSession.begin(server.connect(), "holder"));
        restart();
        TestSession other = TestSession.begin(server.connect(), "other");
        TestSession holder = TestSession.confirm(server.connect(), "holder", 1);

        holder.peer.call(2, new DestroySessionArgs(holder.id));
        assertThat(holder.peer.call(2, new DestroyClientidArgs(holder.clientId)).status())
                .isEqualTo(NfsStatus.OK);

        assertThat(take(other)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_second_restart_within_grace_begins_it_anew_for_all_that_held_state() {
        take(TestSession.begin(server.connect(), "first"));
        take(TestSession.begin(server.connect(), "second"));
        restart();
        TestSession.confirm(server.connect(), "first", 1);
        restart();

        TestSession first = TestSession.confirm(server.connect(), "first", 1);
        TestSession second = TestSession.confirm(server.connect(), "second", 1);

        assertThat(reclaim(first)).isEqualTo(NfsStatus.OK);
        assertThat(reclaim(second)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_client_takes_nothing_new_before_it_has_completed_its_reclaim() {
        TestSession hasty = TestSession.confirm(server.connect(), "hasty", 1);

        assertThat(take(hasty)).isEqualTo(NfsStatus.GRACE);
        hasty.run(new ReclaimCompleteArgs(false));
        assertThat(take(hasty)).isEqualTo(NfsStatus.OK);
    }

    @Test
    void nothing_is_granted_before_the_record_of_its_holder_is_durable__I5() {
        engine = new MemoryEngine();
        server = start();
        TestSession session = confirmByHand("owner");
        TestPeer peer = session.peer;
        TestSession sameTime = TestSession.of(peer, session.clientId, session.id, 1);

        int complete = session.send(false, new ReclaimCompleteArgs(false));
        int taken = sameTime.send(false, new PutRootFhArgs(), new LookuppArgs());

        assertThat(peer.isAnswered(complete)).isFalse();
        assertThat(peer.isAnswered(taken)).isFalse();
        engine.commitAll();
        assertThat(peer.results(complete).status()).isEqualTo(NfsStatus.OK);
        assertThat(peer.results(taken).status()).isEqualTo(NfsStatus.OK);
    }

    private static NfsStatus take(TestSession session) {
        return session.run(new PutRootFhArgs(), new LookuppArgs()).status();
    }

    private static NfsStatus reclaim(TestSession session) {
        return session.run(new PutRootFhArgs(), new CloseArgs(0, Stateid.ANONYMOUS))
                .status();
    }
}
