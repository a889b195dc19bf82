package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;

/// Hostile bytes at a target: whatever comes, it either is answered or ends that connection, memory beside the
/// volume's range of a command stays as it was, and another session goes on.
class TargetFuzzTest {
    private static final TargetSettings SETTINGS = new TargetSettings(
            TargetFixture.TARGET, List.of(), 4, 8, 65_536, 131_072, 65_536, 15, 30, AccessList.EVERYBODY);

    @FuzzTest(maxDuration = "60s")
    void raw_bytes_before_login(FuzzedDataProvider data) {
        var fixture = new TargetFixture(SETTINGS);
        RawInitiator other = fixture.connect();
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        RawInitiator hostile = fixture.connect();

        while (data.remainingBytes() > 0) {
            hostile.connection.deliver(data.consumeBytes(data.consumeInt(1, 512)));
        }

        assertOtherGoesOn(other);
    }

    @FuzzTest(maxDuration = "60s")
    void pdus_with_damaged_fields_after_login(FuzzedDataProvider data) {
        var fixture = new TargetFixture(SETTINGS);
        RawInitiator other = fixture.connect();
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        RawInitiator hostile = fixture.connect();
        hostile.isid = 2;
        hostile.loginNormally(TargetFixture.TARGET, LoginKeys.of("InitialR2T", data.consumeBoolean() ? "Yes" : "No"));

        for (int i = 0; i < 20 && data.remainingBytes() > 0; i++) {
            var header = RawInitiator.header(data.consumeInt(0, 0x3f), data.consumeByte() & 0xff);
            byte[] rest = data.consumeBytes(46);
            header.put(2, rest);
            if (data.consumeBoolean()) {
                Bhs.putCmdSn(header, 0, hostile.cmdSn++);
            }
            byte[] segment = data.consumeBytes(data.consumeInt(0, 300));
            header.put(4, (byte) 0);
            hostile.send(header, segment);
        }

        assertOtherGoesOn(other);
    }

    private static void assertOtherGoesOn(RawInitiator other) {
        assertThat(other.connection.closed()).isNull();
        // What a reset has to tell comes first.
        for (int i = 0; i < 3; i++) {
            other.send(other.command(Bhs.FINAL, 0, "00"));
            other.receive(Opcode.SCSI_RESPONSE);
        }
        other.send(other.read16(0, 1));
        assertThat(other.receive(Opcode.DATA_IN).data()).hasSize(4096);
    }
}
