package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.RemoveArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult.CommitResult;
import pnfs.wire.nfs4.OpResult.RemoveResult;

/// An operation that meets what another client was asked to give back.
class PatienceTest {
    private static final long PATIENCE_MILLIS = 100;
    private static final OpArgs ROOT = new PutRootFhArgs();

    private final List<String> tries = new ArrayList<>();
    private boolean givenBack;

    private final ManualLoop loop = new ManualLoop();
    private final TestServer server = new TestServer(MemoryEngine.committing(), loop, new TestServer.Rooms() {
        @Override
        public FileHandle add(TestServer made, OpTable table) {
            table.register(OpCode.REMOVE, RemoveArgs.class, (args, state) -> remove(args));
            table.registerDeferred(OpCode.COMMIT, OpArgs.CommitArgs.class, (args, state, done) -> {
                remove(new RemoveArgs("deferred"));
                done.accept(new CommitResult(1));
            });
            return TestServer.ROOT;
        }

        @Override
        public long patienceNanos() {
            return TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        }
    });
    private final TestPeer peer = server.connect();
    private final TestSession session = TestSession.begin(peer, "owner");

    private RemoveResult remove(RemoveArgs args) {
        tries.add(args.name());
        if (!givenBack) {
            throw new RecalledException(args.name() + " is delegated");
        }
        return new RemoveResult(new ChangeInfo(true, 1, 2));
    }

    private void pass(long millis) {
        loop.advance(millis, TimeUnit.MILLISECONDS);
        loop.run();
    }

    @Test
    void it_is_run_again_when_that_is_back_and_the_rest_of_the_compound_after_it() {
        int xid = session.send(true, ROOT, new RemoveArgs("first"), ROOT, new RemoveArgs("second"));
        pass(3);
        assertThat(peer.isAnswered(xid)).isFalse();
        assertThat(tries).containsOnly("first").hasSizeGreaterThan(1);

        givenBack = true;
        pass(10);

        assertThat(peer.results(xid).status()).isEqualTo(NfsStatus.OK);
        assertThat(peer.results(xid).operations()).hasSize(5);
        assertThat(tries.subList(tries.size() - 2, tries.size())).containsExactly("first", "second");
    }

    @Test
    void what_answers_later_is_run_again_with_its_arguments_too() {
        int xid = session.send(false, ROOT, new OpArgs.CommitArgs(0, 0), ROOT);
        pass(3);
        givenBack = true;
        pass(10);

        assertThat(peer.results(xid).status()).isEqualTo(NfsStatus.OK);
        assertThat(peer.results(xid).operations()).hasSize(4);
    }

    @Test
    void it_ends_with_delay_when_all_patience_is_gone_and_the_slot_is_free_again() {
        int xid = session.send(true, ROOT, new RemoveArgs("first"));
        for (int i = 0; i < PATIENCE_MILLIS; i++) {
            pass(1);
        }

        assertThat(peer.results(xid).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(tries).hasSizeLessThan(10);
        int before = tries.size();
        pass(1000);
        assertThat(tries).hasSize(before);
        assertThat(session.run(ROOT).status()).isEqualTo(NfsStatus.OK);
    }

    @Test
    void a_retry_of_it_meanwhile_is_told_to_wait() {
        OpArgs[] request = TestSession.inSession(session.next(true), ROOT, new RemoveArgs("first"));
        int first = peer.send(2, request);
        int retry = peer.send(2, request);

        assertThat(peer.results(retry).status()).isEqualTo(NfsStatus.DELAY);
        assertThat(peer.isAnswered(first)).isFalse();
        assertThat(tries).hasSize(1);
    }
}
