package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class BhsTest {
    /// A field that some PDU has: how it is set and read, and how many bits it has.
    private interface Put {
        void at(ByteBuffer pdu, int at, int value);
    }

    private interface Get {
        int at(ByteBuffer pdu, int at);
    }

    private record Field(String name, int bytesAt, int bits, Put put, Get get) {}

    private static final Field[] FIELDS = {
        new Field("flags", 1, 8, Bhs::putFlags, Bhs::flags),
        new Field("response", 2, 8, Bhs::putResponse, Bhs::response),
        new Field("scsiStatus", 3, 8, Bhs::putScsiStatus, Bhs::scsiStatus),
        new Field("dataBytes", 5, 24, Bhs::putDataBytes, Bhs::dataBytes),
        new Field("initiatorTaskTag", 16, 32, Bhs::putInitiatorTaskTag, Bhs::initiatorTaskTag),
        new Field("targetTransferTag", 20, 32, Bhs::putTargetTransferTag, Bhs::targetTransferTag),
        new Field("expectedBytes", 20, 32, Bhs::putExpectedBytes, Bhs::expectedBytes),
        new Field("referencedTaskTag", 20, 32, Bhs::putReferencedTaskTag, Bhs::referencedTaskTag),
        new Field("cid", 20, 16, Bhs::putCid, Bhs::cid),
        new Field("cmdSn", 24, 32, Bhs::putCmdSn, Bhs::cmdSn),
        new Field("statSn", 24, 32, Bhs::putStatSn, Bhs::statSn),
        new Field("expStatSn", 28, 32, Bhs::putExpStatSn, Bhs::expStatSn),
        new Field("expCmdSn", 28, 32, Bhs::putExpCmdSn, Bhs::expCmdSn),
        new Field("refCmdSn", 32, 32, Bhs::putRefCmdSn, Bhs::refCmdSn),
        new Field("maxCmdSn", 32, 32, Bhs::putMaxCmdSn, Bhs::maxCmdSn),
        new Field("dataSn", 36, 32, Bhs::putDataSn, Bhs::dataSn),
        new Field("loginStatus", 36, 16, Bhs::putLoginStatus, Bhs::loginStatus),
        new Field("asyncEvent", 36, 8, Bhs::putAsyncEvent, Bhs::asyncEvent),
        new Field(
                "asyncParameter 1",
                38,
                16,
                (p, at, v) -> Bhs.putAsyncParameter(p, at, 1, v),
                (p, at) -> Bhs.asyncParameter(p, at, 1)),
        new Field(
                "asyncParameter 3",
                42,
                16,
                (p, at, v) -> Bhs.putAsyncParameter(p, at, 3, v),
                (p, at) -> Bhs.asyncParameter(p, at, 3)),
        new Field("bufferOffset", 40, 32, Bhs::putBufferOffset, Bhs::bufferOffset),
        new Field("residual", 44, 32, Bhs::putResidual, Bhs::residual),
        new Field("desiredBytes", 44, 32, Bhs::putDesiredBytes, Bhs::desiredBytes),
    };

    @Seeds(100)
    void every_field_stands_at_the_bytes_of_RFC_7143_and_touches_no_other(RandomGenerator random) {
        int at = random.nextInt(20);
        for (Field field : FIELDS) {
            var pdu = ByteBuffer.allocate(at + Bhs.BYTES + 4);
            int value = (int) (random.nextInt() & ((1L << field.bits) - 1));

            field.put.at(pdu, at, value);

            assertThat(field.get.at(pdu, at)).as(field.name).isEqualTo(value);
            byte[] expected = new byte[pdu.capacity()];
            for (int i = 0; i < field.bits / 8; i++) {
                expected[at + field.bytesAt + i] = (byte) (value >>> (field.bits - 8 * (i + 1)));
            }
            assertThat(pdu.array()).as(field.name).isEqualTo(expected);
        }
    }

    @Seeds(20)
    void login_PDUs_carry_isid_tsih_and_stages(RandomGenerator random) {
        long isid = random.nextLong() >>> 16;
        int tsih = random.nextInt(1 << 16);
        var pdu = ByteBuffer.allocate(Bhs.BYTES);

        Bhs.begin(pdu, 0, Opcode.LOGIN_REQUEST, LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE));
        Bhs.setImmediate(pdu, 0);
        Bhs.putSession(pdu, 0, isid, tsih);

        assertThat(pdu.get(0)).isEqualTo((byte) 0x43);
        assertThat(pdu.get(1)).as("as open-iscsi sends it").isEqualTo((byte) 0x87);
        assertThat(Bhs.opcode(pdu, 0)).isEqualTo(Opcode.LOGIN_REQUEST);
        assertThat(Bhs.isImmediate(pdu, 0)).isTrue();
        assertThat(Bhs.has(pdu, 0, Bhs.TRANSIT)).isTrue();
        assertThat(Bhs.has(pdu, 0, Bhs.CONTINUE)).isFalse();
        assertThat(Bhs.currentStage(pdu, 0)).isEqualTo(LoginStage.OPERATIONAL);
        assertThat(Bhs.nextStage(pdu, 0)).isEqualTo(LoginStage.FULL_FEATURE);
        assertThat(Bhs.isid(pdu, 0)).isEqualTo(isid);
        assertThat(Bhs.tsih(pdu, 0)).isEqualTo(tsih);
    }

    @Test
    void a_started_header_is_clean() {
        var pdu = ByteBuffer.allocate(Bhs.BYTES + 2);
        for (int i = 0; i < pdu.capacity(); i++) {
            pdu.put(i, (byte) 0xee);
        }

        Bhs.begin(pdu, 1, Opcode.DATA_IN, Bhs.FINAL | Bhs.STATUS);

        assertThat(HexFormat.of().formatHex(pdu.array())).isEqualTo("ee2581" + "00".repeat(46) + "ee");
    }

    @Test
    void sequence_numbers_wrap() {
        assertThat(SerialNumber.isBefore(0xffff_ffff, 0)).isTrue();
        assertThat(SerialNumber.isBefore(0, 0xffff_ffff)).isFalse();
        assertThat(SerialNumber.isBefore(5, 5)).isFalse();
        assertThat(SerialNumber.isWithin(2, 0xffff_fff0, 5)).isTrue();
        assertThat(SerialNumber.isWithin(6, 0xffff_fff0, 5)).isFalse();
        assertThat(SerialNumber.isWithin(7, 7, 6)).as("a closed window").isFalse();
    }

    /// RFC 7143 Appendix B.4 (and RFC 3720 before it) prints these sums in the order of the wire.
    @Test
    void digests_are_those_of_the_examples_in_the_RFC() {
        assertThat(sum("00".repeat(32))).isEqualTo("aa36918a");
        assertThat(sum("ff".repeat(32))).isEqualTo("43aba862");
        assertThat(sum("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))
                .isEqualTo("4e79dd46");
        assertThat(sum("01c0000000000000000000000000000014000000000004000000001400000018"
                        + "28000000000000000200000000000000"))
                .as("a SCSI READ(10) command")
                .isEqualTo("563a96d9");
    }

    @Seeds(20)
    void a_data_digest_covers_the_padding(RandomGenerator random) {
        byte[] data = new byte[random.nextInt(1, 100)];
        random.nextBytes(data);
        int padding = Bhs.padding(data.length);

        int padded = Digest.sum(
                new CRC32C(), ByteBuffer.allocate(data.length + padding).put(0, data), 0);

        assertThat(Digest.sum(new CRC32C(), ByteBuffer.wrap(data), padding)).isEqualTo(padded);
        assertThat((data.length + padding) % 4).isZero();
    }

    private static String sum(String hex) {
        int sum = Digest.sum(new CRC32C(), ByteBuffer.wrap(HexFormat.of().parseHex(hex)), 0);
        return HexFormat.of().toHexDigits(sum);
    }
}
