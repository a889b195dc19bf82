package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// PDUs and logins of other people's initiators and targets.
class IscsiGoldenTest {
    private static final Map<String, byte[]> PDUS = lines("pdus.hex").stream()
            .map(line -> line.split(" = ", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> HexFormat.of().parseHex(pair[1])));

    static List<String> pdus() {
        return PDUS.keySet().stream().sorted().toList();
    }

    @ParameterizedTest
    @MethodSource("pdus")
    void a_PDU_is_written_again_as_it_was_read(String name) {
        ByteBuffer pdu = pdu(name);
        int dataBytes = Bhs.dataBytes(pdu, 0);

        ByteBuffer again = ByteBuffer.allocate(pdu.capacity());
        copyHeader(pdu, again);
        ByteBuffer data = pdu.slice(Bhs.BYTES, dataBytes);
        switch (Bhs.opcode(pdu, 0)) {
            case Opcode.LOGIN_REQUEST, Opcode.LOGIN_RESPONSE, Opcode.TEXT_REQUEST, Opcode.TEXT_RESPONSE ->
                again.put(
                        Bhs.BYTES,
                        LoginKeys.parse(data, LoginKeys.MAX_LOGIN_PAIRS).toBytes());
            default -> again.put(Bhs.BYTES, data, 0, dataBytes);
        }

        assertThat(HexFormat.of().formatHex(again.array()))
                .isEqualTo(HexFormat.of().formatHex(PDUS.get(name)));
        assertThat(Bhs.BYTES + dataBytes + Bhs.padding(dataBytes)).isEqualTo(pdu.capacity());
    }

    /// Reads every field that the PDU has and writes it by its name: what has no name is lost, and shows.
    private static void copyHeader(ByteBuffer from, ByteBuffer to) {
        Bhs.begin(to, 0, Bhs.opcode(from, 0), Bhs.flags(from, 0));
        if (Bhs.isImmediate(from, 0)) {
            Bhs.setImmediate(to, 0);
        }
        Bhs.putDataBytes(to, 0, Bhs.dataBytes(from, 0));
        Bhs.putInitiatorTaskTag(to, 0, Bhs.initiatorTaskTag(from, 0));
        switch (Bhs.opcode(from, 0)) {
            case Opcode.LOGIN_REQUEST -> {
                Bhs.putSession(to, 0, Bhs.isid(from, 0), Bhs.tsih(from, 0));
                Bhs.putCid(to, 0, Bhs.cid(from, 0));
                toTarget(from, to);
            }
            case Opcode.LOGIN_RESPONSE -> {
                Bhs.putSession(to, 0, Bhs.isid(from, 0), Bhs.tsih(from, 0));
                toInitiator(from, to);
                Bhs.putLoginStatus(to, 0, Bhs.loginStatus(from, 0));
            }
            case Opcode.TEXT_REQUEST -> {
                Bhs.putTargetTransferTag(to, 0, Bhs.targetTransferTag(from, 0));
                toTarget(from, to);
            }
            case Opcode.TEXT_RESPONSE -> {
                Bhs.putTargetTransferTag(to, 0, Bhs.targetTransferTag(from, 0));
                toInitiator(from, to);
            }
            case Opcode.LOGOUT_REQUEST -> {
                Bhs.putCid(to, 0, Bhs.cid(from, 0));
                toTarget(from, to);
            }
            case Opcode.LOGOUT_RESPONSE -> {
                Bhs.putResponse(to, 0, Bhs.response(from, 0));
                toInitiator(from, to);
                Bhs.putTimes(to, 0, Bhs.time2WaitSeconds(from, 0), Bhs.time2RetainSeconds(from, 0));
            }
            case Opcode.SCSI_COMMAND -> {
                Bhs.putLun(to, 0, Bhs.lun(from, 0));
                Bhs.putExpectedBytes(to, 0, Bhs.expectedBytes(from, 0));
                toTarget(from, to);
                to.put(Bhs.cdbAt(0), from, Bhs.cdbAt(0), Cdb.BYTES);
            }
            case Opcode.SCSI_RESPONSE -> {
                Bhs.putResponse(to, 0, Bhs.response(from, 0));
                Bhs.putScsiStatus(to, 0, Bhs.scsiStatus(from, 0));
                toInitiator(from, to);
                Bhs.putDataSn(to, 0, Bhs.dataSn(from, 0));
                Bhs.putResidual(to, 0, Bhs.residual(from, 0));
            }
            case Opcode.DATA_IN -> {
                Bhs.putScsiStatus(to, 0, Bhs.scsiStatus(from, 0));
                Bhs.putTargetTransferTag(to, 0, Bhs.targetTransferTag(from, 0));
                toInitiator(from, to);
                Bhs.putDataSn(to, 0, Bhs.dataSn(from, 0));
                Bhs.putBufferOffset(to, 0, Bhs.bufferOffset(from, 0));
                Bhs.putResidual(to, 0, Bhs.residual(from, 0));
            }
            case Opcode.DATA_OUT -> {
                Bhs.putLun(to, 0, Bhs.lun(from, 0));
                Bhs.putTargetTransferTag(to, 0, Bhs.targetTransferTag(from, 0));
                Bhs.putExpStatSn(to, 0, Bhs.expStatSn(from, 0));
                Bhs.putDataSn(to, 0, Bhs.dataSn(from, 0));
                Bhs.putBufferOffset(to, 0, Bhs.bufferOffset(from, 0));
            }
            case Opcode.R2T -> {
                Bhs.putLun(to, 0, Bhs.lun(from, 0));
                Bhs.putTargetTransferTag(to, 0, Bhs.targetTransferTag(from, 0));
                toInitiator(from, to);
                Bhs.putDataSn(to, 0, Bhs.dataSn(from, 0));
                Bhs.putBufferOffset(to, 0, Bhs.bufferOffset(from, 0));
                Bhs.putDesiredBytes(to, 0, Bhs.desiredBytes(from, 0));
            }
            case Opcode.TASK_REQUEST -> {
                Bhs.putLun(to, 0, Bhs.lun(from, 0));
                Bhs.putReferencedTaskTag(to, 0, Bhs.referencedTaskTag(from, 0));
                toTarget(from, to);
                Bhs.putRefCmdSn(to, 0, Bhs.refCmdSn(from, 0));
                Bhs.putDataSn(to, 0, Bhs.dataSn(from, 0));
            }
            case Opcode.TASK_RESPONSE -> {
                Bhs.putResponse(to, 0, Bhs.response(from, 0));
                toInitiator(from, to);
            }
            default -> throw new AssertionError(Opcode.name(Bhs.opcode(from, 0)));
        }
    }

    private static void toTarget(ByteBuffer from, ByteBuffer to) {
        Bhs.putCmdSn(to, 0, Bhs.cmdSn(from, 0));
        Bhs.putExpStatSn(to, 0, Bhs.expStatSn(from, 0));
    }

    private static void toInitiator(ByteBuffer from, ByteBuffer to) {
        Bhs.putStatSn(to, 0, Bhs.statSn(from, 0));
        Bhs.putExpCmdSn(to, 0, Bhs.expCmdSn(from, 0));
        Bhs.putMaxCmdSn(to, 0, Bhs.maxCmdSn(from, 0));
    }

    @Test
    void libiscsi_and_tgt_say_what_the_names_of_our_fields_promise() {
        ByteBuffer command = pdu("command INQUIRY");
        assertThat(Bhs.expectedBytes(command, 0)).isEqualTo(64);
        assertThat(Bhs.attribute(command, 0)).isEqualTo(Bhs.ATTRIBUTE_SIMPLE);
        assertThat(Cdb.opcode(command, Bhs.cdbAt(0))).isEqualTo(ScsiOpcode.INQUIRY);

        ByteBuffer r2t = pdu("R2T");
        assertThat(Bhs.bufferOffset(r2t, 0)).isEqualTo(8192);
        assertThat(Bhs.desiredBytes(r2t, 0)).isEqualTo(512);

        ByteBuffer sense = pdu("response CHECK CONDITION with sense");
        assertThat(Bhs.scsiStatus(sense, 0)).isEqualTo(ScsiStatus.CHECK_CONDITION);
        assertThat(Sense.read(sense, Bhs.BYTES + 2, sense.getShort(Bhs.BYTES))).isEqualTo(Sense.POWER_ON_OR_RESET);

        ByteBuffer in = pdu("data-in with status and underflow");
        assertThat(Bhs.has(in, 0, Bhs.STATUS)).isTrue();
        assertThat(Bhs.has(in, 0, Bhs.UNDERFLOW)).isTrue();
        assertThat(Bhs.residual(in, 0)).isEqualTo(16384 - 8);

        ByteBuffer abort = pdu("task management request ABORT TASK");
        assertThat(Bhs.isImmediate(abort, 0)).isTrue();
        assertThat(Bhs.function(abort, 0)).isEqualTo(TaskManagement.ABORT_TASK);
        assertThat(Bhs.response(pdu("task management response"), 0)).isEqualTo(TaskManagement.NO_SUCH_TASK);

        ByteBuffer text = pdu("text response");
        LoginKeys targets = LoginKeys.parse(text.slice(Bhs.BYTES, Bhs.dataBytes(text, 0)), 8);
        assertThat(targets)
                .isEqualTo(LoginKeys.of(
                        "TargetName", "iqn.2024-01.example.peer:lun", "TargetAddress", "127.0.0.1:13260,1"));
    }

    @Test
    void our_answer_to_open_iscsi_holds_every_key_that_LIO_answers() {
        LoginKeys request = text("login-open-iscsi.txt");
        LoginKeys lio = text("login-lio.txt");
        var target = new Negotiation(
                LoginKeys.of(
                        "HeaderDigest", "None,CRC32C",
                        "DataDigest", "None,CRC32C",
                        "InitialR2T", "No",
                        "MaxBurstLength", "1048576",
                        "FirstBurstLength", "262144",
                        "MaxRecvDataSegmentLength", "262144",
                        "DefaultTime2Retain", "0"),
                false);

        LoginKeys answer = target.receive(LoginKeys.parse(ByteBuffer.wrap(request.toBytes()), 64));

        for (LoginKeys.Pair pair : lio.pairs()) {
            if (OperationalKey.named(pair.key()) != null) {
                assertThat(answer.get(pair.key())).as(pair.key()).isNotNull();
            }
        }
        assertThat(answer.get("InitialR2T")).isEqualTo("No");
        assertThat(answer.get("MaxBurstLength")).isEqualTo("1048576");
        assertThat(answer.pairs())
                .as("open-iscsi ends the login on a key that it did not ask about")
                .allSatisfy(pair -> assertThat(request.get(pair.key())).isNotNull());
    }

    @Test
    void an_initiator_with_the_wishes_of_open_iscsi_settles_with_LIO_and_tgt() {
        var wishes = LoginKeys.EMPTY;
        for (LoginKeys.Pair pair : text("login-open-iscsi.txt").pairs()) {
            if (OperationalKey.named(pair.key()) != null) {
                wishes = wishes.plus(pair.key(), pair.value());
            }
        }
        var withLio = new Negotiation(wishes, false);
        assertThat(withLio.offer().pairs()).hasSize(16);

        assertThat(withLio.receive(text("login-lio.txt"))).isEqualTo(LoginKeys.EMPTY);

        assertThat(withLio.parameters())
                .isEqualTo(new SessionParameters(
                        Digest.NONE, Digest.NONE, 262144, 262144, true, true, 262144, 65536, 1, 2, 0));

        ByteBuffer response = pdu("login response");
        var withTgt = new Negotiation(wishes, false);
        withTgt.offer();
        withTgt.receive(LoginKeys.parse(response.slice(Bhs.BYTES, Bhs.dataBytes(response, 0)), 64));
        assertThat(withTgt.parameters().maxSendBytes()).isEqualTo(8192);
        assertThat(withTgt.parameters().initialR2t()).isTrue();
    }

    private static ByteBuffer pdu(String name) {
        byte[] bytes = PDUS.get(name);
        assertThat(bytes).as(name).isNotNull();
        return ByteBuffer.wrap(bytes.clone());
    }

    private static LoginKeys text(String file) {
        LoginKeys keys = LoginKeys.EMPTY;
        for (String line : lines(file)) {
            String[] pair = line.split("=", 2);
            keys = keys.plus(pair[0], pair[1]);
        }
        return keys;
    }

    private static List<String> lines(String file) {
        try (var in = IscsiGoldenTest.class.getResourceAsStream("/golden/iscsi/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
