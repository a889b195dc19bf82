package pnfs.ds.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.ds.iscsi.RawInitiator.Pdu;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.ChapAlgorithm;
import pnfs.wire.iscsi.ChapChallenge;
import pnfs.wire.iscsi.ChapCredential;
import pnfs.wire.iscsi.LoginKeys;
import pnfs.wire.iscsi.LoginStage;
import pnfs.wire.iscsi.Opcode;

class ChapLoginTest {
    private static final ChapCredential HOST = new ChapCredential("host1", "secret-of-host-1");
    private static final ChapCredential TARGET = new ChapCredential("target1", "secret-of-target");
    private static final int STAY = LoginStage.stay(LoginStage.SECURITY);
    private static final int GO = LoginStage.transit(LoginStage.SECURITY, LoginStage.OPERATIONAL);
    private static final LoginKeys NAMES =
            LoginKeys.of("InitiatorName", RawInitiator.NAME, "TargetName", TargetFixture.TARGET);

    private final TargetFixture fixture = fixture(
            "# the lab",
            "",
            "allow " + RawInitiator.NAME + " " + HOST.user() + " " + HOST.secret(),
            "allow iqn.2026-01.test:trusted",
            "prove " + TARGET.user() + " " + TARGET.secret());
    private final RawInitiator initiator = fixture.connect();

    private static TargetFixture fixture(String... rules) {
        return new TargetFixture(new TargetSettings(
                TargetFixture.TARGET,
                List.of(),
                3,
                32,
                65_536,
                131_072,
                65_536,
                15,
                30,
                AccessList.of(List.of(rules))));
    }

    private Pdu say(int flags, LoginKeys keys) {
        initiator.send(initiator.loginRequest(flags), keys.toBytes());
        return initiator.receive(Opcode.LOGIN_RESPONSE);
    }

    private ChapChallenge askedFor(String algorithms) {
        assertThat(say(STAY, NAMES.plus("AuthMethod", "CHAP,None")).keys().get("AuthMethod"))
                .isEqualTo("CHAP");
        LoginKeys question = say(STAY, LoginKeys.of("CHAP_A", algorithms)).keys();
        ChapAlgorithm chosen = ChapAlgorithm.firstOf(String.valueOf(question.get("CHAP_A")));
        return ChapChallenge.read(chosen == null ? ChapAlgorithm.MD5 : chosen, question);
    }

    private static String status(Pdu response) {
        return "%04x".formatted(Bhs.loginStatus(response.header(), 0));
    }

    @ParameterizedTest
    @CsvSource({"5", "7", "'8,6,7,5'"})
    void who_knows_its_secret_gets_in(String algorithms) {
        ChapChallenge asked = askedFor(algorithms);

        Pdu proven = say(GO, asked.answer(HOST));
        Pdu done = initiator.login(LoginKeys.EMPTY);

        assertThat(status(proven)).isEqualTo("0000");
        assertThat(Bhs.flags(proven.header(), 0)).isEqualTo(GO);
        assertThat(proven.keys().get("CHAP_R"))
                .as("no proof that was not asked for")
                .isNull();
        assertThat(status(done)).isEqualTo("0000");
        assertThat(fixture.target.sessionCount()).isEqualTo(1);
    }

    @Test
    void an_initiator_that_wants_to_go_on_too_early_is_kept_in_the_stage() {
        Pdu first = say(GO, NAMES.plus("AuthMethod", "CHAP"));

        assertThat(status(first)).isEqualTo("0000");
        assertThat(Bhs.flags(first.header(), 0)).isEqualTo(STAY);
    }

    @Test
    void the_target_proves_who_it_is_to_those_who_ask() {
        ChapChallenge asked = askedFor("7");
        ChapChallenge counter = ChapChallenge.make(ChapAlgorithm.SHA_256);

        Pdu proven = say(GO, asked.answer(HOST).plus(counter.keys()));

        assertThat(counter.isAnsweredBy(TARGET, proven.keys())).isTrue();
    }

    @Test
    void the_target_proves_nothing_to_those_who_have_not() {
        ChapChallenge asked = askedFor("7");
        ChapChallenge counter = ChapChallenge.make(ChapAlgorithm.SHA_256);
        var liar = new ChapCredential(HOST.user(), "secret-of-nobody");

        Pdu refused = say(GO, asked.answer(liar).plus(counter.keys()));

        assertThat(status(refused)).isEqualTo("0201");
        assertThat(refused.data()).isEmpty();
        assertThat(initiator.connection.closed()).contains("login refused");
    }

    @Test
    void our_own_challenge_sent_back_ends_the_connection_even_with_the_right_answer() {
        ChapChallenge asked = askedFor("7");

        initiator.send(
                initiator.loginRequest(GO),
                asked.answer(HOST).plus(asked.keys()).toBytes());

        assertThat(initiator.hasAnswer()).isFalse();
        assertThat(initiator.connection.closed()).contains("our own CHAP challenge");
    }

    @Test
    void a_proof_that_we_cannot_give_is_refused() {
        TargetFixture silent = fixture("allow * " + HOST.user() + " " + HOST.secret());
        var asking = silent.connect();
        asking.send(asking.loginRequest(STAY), NAMES.plus("AuthMethod", "CHAP").toBytes());
        asking.receive();
        asking.send(asking.loginRequest(STAY), LoginKeys.of("CHAP_A", "5").toBytes());
        ChapChallenge asked =
                ChapChallenge.read(ChapAlgorithm.MD5, asking.receive().keys());
        asking.send(
                asking.loginRequest(GO),
                asked.answer(HOST)
                        .plus(ChapChallenge.make(ChapAlgorithm.MD5).keys())
                        .toBytes());

        assertThat(status(asking.receive())).isEqualTo("0201");
    }

    @Test
    void nobody_comes_around_the_security_stage() {
        assertThat(status(initiator.login(NAMES))).isEqualTo("0201");
        RawInitiator second = fixture.connect();
        second.send(second.loginRequest(GO), NAMES.plus("AuthMethod", "None").toBytes());
        assertThat(status(second.receive())).isEqualTo("0201");
        RawInitiator third = fixture.connect();
        third.send(third.loginRequest(GO), NAMES.toBytes());
        assertThat(status(third.receive())).isEqualTo("0201");
        RawInitiator discovering = fixture.connect();
        assertThat(status(discovering.login(
                        LoginKeys.of("InitiatorName", RawInitiator.NAME, "SessionType", "Discovery"))))
                .isEqualTo("0201");
        assertThat(fixture.target.sessionCount()).isZero();
    }

    @Test
    void the_security_stage_cannot_be_left_before_the_answer() {
        askedFor("7");

        assertThat(status(say(GO, LoginKeys.EMPTY))).isEqualTo("0201");
    }

    @Test
    void algorithms_that_we_do_not_know_are_refused() {
        say(STAY, NAMES.plus("AuthMethod", "CHAP"));

        assertThat(status(say(STAY, LoginKeys.of("CHAP_A", "6,8")))).isEqualTo("0201");
    }

    @Test
    void an_initiator_that_is_trusted_needs_no_proof_and_an_unknown_one_is_forbidden_to_see_anything() {
        assertThat(status(initiator.login(
                        LoginKeys.of("InitiatorName", "iqn.2026-01.test:trusted", "TargetName", TargetFixture.TARGET))))
                .isEqualTo("0000");
        RawInitiator stranger = fixture.connect();
        assertThat(status(stranger.login(
                        LoginKeys.of("InitiatorName", "iqn.2026-01.test:stranger", "SessionType", "Discovery"))))
                .isEqualTo("0202");
    }

    @Test
    void a_list_that_cannot_be_understood_names_its_line_and_no_secret() {
        assertThatThrownBy(() -> AccessList.of(List.of("allow *", "allow a b cccccccccccc d")))
                .hasMessageContaining("line 2")
                .hasMessageNotContaining("cccc");
        assertThatThrownBy(() -> AccessList.of(List.of("allow * u same-secret-123", "prove t same-secret-123")))
                .hasMessageContaining("both directions")
                .hasMessageNotContaining("same-secret");
    }
}
