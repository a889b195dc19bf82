package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.ds.iscsi.RawInitiator.Pdu;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.LoginStage;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.scsi.ScsiStatus;

class LoginTest {
    private static final LoginKeys NAMES = LoginKeys.of(
            "InitiatorName", RawInitiator.NAME, "TargetName", TargetFixture.TARGET, "SessionType", "Normal");

    private final TargetFixture fixture = new TargetFixture();
    private final RawInitiator initiator = fixture.connect();

    private static int status(Pdu response) {
        return Bhs.loginStatus(response.header(), 0);
    }

    @Test
    void the_single_exchange_of_open_iscsi_is_answered_key_by_key() {
        Pdu response = initiator.login(NAMES.plus(LoginKeys.of(
                "HeaderDigest", "None",
                "DataDigest", "None",
                "DefaultTime2Wait", "2",
                "DefaultTime2Retain", "0",
                "IFMarker", "No",
                "OFMarker", "No",
                "ErrorRecoveryLevel", "0",
                "InitialR2T", "No",
                "ImmediateData", "Yes",
                "MaxBurstLength", "16776192",
                "FirstBurstLength", "262144",
                "MaxOutstandingR2T", "1",
                "MaxConnections", "1",
                "DataPDUInOrder", "Yes",
                "DataSequenceInOrder", "Yes",
                "MaxRecvDataSegmentLength", "262144")));

        assertThat(status(response)).isZero();
        assertThat(Bhs.flags(response.header(), 0))
                .isEqualTo(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE));
        assertThat(Bhs.tsih(response.header(), 0)).isNotZero();
        assertThat(Bhs.isid(response.header(), 0)).isEqualTo(initiator.isid);
        assertThat(Bhs.expCmdSn(response.header(), 0)).isEqualTo(100);
        assertThat(Bhs.maxCmdSn(response.header(), 0)).isEqualTo(100 + 32 - 1);
        assertThat(response.keys().pairs())
                .containsExactlyInAnyOrderElementsOf(LoginKeys.of(
                                "TargetPortalGroupTag", "1",
                                "HeaderDigest", "None",
                                "DataDigest", "None",
                                "DefaultTime2Wait", "2",
                                "DefaultTime2Retain", "0",
                                "IFMarker", "No",
                                "OFMarker", "No",
                                "ErrorRecoveryLevel", "0",
                                "InitialR2T", "No",
                                "ImmediateData", "Yes",
                                "MaxBurstLength", "131072",
                                "FirstBurstLength", "65536",
                                "MaxOutstandingR2T", "1",
                                "MaxConnections", "1",
                                "DataPDUInOrder", "Yes",
                                "DataSequenceInOrder", "Yes",
                                "MaxRecvDataSegmentLength", "65536")
                        .pairs());
    }

    @Test
    void security_then_operational_stage_goes_without_authentication() {
        initiator.send(
                initiator.loginRequest(LoginStage.transit(LoginStage.SECURITY, LoginStage.OPERATIONAL)),
                NAMES.plus("AuthMethod", "CHAP,None").toBytes());
        Pdu first = initiator.receive(Opcode.LOGIN_RESPONSE);
        Pdu second = initiator.login(LoginKeys.of("ImmediateData", "No"));

        assertThat(first.keys().get("AuthMethod")).isEqualTo("None");
        assertThat(first.keys().get("TargetPortalGroupTag")).isEqualTo("1");
        assertThat(Bhs.flags(first.header(), 0))
                .isEqualTo(LoginStage.transit(LoginStage.SECURITY, LoginStage.OPERATIONAL));
        assertThat(second.keys().get("ImmediateData")).isEqualTo("No");
        assertThat(status(second)).isZero();
        assertThat(Bhs.statSn(second.header(), 0)).isEqualTo(Bhs.statSn(first.header(), 0) + 1);
    }

    @Test
    void keys_may_come_in_several_pdus() {
        byte[] text = NAMES.plus("InitialR2T", "Yes").toBytes();
        byte[] head = Arrays.copyOf(text, 40);
        byte[] tail = Arrays.copyOfRange(text, 40, text.length);

        initiator.send(initiator.loginRequest(Bhs.CONTINUE | LoginStage.stay(LoginStage.OPERATIONAL)), head);
        Pdu more = initiator.receive(Opcode.LOGIN_RESPONSE);
        initiator.send(
                initiator.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE)), tail);
        Pdu done = initiator.receive(Opcode.LOGIN_RESPONSE);

        assertThat(more.data()).isEmpty();
        assertThat(Bhs.flags(more.header(), 0)).isEqualTo(LoginStage.stay(LoginStage.OPERATIONAL));
        assertThat(status(done)).isZero();
        assertThat(done.keys().get("InitialR2T")).isEqualTo("Yes");
    }

    @ParameterizedTest
    @CsvSource({
        "Normal, iqn.2026-01.test:other, None, 0203",
        "Normal, iqn.2026-01.test:target, CHAP, 0201",
        "Odd, iqn.2026-01.test:target, None, 0209",
    })
    void logins_that_cannot_be_are_refused_with_their_status(String type, String name, String method, String status) {
        Pdu response = initiator.login(LoginKeys.of(
                "InitiatorName", RawInitiator.NAME, "TargetName", name, "SessionType", type, "AuthMethod", method));

        assertThat("%04x".formatted(status(response))).isEqualTo(status);
        assertThat(initiator.connection.closed()).contains("login refused");
        assertThat(fixture.target.sessionCount()).isZero();
    }

    @Test
    void names_must_be_told() {
        assertThat(status(initiator.login(LoginKeys.of("TargetName", TargetFixture.TARGET))))
                .isEqualTo(0x0207);
        assertThat(status(fixture.connect().login(LoginKeys.of("InitiatorName", RawInitiator.NAME))))
                .isEqualTo(0x0207);
    }

    @Test
    void a_higher_version_alone_is_refused() {
        var login = initiator.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE));
        Bhs.putScsiStatus(login, 0, 1);
        initiator.send(login, NAMES.toBytes());

        assertThat(status(initiator.receive())).isEqualTo(0x0205);
    }

    @Test
    void a_connection_for_a_session_is_refused_whether_there_is_one_or_not() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);

        for (int tsih : new int[] {1, 999}) {
            RawInitiator second = fixture.connect();
            var login = second.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE));
            Bhs.putSession(login, 0, second.isid, tsih);
            second.send(login, NAMES.toBytes());
            assertThat(status(second.receive())).isEqualTo(tsih == 1 ? 0x0206 : 0x020a);
        }
        assertThat(initiator.connection.closed()).isNull();
    }

    @Test
    void sessions_are_limited() {
        for (int i = 0; i < 4; i++) {
            RawInitiator other = fixture.connect();
            other.isid = i;
            assertThat(status(other.login(NAMES))).isEqualTo(i < 3 ? 0 : 0x0302);
        }
        assertThat(fixture.target.sessionCount()).isEqualTo(3);
    }

    @Test
    void the_same_port_again_takes_the_place_of_its_former_session() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        RawInitiator again = fixture.connect();
        again.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);

        assertThat(initiator.connection.closed()).contains("logged in again");
        assertThat(again.connection.closed()).isNull();
        assertThat(fixture.target.sessionCount()).isEqualTo(1);
    }

    @Test
    void a_session_that_takes_the_place_of_another_keeps_its_registration_and_another_port_has_none() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        byte[] register = ByteBuffer.allocate(24).putLong(8, 0xabcd).array();
        initiator.send(initiator.command(Bhs.FINAL | Bhs.WRITE, 24, "5f000000000000001800"), register);
        assertThat(Bhs.scsiStatus(initiator.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isZero();
        RawInitiator again = fixture.connect();
        again.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        RawInitiator other = fixture.connect();
        other.isid = 2;
        other.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);

        // RESERVE, Exclusive Access - Registrants Only
        byte[] reserve = ByteBuffer.allocate(24).putLong(0, 0xabcd).array();
        other.send(other.command(Bhs.FINAL | Bhs.WRITE, 24, "5f010600000000001800"), reserve);
        again.send(again.command(Bhs.FINAL | Bhs.WRITE, 24, "5f010600000000001800"), reserve);

        assertThat(Bhs.scsiStatus(other.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(Bhs.scsiStatus(again.receive(Opcode.SCSI_RESPONSE).header(), 0))
                .isZero();
    }

    @Test
    void a_former_session_ends_only_when_its_writes_no_longer_touch_the_volume() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        fixture.persistence.holds = true;
        initiator.send(initiator.write16(Bhs.FINAL, 0, 1), new byte[4096]);

        RawInitiator again = fixture.connect();
        again.send(
                again.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE)),
                NAMES.toBytes());
        assertThat(initiator.connection.closed()).isNotNull();
        assertThat(again.hasAnswer()).as("answered while a write is on its way").isFalse();

        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();
        assertThat(status(again.receive(Opcode.LOGIN_RESPONSE))).isZero();
    }

    @Test
    void a_login_whose_connection_dies_while_it_waits_leaves_no_session() {
        initiator.loginNormally(TargetFixture.TARGET, LoginKeys.EMPTY);
        fixture.persistence.holds = true;
        initiator.send(initiator.write16(Bhs.FINAL, 0, 1), new byte[4096]);
        RawInitiator again = fixture.connect();
        again.send(
                again.loginRequest(LoginStage.transit(LoginStage.OPERATIONAL, LoginStage.FULL_FEATURE)),
                NAMES.toBytes());

        again.connection.close("peer closed");
        fixture.loop.runElsewhere(() -> fixture.persistence.answer(true));
        fixture.loop.runTasks();

        assertThat(fixture.target.sessionCount()).isZero();
        assertThat(again.hasAnswer()).isFalse();
    }

    @Test
    void discovery_tells_the_advertised_portals_and_runs_no_commands() {
        Pdu login = initiator.login(LoginKeys.of("InitiatorName", RawInitiator.NAME, "SessionType", "Discovery"));
        assertThat(status(login)).isZero();

        var text = RawInitiator.header(Opcode.TEXT_REQUEST, Bhs.FINAL);
        Bhs.putCmdSn(text, 0, initiator.cmdSn++);
        Bhs.putInitiatorTaskTag(text, 0, 5);
        Bhs.putTargetTransferTag(text, 0, Bhs.NO_TAG);
        initiator.send(text, LoginKeys.of("SendTargets", "All").toBytes());
        Pdu targets = initiator.receive(Opcode.TEXT_RESPONSE);
        initiator.send(initiator.command(Bhs.FINAL, 0, "00"));

        assertThat(targets.has(Bhs.FINAL)).isTrue();
        assertThat(targets.keys())
                .isEqualTo(LoginKeys.of(
                        "TargetName", TargetFixture.TARGET,
                        "TargetAddress", "192.0.2.7:3260,1",
                        "TargetAddress", "192.0.2.8:3261,1"));
        initiator.receive(Opcode.REJECT);
    }

    @Test
    void other_pdus_before_login_end_the_connection() {
        initiator.send(initiator.command(Bhs.FINAL, 0, "00"));

        assertThat(initiator.connection.closed()).isEqualTo("SCSI Command before login");
    }

    @Test
    void a_login_that_takes_too_long_is_cut_off() {
        fixture.loop.pass(14);
        assertThat(initiator.connection.closed()).isNull();
        fixture.loop.pass(1);
        assertThat(initiator.connection.closed()).isEqualTo("no login in time");
    }

    @Test
    void login_data_is_limited_before_it_is_kept() {
        var login = initiator.loginRequest(LoginStage.stay(LoginStage.OPERATIONAL));
        Bhs.putDataBytes(login, 0, 8193);
        initiator.connection.deliver(RawInitiator.array(login));

        assertThat(initiator.connection.closed()).contains("a data segment of 8193 bytes over 8192");
    }
}
