package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class NegotiationTest {
    private static final List<String> YES_NO = List.of("Yes", "No");

    @Test
    void all_combinations_of_both_ends_wishes_settle_to_the_same_parameters_on_both_ends() {
        for (var initiatorR2t : YES_NO) {
            for (var targetR2t : YES_NO) {
                for (var initiatorImmediate : YES_NO) {
                    for (var targetImmediate : YES_NO) {
                        for (int[] bursts : BURSTS) {
                            settle(
                                    wishes(initiatorR2t, initiatorImmediate, bursts[0], bursts[1]),
                                    wishes(targetR2t, targetImmediate, bursts[2], bursts[3]));
                        }
                    }
                }
            }
        }
    }

    /// MaxBurst and FirstBurst of the initiator, then of the target.
    private static final int[][] BURSTS = {
        {262144, 65536, 262144, 65536},
        {16776192, 262144, 1048576, 262144},
        {65536, 262144, 1048576, 262144},
        {512, 512, 16777215, 16777215},
        {1048576, 1048576, 65536, 65536},
        {1048576, 1048576, 65536, 1048576},
    };

    private static LoginKeys wishes(String initialR2t, String immediateData, int maxBurst, int firstBurst) {
        return LoginKeys.of(
                "InitialR2T",
                initialR2t,
                "ImmediateData",
                immediateData,
                "MaxBurstLength",
                Integer.toString(maxBurst),
                "FirstBurstLength",
                Integer.toString(firstBurst));
    }

    private static void settle(LoginKeys initiatorWishes, LoginKeys targetWishes) {
        var initiator = new Negotiation(initiatorWishes, false);
        var target = new Negotiation(targetWishes, false);

        LoginKeys answer = target.receive(initiator.offer());
        LoginKeys rest = initiator.receive(answer);

        assertThat(rest.isEmpty()).as("nothing is left to say, but %s", rest).isTrue();
        SessionParameters settled = initiator.parameters();
        assertThat(target.parameters()).isEqualTo(settled);
        assertThat(settled.initialR2t())
                .isEqualTo(says(initiatorWishes, "InitialR2T") || says(targetWishes, "InitialR2T"));
        assertThat(settled.immediateData())
                .isEqualTo(says(initiatorWishes, "ImmediateData") && says(targetWishes, "ImmediateData"));
        assertThat(settled.maxBurstBytes())
                .isEqualTo(Math.min(number(initiatorWishes, "MaxBurstLength"), number(targetWishes, "MaxBurstLength")));
        int first = Math.min(number(initiatorWishes, "FirstBurstLength"), number(targetWishes, "FirstBurstLength"));
        assertThat(settled.firstBurstBytes()).isEqualTo(Math.min(first, settled.maxBurstBytes()));
        checkUnsolicited(settled);
    }

    private static void checkUnsolicited(SessionParameters settled) {
        for (int bytes : new int[] {0, 512, 4096, settled.firstBurstBytes(), settled.firstBurstBytes() + 512}) {
            int immediate = settled.immediateBytes(bytes);
            int unsolicited = settled.unsolicitedBytes(bytes);

            assertThat(immediate).isBetween(0, bytes).isLessThanOrEqualTo(settled.maxSendBytes());
            assertThat(unsolicited).isBetween(immediate, Math.min(bytes, settled.firstBurstBytes()));
            if (!settled.immediateData()) {
                assertThat(immediate).isZero();
            }
            if (settled.initialR2t()) {
                assertThat(unsolicited).isEqualTo(immediate);
            } else {
                assertThat(unsolicited).isEqualTo(Math.min(bytes, settled.firstBurstBytes()));
            }
        }
    }

    @Seeds(200)
    void what_two_ends_settle_is_the_same_whichever_keys_they_mention(RandomGenerator random) {
        LoginKeys initiatorWishes = randomWishes(random);
        LoginKeys targetWishes = randomWishes(random);
        boolean discovery = random.nextInt(4) == 0;
        var initiator = new Negotiation(initiatorWishes, discovery);
        var target = new Negotiation(targetWishes, discovery);

        LoginKeys offer = shuffled(initiator.offer(), random);
        LoginKeys answer = target.receive(offer);
        initiator.receive(shuffled(answer, random));

        SessionParameters ours = initiator.parameters();
        SessionParameters theirs = target.parameters();
        assertThat(theirs.maxReceiveBytes()).isEqualTo(ours.maxSendBytes());
        assertThat(theirs.maxSendBytes()).isEqualTo(ours.maxReceiveBytes());
        assertThat(theirs.swapped()).isEqualTo(ours);
        assertThat(ours.firstBurstBytes()).isLessThanOrEqualTo(ours.maxBurstBytes());
        for (OperationalKey key : OperationalKey.values()) {
            String said = answer.get(key.text());
            boolean offered = offer.get(key.text()) != null;
            assertThat(said != null).as(key.text()).isEqualTo(offered);
        }
    }

    private static LoginKeys shuffled(LoginKeys keys, RandomGenerator random) {
        var pairs = new ArrayList<>(keys.pairs());
        LoginKeys shuffled = LoginKeys.EMPTY;
        while (!pairs.isEmpty()) {
            LoginKeys.Pair pair = pairs.remove(random.nextInt(pairs.size()));
            shuffled = shuffled.plus(pair.key(), pair.value());
        }
        return shuffled;
    }

    private static LoginKeys randomWishes(RandomGenerator random) {
        LoginKeys wishes = LoginKeys.EMPTY;
        for (OperationalKey key : OperationalKey.values()) {
            if (random.nextBoolean()) {
                wishes = wishes.plus(key.text(), randomValue(key, random));
            }
        }
        return wishes;
    }

    private static String randomValue(OperationalKey key, RandomGenerator random) {
        return switch (key) {
            case HEADER_DIGEST, DATA_DIGEST -> random.nextBoolean() ? "None,CRC32C" : "CRC32C,None";
            case MAX_CONNECTIONS, MAX_OUTSTANDING_R2T -> Integer.toString(random.nextInt(1, 65536));
            case DEFAULT_TIME2WAIT, DEFAULT_TIME2RETAIN -> Integer.toString(random.nextInt(3601));
            case ERROR_RECOVERY_LEVEL -> Integer.toString(random.nextInt(3));
            case MAX_RECV_DATA_SEGMENT_LENGTH, MAX_BURST_LENGTH, FIRST_BURST_LENGTH ->
                random.nextBoolean()
                        ? Integer.toString(random.nextInt(512, 1 << 24))
                        : "0x" + Integer.toHexString(random.nextInt(512, 1 << 24));
            case INITIAL_R2T, IMMEDIATE_DATA, DATA_PDU_IN_ORDER, DATA_SEQUENCE_IN_ORDER, IF_MARKER, OF_MARKER ->
                random.nextBoolean() ? "Yes" : "No";
        };
    }

    @Test
    void keys_of_sessions_are_irrelevant_in_discovery_and_strangers_are_not_understood() {
        var target = new Negotiation(LoginKeys.EMPTY, true);

        LoginKeys answer = target.receive(LoginKeys.of(
                "InitiatorName", "iqn.2024-01.lab:a",
                "SessionType", "Discovery",
                "MaxBurstLength", "262144",
                "ErrorRecoveryLevel", "0",
                "X-com.example.flavour", "sweet"));

        assertThat(answer)
                .isEqualTo(LoginKeys.of(
                        "X-com.example.flavour", "NotUnderstood",
                        "MaxBurstLength", "Irrelevant",
                        "ErrorRecoveryLevel", "0",
                        "MaxRecvDataSegmentLength", "8192"));
    }

    @Test
    void an_offer_out_of_range_is_rejected_and_the_absent_value_stays() {
        var target = new Negotiation(LoginKeys.EMPTY, false);

        LoginKeys answer = target.receive(LoginKeys.of(
                "MaxBurstLength", "511",
                "FirstBurstLength", "99999999999999999999",
                "InitialR2T", "maybe",
                "HeaderDigest", "MD5",
                "MaxConnections", "0x"));

        for (LoginKeys.Pair pair : answer.pairs().subList(0, 5)) {
            assertThat(pair.value()).as(pair.key()).isEqualTo("Reject");
        }
        assertThat(target.parameters().maxBurstBytes()).isEqualTo(262144);
        assertThat(target.parameters().headerDigest()).isEqualTo(Digest.NONE);
    }

    @Test
    void a_target_that_rejects_or_forgets_a_key_leaves_the_absent_value_within_our_offer() {
        var initiator = new Negotiation(
                LoginKeys.of("MaxBurstLength", "65536", "InitialR2T", "No", "ImmediateData", "No"), false);
        initiator.offer();

        initiator.receive(LoginKeys.of("MaxBurstLength", "Reject", "DataDigest", "Irrelevant"));

        SessionParameters settled = initiator.parameters();
        assertThat(settled.maxBurstBytes()).isEqualTo(65536);
        assertThat(settled.initialR2t()).as("silence means Yes").isTrue();
        assertThat(settled.immediateData()).isFalse();
    }

    @Test
    void an_answer_that_cannot_follow_from_the_offer_is_refused() {
        String[][] cases = {
            {"MaxBurstLength", "65537"},
            {"DefaultTime2Wait", "1"},
            {"InitialR2T", "No"},
            {"ImmediateData", "Yes"},
            {"HeaderDigest", "CRC32C"},
            {"HeaderDigest", "None,CRC32C"},
            {"ErrorRecoveryLevel", "1"},
            {"MaxConnections", "-1"},
            {"MaxRecvDataSegmentLength", "100"},
        };
        for (String[] answer : cases) {
            var initiator = new Negotiation(
                    LoginKeys.of("MaxBurstLength", "65536", "ImmediateData", "No", "InitialR2T", "Yes"), false);
            initiator.offer();

            assertThatThrownBy(() -> initiator.receive(LoginKeys.of(answer)))
                    .as(answer[0] + "=" + answer[1])
                    .isInstanceOf(IscsiException.class)
                    .hasMessageContaining(answer[1]);
        }
    }

    @Test
    void a_key_may_come_once_only() {
        var target = new Negotiation(LoginKeys.EMPTY, false);

        assertThatThrownBy(() -> target.receive(LoginKeys.of("InitialR2T", "No", "InitialR2T", "Yes")))
                .isInstanceOf(IscsiException.class);

        target.receive(LoginKeys.of("ImmediateData", "No"));
        assertThatThrownBy(() -> target.receive(LoginKeys.of("ImmediateData", "Yes")))
                .isInstanceOf(IscsiException.class)
                .hasMessage("key ImmediateData came twice");
    }

    @Test
    void an_initiator_that_wants_a_digest_does_not_go_on_without() {
        var initiator = new Negotiation(LoginKeys.of("DataDigest", "CRC32C"), false);
        initiator.offer();

        initiator.receive(LoginKeys.of("HeaderDigest", "None"));

        assertThatThrownBy(initiator::parameters)
                .isInstanceOf(IscsiException.class)
                .hasMessage("peer does not agree to DataDigest=CRC32C");
    }

    private static boolean says(LoginKeys keys, String key) {
        return "Yes".equals(keys.get(key));
    }

    private static int number(LoginKeys keys, String key) {
        String value = keys.get(key);
        return value == null ? -1 : Integer.parseInt(value);
    }
}
