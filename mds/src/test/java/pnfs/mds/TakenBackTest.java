package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.nfs4.Locker;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.LockArgs;
import pnfs.wire.nfs4.OpArgs.LockuArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What clients hold is theirs before it is durable, because they take it back when the machine is lost; but not
/// before it is durable that nobody else can (RFC 8881 §8.4.3).
class TakenBackTest {
    private static final StateOwner OWNER = new StateOwner(0, Opaque.ofUtf8("owner"));
    private static final FileRange RANGE = new FileRange(0, 4096);
    private static final OpenHow FOUND = new OpenHow.NoCreate();
    private static final Fattr EMPTIED =
            AttributeCodec.write(Attributes.builder().size(0).build());

    private final ManualLoop loop = new ManualLoop();
    private int machines;
    private MemoryEngine engine = new MemoryEngine();
    private TestServer server = start();

    private TestServer start() {
        machines++;
        return new TestServer(engine, loop, new FuzzRooms(Duration.ZERO, machines), "machine " + machines);
    }

    private void loseMachine() {
        engine = engine.crash();
        server = start();
    }

    @BeforeEach
    void make() {
        done(begin("maker"), openAs(new OpenHow.Guarded(Fattr.EMPTY)));
    }

    @Test
    void what_is_held_is_answered_when_a_kill_does_not_undo_it() {
        TestSession client = begin("client");

        assertWaitsForTheProcessOnly(client, open());
        assertWaitsForTheProcessOnly(
                client, with(open(), lock(false), new LockuArgs(LockType.WRITE, 0, Stateid.CURRENT, RANGE)));
        assertWaitsForTheProcessOnly(
                client, with(open(), new OpenDowngradeArgs(Stateid.CURRENT, 0, ShareBits.BOTH, 0)));
        assertWaitsForTheProcessOnly(client, with(open(), layout(Iomode.READ)));
    }

    @Test
    void what_is_of_the_file_is_answered_when_nothing_undoes_it__I3() {
        TestSession client = begin("client");

        assertWaitsForTheDisk(client, openAs(new OpenHow.Unchecked(EMPTIED)));
        assertWaitsForTheDisk(client, with(open(), layout(Iomode.READ_WRITE)));
    }

    @Test
    void what_a_silent_client_lost_is_lost_durably_before_another_has_it() {
        TestSession silent = begin("silent");
        done(silent, with(open(), lock(false)));
        loop.advance(TestServer.LEASE_SECONDS + 1, TimeUnit.SECONDS);
        TestSession other = begin("other");

        assertWaitsForTheDisk(other, with(open(), lock(false)));
        loseMachine();

        assertThat(done(confirm("silent"), reclaim())).isEqualTo(NfsStatus.RECLAIM_BAD);
        assertThat(done(confirm("other"), with(reclaim(), lock(true)))).isEqualTo(NfsStatus.OK);
    }

    @Test
    void what_nobody_came_back_for_is_lost_durably_before_another_has_it() {
        done(begin("late"), with(open(), lock(false)));
        loseMachine();
        loop.advance(TestServer.LEASE_SECONDS + 1, TimeUnit.SECONDS);
        TestSession other = begin("other");

        assertWaitsForTheDisk(other, with(open(), lock(false)));
        loseMachine();

        assertThat(done(confirm("late"), reclaim())).isEqualTo(NfsStatus.RECLAIM_BAD);
        assertThat(done(confirm("other"), with(reclaim(), lock(true)))).isEqualTo(NfsStatus.OK);
    }

    private void assertWaitsForTheProcessOnly(TestSession client, OpArgs... operations) {
        int xid = client.send(false, operations);
        assertThat(client.peer.isAnswered(xid)).isFalse();
        engine.write(engine.queued());
        assertThat(client.peer.results(xid).status()).isEqualTo(NfsStatus.OK);
    }

    private void assertWaitsForTheDisk(TestSession client, OpArgs... operations) {
        int xid = client.send(false, operations);
        engine.write(engine.queued());
        assertThat(client.peer.isAnswered(xid)).isFalse();
        engine.commitAll();
        assertThat(client.peer.results(xid).status()).isEqualTo(NfsStatus.OK);
    }

    private NfsStatus done(TestSession client, OpArgs... operations) {
        return results(client.peer, client.send(false, operations)).status();
    }

    private Results results(TestPeer peer, int xid) {
        engine.commitAll();
        return peer.results(xid);
    }

    private TestSession begin(String owner) {
        TestSession session = confirm(owner);
        assertThat(done(session, new ReclaimCompleteArgs(false))).isEqualTo(NfsStatus.OK);
        return session;
    }

    private TestSession confirm(String owner) {
        TestPeer peer = server.connect();
        var known = (ExchangeIdResult) results(peer, peer.send(2, TestSession.exchangeIdArgs(owner, 1, 0)))
                .operations()
                .getFirst();
        int created = peer.send(2, TestSession.createSession(known.clientId(), known.sequence(), TestSession.FORE));
        var made = (CreateSessionResult) results(peer, created).operations().getFirst();
        return TestSession.of(peer, known.clientId(), made.session(), 0);
    }

    private static OpArgs[] open() {
        return openAs(FOUND);
    }

    private static OpArgs[] openAs(OpenHow how) {
        return new OpArgs[] {
            new PutRootFhArgs(), new OpenArgs(0, ShareBits.BOTH, 0, OWNER, how, new OpenClaim.ByName("file"))
        };
    }

    private static OpArgs[] reclaim() {
        var claim = new OpenClaim.Previous(DelegationType.NONE);
        return new OpArgs[] {
            new PutRootFhArgs(), new LookupArgs("file"), new OpenArgs(0, ShareBits.BOTH, 0, OWNER, FOUND, claim)
        };
    }

    private static OpArgs lock(boolean reclaim) {
        return new LockArgs(LockType.WRITE, reclaim, RANGE, new Locker.NewOwner(0, Stateid.CURRENT, 0, OWNER));
    }

    private static OpArgs layout(Iomode iomode) {
        return new LayoutGetArgs(false, LayoutType.SCSI, iomode, RANGE, 4096, Stateid.CURRENT, 4096);
    }

    private static OpArgs[] with(OpArgs[] operations, OpArgs... more) {
        return Stream.of(operations, more).flatMap(Stream::of).toArray(OpArgs[]::new);
    }
}
