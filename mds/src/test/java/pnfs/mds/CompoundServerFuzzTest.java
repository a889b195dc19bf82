package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpResult;

/// Any bytes as a COMPOUND are answered, by a server with all its rooms: no operation ends in SERVERFAULT, no
/// call in SYSTEM_ERR, no block of a volume belongs to two files or to a file and to nobody (I1, I2), the next
/// client is served, and nothing is left of a client that is gone. `mvn test` runs the corpus and the seeds;
/// `JAZZER_FUZZ=1 mvn -pl mds test -Dtest=CompoundServerFuzzTest` looks for more.
class CompoundServerFuzzTest {
    private static final int GARBAGE_ARGS = 4;

    private final FuzzRooms rooms = new FuzzRooms(Duration.ZERO);
    private final TestServer server = new TestServer(MemoryEngine.committing(), new ManualLoop(), rooms);
    private final TestPeer peer = server.connect();
    private int reboots;
    private TestSession session = reboot(peer, "fuzzer");

    /// The first byte says how many operations the others are, behind a SEQUENCE that is good; 0: the others
    /// are all of the COMPOUND.
    @FuzzTest(maxDuration = "60s")
    void any_bytes_are_answered_and_the_next_client_is_served(byte[] input) {
        if (input.length == 0) {
            return;
        }
        byte[] rest = Arrays.copyOfRange(input, 1, input.length - (input.length - 1) % 4);
        check(input[0] == 0 ? rest : behindSequence(input[0] & 0xf, rest));
        check(TestPeer.encode(2));
        reboot(server.connect(), "next");
        assertNothingLeaks();
    }

    /// The owner begins anew, whatever became of its last client.
    private TestSession reboot(TestPeer from, String owner) {
        TestSession begun = TestSession.confirm(from, owner, ++reboots);
        assertThat(begun.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
        return begun;
    }

    @Seeds(150)
    void operations_in_any_order_with_any_arguments_are_answered(RandomGenerator random) {
        for (int i = 0; i < 40; i++) {
            byte[] operations = FuzzOperations.mutated(FuzzOperations.operations(random), random);
            check(behindSequence(FuzzOperations.MOST_OPERATIONS, operations));
        }
        assertNothingLeaks();
    }

    private void check(byte[] compound) {
        int xid = peer.send(compound);

        assertThat(peer.closed()).isNull();
        assertThat(server.store.damaged().count()).isZero();
        if (peer.acceptStat(xid) == GARBAGE_ARGS) {
            session = reboot(peer, "fuzzer"); // the slot did not hear of the sequence
            return;
        }
        rooms.assertSpaceAddsUp();
        rooms.assertHeldIsRecorded();
        List<OpResult> results = peer.results(xid).operations();
        assertThat(results).allSatisfy(result -> assertThat(result.status()).isNotEqualTo(NfsStatus.SERVERFAULT));
        if (results.isEmpty() || results.getFirst().status() != NfsStatus.OK) {
            session = reboot(peer, "fuzzer"); // its session is gone, or does not know the sequence
        }
    }

    private void assertNothingLeaks() {
        session = reboot(peer, "fuzzer");
        rooms.assertNothingLeaks(session);
    }

    private byte[] behindSequence(int count, byte[] operations) {
        return FuzzOperations.behindSequence(session, count, operations);
    }
}
