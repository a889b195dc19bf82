package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// Whatever an initiator asks, it is answered: GOOD, or a status and sense that say why not. Both units lie
/// over the same few blocks, so that commands meet their ends.
class ScsiFuzzTest {
    private static final int BYTES = 1 << 20;

    /// A CDB, a byte that says how much data comes with it, and so on.
    @FuzzTest(maxDuration = "60s")
    void cdbs(byte[] input) {
        var fixture = new ScsiFixture(BYTES, 4096, 512);
        var nexus = ScsiFixture.nexus("fuzz");
        ByteBuffer in = ByteBuffer.wrap(input);
        for (int i = 0; i < 64 && in.remaining() > Cdb.BYTES; i++) {
            var cdb = new byte[Cdb.BYTES];
            in.get(cdb);
            int amount = in.get();
            ScsiTask task = fixture.start(nexus, amount & 3, cdb, announced(amount));
            answered(ScsiFixture.finish(task, new byte[Math.min(announced(amount), BYTES)]));
            task.end();
        }
        assertThat(fixture.volume().volume().gate().isClaimed()).isFalse();
    }

    /// Nothing, a parameter list's length, blocks of either size or more than there is.
    private static int announced(int amount) {
        return switch ((amount >> 2) & 7) {
            case 0 -> 0;
            case 1 -> 24;
            case 2 -> 512;
            case 3 -> 4096;
            case 4 -> 8192;
            case 5 -> 65_536;
            case 6 -> BYTES;
            default -> 2 * BYTES;
        };
    }

    /// Which command, by the first byte, and its parameter list behind that.
    @FuzzTest(maxDuration = "60s")
    void parameter_lists(byte[] input) {
        if (input.length == 0) {
            return;
        }
        var fixture = new ScsiFixture(BYTES, 4096);
        var nexus = ScsiFixture.nexus("fuzz");
        byte[] list = Arrays.copyOfRange(input, 1, Math.min(input.length, 4096));
        ByteBuffer cdb = ByteBuffer.allocate(Cdb.BYTES);
        switch (input[0] & 3) {
            case 0 -> cdb.put(0, (byte) ScsiOpcode.UNMAP).putShort(7, (short) list.length);
            case 1 ->
                cdb.put(0, (byte) ScsiOpcode.MODE_SELECT_10).put(1, (byte) 0x10).putShort(7, (short) list.length);
            case 2 -> {
                list = Arrays.copyOf(list, Math.min(list.length, 255));
                cdb.put(0, (byte) ScsiOpcode.MODE_SELECT_6).put(1, (byte) 0x10).put(4, (byte) list.length);
            }
            default ->
                cdb.put(0, (byte) ScsiOpcode.PERSISTENT_RESERVE_OUT)
                        .put(1, (byte) ((input[0] >> 2) & 7))
                        .put(2, (byte) ((input[0] >> 5) & 7))
                        .putInt(5, list.length);
        }

        answered(ScsiFixture.finish(fixture.start(nexus, 0, cdb.array(), list.length), list));
    }

    private static void answered(ScsiTask task) {
        boolean explained = !task.sense().equals(Sense.NONE);
        assertThat(explained).isEqualTo(task.status() == ScsiStatus.CHECK_CONDITION);
        task.putSense(ByteBuffer.allocate(Sense.MAX_BYTES), 0);
        assertThat(task.bytes()).isBetween(0, Math.max(BYTES, BlockCommands.MAX_TRANSFER_BYTES));
    }
}
