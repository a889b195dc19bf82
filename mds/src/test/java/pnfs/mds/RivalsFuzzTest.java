package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.delegation.DelegationConflicts;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.CbArgs.CbGetAttrArgs;
import pnfs.wire.nfs4.CbArgs.CbLayoutRecallArgs;
import pnfs.wire.nfs4.CbArgs.CbRecallArgs;
import pnfs.wire.nfs4.CbResult.CbFailure;
import pnfs.wire.nfs4.CbResult.CbGetAttrResult;
import pnfs.wire.nfs4.CbResult.CbSuccess;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Iomode;
import pnfs.wire.nfs4.LayoutRecallScope;
import pnfs.wire.nfs4.LayoutReturnScope;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.DelegReturnArgs;
import pnfs.wire.nfs4.OpArgs.LayoutReturnArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.xdr.Opaque;

/// Two clients with delegations and layouts on the same few files, who open, write and remove in each other's
/// way, answer callbacks in any way or late, fall silent and reboot. Each COMPOUND is answered, in the end; no
/// delegation stands beside what it excludes, no block belongs to two files or to nobody (I1, I2), and when
/// both are gone nothing is left. `JAZZER_FUZZ=1 mvn -pl mds test -Dtest=RivalsFuzzTest` looks for more.
class RivalsFuzzTest {
    private static final int GARBAGE_ARGS = 4;
    private static final int STEPS = 60;
    private static final long MOST_SECONDS = TestServer.LEASE_SECONDS * 2 / 3;
    /// Longer than a callback may take.
    private static final long PATIENCE_SECONDS = 6;

    private static final List<NfsStatus> REFUSALS = List.of(
            NfsStatus.DELAY,
            NfsStatus.BAD_STATEID,
            NfsStatus.BADHANDLE,
            NfsStatus.NOMATCHING_LAYOUT,
            NfsStatus.RETRY_UNCACHED_REP,
            NfsStatus.NOTSUPP);

    private final FuzzRooms rooms = new FuzzRooms(Duration.ofMillis(100));
    private final TestServer server = new TestServer(MemoryEngine.committing(), new ManualLoop(), rooms);
    private final List<Rival> rivals = List.of(new Rival("anna"), new Rival("boris"));

    /// One of the clients.
    private final class Rival {
        private final String owner;
        private final TestPeer peer = server.connect();
        private int reboots;
        private TestSession session;
        /// Its COMPOUND that waits for the other's answer to a callback.
        private @Nullable Integer waiting;

        Rival(String owner) {
            this.owner = owner;
            this.session = begin();
        }

        private TestSession begin() {
            TestSession begun = TestSession.confirm(peer, owner, ++reboots);
            assertThat(begun.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
            return begun;
        }

        void reboot() {
            Integer earlier = waiting;
            while (earlier != null && !peer.isAnswered(earlier)) {
                pass(1); // it has no session before what it asked for is over
            }
            session = begin();
            waiting = null;
        }

        void send(byte[] operations) {
            if (waiting == null) {
                waiting = peer.send(FuzzOperations.behindSequence(session, FuzzOperations.MOST_OPERATIONS, operations));
                look();
            }
        }

        void send(OpArgs... operations) {
            if (waiting == null) {
                waiting = session.send(false, operations);
                look();
            }
        }

        /// Takes the answer where it is there.
        void look() {
            Integer sent = waiting;
            if (sent == null || !peer.isAnswered(sent)) {
                return;
            }
            waiting = null;
            if (peer.acceptStat(sent) == GARBAGE_ARGS) {
                reboot(); // the slot did not hear of the sequence
                return;
            }
            List<OpResult> results = peer.results(sent).operations();
            assertThat(results).allSatisfy(result -> assertThat(result.status()).isNotEqualTo(NfsStatus.SERVERFAULT));
            if (results.isEmpty() || results.getFirst().status() != NfsStatus.OK) {
                reboot(); // its lease was over, or it destroyed its session
            }
        }

        void answerCallback(RandomGenerator random) {
            List<TestPeer.Callback> pending = peer.callbacks();
            if (!pending.isEmpty()) {
                TestPeer.Callback callback = pending.removeFirst();
                switch (random.nextInt(4)) {
                    case 0 -> {} // it never will
                    case 1 -> refuse(callback, REFUSALS.get(random.nextInt(REFUSALS.size())));
                    default -> obey(callback, random);
                }
            }
        }

        private void refuse(TestPeer.Callback callback, NfsStatus status) {
            peer.answer(callback, new CbFailure(callback.operation().op(), status));
        }

        private void obey(TestPeer.Callback callback, RandomGenerator random) {
            if (callback.operation() instanceof CbGetAttrArgs) {
                var told = Attributes.builder()
                        .uint64(Attribute.CHANGE, random.nextInt(1000))
                        .size(random.nextInt(20_000))
                        .build();
                peer.answer(callback, new CbGetAttrResult(AttributeCodec.write(told)));
                return;
            }
            peer.answer(callback, new CbSuccess(callback.operation().op()));
            switch (callback.operation()) {
                case CbRecallArgs recall ->
                    send(new PutFhArgs(recall.fileHandle()), new DelegReturnArgs(recall.stateid()));
                case CbLayoutRecallArgs recall
                when recall.scope() instanceof LayoutRecallScope.OfFile file ->
                    send(
                            new PutFhArgs(file.fileHandle()),
                            new LayoutReturnArgs(
                                    false,
                                    recall.type(),
                                    Iomode.ANY,
                                    new LayoutReturnScope.OfFile(FileRange.WHOLE_FILE, file.stateid(), Opaque.EMPTY)));
                default -> {}
            }
        }
    }

    @FuzzTest(maxDuration = "60s")
    void two_clients_in_each_others_way_are_answered(byte[] script) {
        play(FuzzOperations.scripted(script));
    }

    @Seeds(40)
    void two_clients_with_delegations_and_layouts_stay_apart(RandomGenerator random) {
        play(random);
    }

    private void play(RandomGenerator random) {
        for (int i = 0; i < STEPS; i++) {
            Rival rival = rivals.get(random.nextInt(rivals.size()));
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> rival.answerCallback(random);
                case 3 -> pass(random.nextLong(MOST_SECONDS));
                case 4 -> {
                    if (random.nextInt(4) == 0) {
                        rival.reboot();
                    }
                }
                default -> rival.send(FuzzOperations.mutated(FuzzOperations.operations(random), random));
            }
            rivals.forEach(Rival::look);
            requireOrder();
        }
        end();
    }

    private void requireOrder() {
        assertThat(server.store.damaged().count()).isZero();
        rooms.assertSpaceAddsUp();
        rooms.assertHeldIsRecorded();
        assertThat(DelegationConflicts.among(
                        rooms.opens.states(),
                        rivals.stream().map(rival -> rival.session.clientId).toList()))
                .isEmpty();
    }

    private void pass(long seconds) {
        server.loop.advance(seconds, TimeUnit.SECONDS);
        server.loop.run();
        server.clients.tick(server.loop.nowNanos());
        rooms.recalls.tick(server.loop.nowNanos());
        server.loop.run();
    }

    /// Whoever waits is answered when no callback can come back any more.
    private void end() {
        for (int i = 0; i < STEPS && rivals.stream().anyMatch(rival -> rival.waiting != null); i++) {
            pass(PATIENCE_SECONDS);
            rivals.forEach(Rival::look);
        }
        assertThat(rivals).allSatisfy(rival -> assertThat(rival.waiting).isNull());
        rivals.forEach(Rival::reboot);
        rooms.assertNothingLeaks(rivals.getFirst().session);
    }
}
