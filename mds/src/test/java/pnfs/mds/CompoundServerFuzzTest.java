package pnfs.mds;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.OpTable;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.mds.testing.ManualLoop;
import pnfs.mds.testing.TestPeer;
import pnfs.mds.testing.TestServer;
import pnfs.mds.testing.TestSession;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;

/// Whatever a client sends as a COMPOUND is answered, never with SERVERFAULT, and the server goes on. The first
/// byte of the input chooses: the bytes as they are, or the bytes as operations behind a SEQUENCE and a
/// PUTROOTFH that are right.
class CompoundServerFuzzTest {
    private static final int SERVERFAULT = 10006;
    private static final int PUT_ROOT = 24;

    @FuzzTest(maxDuration = "60s")
    void any_compound_is_answered_and_the_server_goes_on(byte[] input) {
        if (input.length == 0) {
            return;
        }
        var server = new TestServer(MemoryEngine.committing(), new ManualLoop(), CompoundServerFuzzTest::rooms);
        TestSession good = TestSession.begin(server.connect(), "good");
        TestSession bad = TestSession.begin(server.connect(), "bad");
        byte[] body = Arrays.copyOfRange(input, 1, input.length);

        int xid = bad.peer.send((input[0] & 1) == 0 ? body : behindSequence(bad, body, 1 + (input[0] & 0x7e) / 2));

        assertThat(bad.peer.isAnswered(xid)).isTrue();
        if (bad.peer.acceptStat(xid) == 0) {
            assertThat(ByteBuffer.wrap(bad.peer.bytes(xid).toByteArray()).getInt())
                    .isNotEqualTo(SERVERFAULT);
        }
        assertThat(good.run(new OpArgs.PutRootFhArgs(), new OpArgs.GetFhArgs()).status())
                .isEqualTo(NfsStatus.OK);
        assertThat(server.damage).isEmpty();
    }

    /// A COMPOUND of minor version 2: SEQUENCE, PUTROOTFH, and then `operations`, said to be so many.
    private static byte[] behindSequence(TestSession session, byte[] operations, int count) {
        byte[] right = TestPeer.encode(2, session.next(false), new OpArgs.PutRootFhArgs());
        byte[] whole = Arrays.copyOf(right, right.length + operations.length);
        System.arraycopy(operations, 0, whole, right.length, operations.length);
        // tag: a length and "tag" padded to 4; then the minor version; then the count
        int countAt = 2 * Integer.BYTES + Integer.BYTES;
        ByteBuffer.wrap(whole).putInt(countAt, 2 + count);
        assertThat(ByteBuffer.wrap(right).getInt(right.length - Integer.BYTES)).isEqualTo(PUT_ROOT);
        return whole;
    }

    private static FileHandle rooms(TestServer server, OpTable table) {
        return LinuxCompoundsTest.rooms(server, table);
    }
}
