package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.TaskManagement;
import pnfs.wire.scsi.ScsiStatus;

/// Hostile bytes at a target: whatever comes, it either is answered or ends that connection, memory beside the
/// volume's range of a command stays as it was, and another session goes on.
class TargetFuzzTest {
    private static final TargetSettings SETTINGS = new TargetSettings(
            TargetFixture.TARGET, List.of(), 4, 8, 65_536, 131_072, 65_536, 15, 30, AccessList.EVERYBODY);

    private static final String[] KEYS = {
        "AuthMethod",
        "CHAP_A",
        "CHAP_N",
        "CHAP_R",
        "CHAP_I",
        "CHAP_C",
        "SessionType",
        "HeaderDigest",
        "MaxBurstLength",
        "MaxRecvDataSegmentLength",
        "ErrorRecoveryLevel",
        "X-odd"
    };
    private static final String[] VALUES = {
        "CHAP",
        "None",
        "CHAP,None",
        "5",
        "7",
        "user",
        "0x00",
        "0x" + "00".repeat(32),
        "0b",
        "Discovery",
        "CRC32C",
        "0",
        "99999999999",
        "Yes",
        "Reject"
    };

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
        String digest = data.consumeInt(0, 3) == 0 ? "CRC32C" : "None";
        hostile.loginNormally(
                TargetFixture.TARGET,
                LoginKeys.of(
                        "InitialR2T",
                        data.consumeBoolean() ? "Yes" : "No",
                        "MaxOutstandingR2T",
                        "3",
                        "HeaderDigest",
                        digest,
                        "DataDigest",
                        digest));

        boolean resetsTarget = false;
        for (int i = 0; i < 20 && data.remainingBytes() > 0; i++) {
            var header = RawInitiator.header(data.consumeInt(0, 0x3f), data.consumeByte() & 0xff);
            byte[] rest = data.consumeBytes(46);
            header.put(2, rest);
            if (data.consumeBoolean()) {
                Bhs.putCmdSn(header, 0, hostile.cmdSn++);
            }
            byte[] segment = data.consumeInt(0, 5) == 0
                    ? new byte[data.consumeInt(16_000, 65_536)]
                    : data.consumeBytes(data.consumeInt(0, 300));
            header.put(4, (byte) 0);
            resetsTarget |= Bhs.opcode(header, 0) == Opcode.TASK_REQUEST
                    && Bhs.function(header, 0) == TaskManagement.TARGET_COLD_RESET;
            hostile.send(header, segment);
        }

        boolean ended = other.connection.closed() != null;
        if (ended && resetsTarget) {
            // The one thing an initiator may rightly do to the session of another (RFC 7143 §11.5.1).
            assertThat(other.connection.closed()).isEqualTo("target cold reset");
            other = fixture.connect();
            other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        }
        assertOtherGoesOn(other);
    }

    /// Whatever is said in a login, nobody gets in who has not proved who it is.
    @FuzzTest(maxDuration = "60s")
    void login_text_without_the_secret(FuzzedDataProvider data) {
        var fixture = new TargetFixture(new TargetSettings(
                TargetFixture.TARGET,
                List.of(),
                4,
                8,
                65_536,
                131_072,
                65_536,
                15,
                30,
                AccessList.of(List.of("allow iqn.2026-01.test:open", "allow * user a-secret-of-24-letters"))));
        RawInitiator hostile = fixture.connect();

        while (data.remainingBytes() > 0 && hostile.connection.closed() == null) {
            var keys = LoginKeys.of("InitiatorName", RawInitiator.NAME, "TargetName", TargetFixture.TARGET);
            for (int i = data.consumeInt(0, 4); i > 0; i--) {
                String value = data.consumeBoolean()
                        ? data.pickValue(VALUES)
                        : data.consumeAsciiString(20).replace("\0", "");
                keys = keys.plus(data.pickValue(KEYS), value);
            }
            byte[] text = keys.toBytes();
            if (data.consumeInt(0, 9) == 0) {
                text = data.consumeBytes(100);
            }
            hostile.send(hostile.loginRequest(data.consumeByte() & 0xff), text);
        }

        assertThat(fixture.target.sessionCount()).isZero();
    }

    private static void assertOtherGoesOn(RawInitiator other) {
        assertThat(other.connection.closed()).isNull();
        // What a reset has to tell comes first.
        for (int i = 0; i < 3; i++) {
            other.send(other.command(Bhs.FINAL, 0, "00"));
            other.receive(Opcode.SCSI_RESPONSE);
        }
        other.send(other.read16(0, 1));
        RawInitiator.Pdu answer = other.receive();
        if (answer.opcode() == Opcode.SCSI_RESPONSE) {
            assertThat(Bhs.scsiStatus(answer.header(), 0)).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
            other.send(other.command(Bhs.FINAL | Bhs.READ, 24, "5e 01 00 00 00 00 00 00 18"));
            assertThat(other.receive(Opcode.DATA_IN).data())
                    .as("READ RESERVATION: somebody holds one")
                    .hasSize(24);
        } else {
            assertThat(answer.data()).hasSize(4096);
        }
    }
}
