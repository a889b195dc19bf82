package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Base64;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import pnfs.testing.Seeds;

class ChapPropertyTest {
    private static ChapCredential anyone(RandomGenerator random) {
        return new ChapCredential(text(random, 1, 255), text(random, 12, 255));
    }

    private static String text(RandomGenerator random, int min, int max) {
        var text = new StringBuilder();
        int length = random.nextInt(min, max + 1);
        while (text.length() < length) {
            text.append((char) random.nextInt('!', '~' + 1));
        }
        return text.toString();
    }

    private static ChapAlgorithm any(RandomGenerator random) {
        return random.nextBoolean() ? ChapAlgorithm.SHA_256 : ChapAlgorithm.MD5;
    }

    @Seeds(100)
    void only_who_knows_the_secret_answers_a_challenge(RandomGenerator random) {
        ChapCredential peer = anyone(random);
        ChapChallenge asked = ChapChallenge.make(any(random));

        LoginKeys answer = asked.answer(peer);

        assertThat(asked.isAnsweredBy(peer, answer)).isTrue();
        assertThat(asked.isAnsweredBy(new ChapCredential(peer.user(), text(random, 12, 255)), answer))
                .isFalse();
        assertThat(asked.isAnsweredBy(peer, ChapChallenge.make(any(random)).answer(peer)))
                .as("an answer to another question")
                .isFalse();
        assertThat(asked.isAnsweredBy(new ChapCredential("x" + text(random, 1, 9), peer.secret()), answer))
                .as("another user with the same secret")
                .isFalse();
    }

    @Seeds(100)
    void an_answer_with_any_bit_changed_is_none(RandomGenerator random) {
        ChapCredential peer = anyone(random);
        ChapChallenge asked = ChapChallenge.make(any(random));
        LoginKeys answer = asked.answer(peer);
        String right = String.valueOf(answer.get("CHAP_R"));
        byte[] bytes = HexFormat.of().parseHex(right.substring(2));

        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        LoginKeys changed = LoginKeys.of(
                "CHAP_N", peer.user(), "CHAP_R", "0x" + HexFormat.of().formatHex(bytes));
        LoginKeys cut = LoginKeys.of("CHAP_N", peer.user(), "CHAP_R", right.substring(0, right.length() - 2));

        assertThat(asked.isAnsweredBy(peer, changed)).isFalse();
        assertThat(asked.isAnsweredBy(peer, cut)).isFalse();
    }

    @Seeds(50)
    void a_challenge_reads_as_it_was_written_in_hex_or_base_64(RandomGenerator random) {
        ChapAlgorithm algorithm = any(random);
        ChapCredential peer = anyone(random);
        ChapChallenge asked = ChapChallenge.make(algorithm);
        byte[] bytes = HexFormat.of()
                .parseHex(String.valueOf(asked.keys().get("CHAP_C")).substring(2));
        LoginKeys base64 = LoginKeys.of(
                "CHAP_I",
                String.valueOf(asked.keys().get("CHAP_I")),
                "CHAP_C",
                "0b" + Base64.getEncoder().encodeToString(bytes));

        for (LoginKeys keys : new LoginKeys[] {asked.keys(), base64}) {
            ChapChallenge read = ChapChallenge.read(algorithm, keys);
            assertThat(read.asksTheSame(asked)).isTrue();
            assertThat(asked.isAnsweredBy(peer, read.answer(peer))).isTrue();
        }
    }

    /// Computed with coreutils: printf '\x10secret-of-twelve\x01\x02\x03\x04' | md5sum, and sha256sum.
    @Test
    void responses_are_those_of_RFC_1994() {
        var peer = new ChapCredential("host", "secret-of-twelve");
        LoginKeys question = LoginKeys.of("CHAP_I", "0x10", "CHAP_C", "0x01020304");

        assertThat(ChapChallenge.read(ChapAlgorithm.MD5, question).answer(peer).get("CHAP_R"))
                .isEqualTo("0x4523c094f8baf051e0d4db178695ce8e");
        assertThat(ChapChallenge.read(ChapAlgorithm.SHA_256, question)
                        .answer(peer)
                        .get("CHAP_R"))
                .isEqualTo("0xa0bf1e9522f2aaa235254c9563ecda1d9d823a3fbfc5d008a87314e23ea826ae");
    }

    @ParameterizedTest
    @CsvSource({"256, 0x00", "-1, 0x00", "x, 0x00", "1, 0x0", "1, 0x", "1, 00", "1, 0bA", "1, 0xzz", "'', 0x00"})
    void a_challenge_that_is_none_is_refused(String identifier, String challenge) {
        assertThatThrownBy(() ->
                        ChapChallenge.read(ChapAlgorithm.MD5, LoginKeys.of("CHAP_I", identifier, "CHAP_C", challenge)))
                .isInstanceOf(IscsiException.class);
    }

    @Test
    void binary_values_are_limited() {
        assertThatThrownBy(() -> ChapChallenge.read(
                        ChapAlgorithm.MD5, LoginKeys.of("CHAP_I", "1", "CHAP_C", "0x" + "00".repeat(1025))))
                .isInstanceOf(IscsiException.class);
        assertThatThrownBy(() -> ChapChallenge.read(ChapAlgorithm.MD5, LoginKeys.of("CHAP_I", "1")))
                .isInstanceOf(IscsiException.class);
    }

    @Test
    void weak_secrets_and_one_secret_for_both_directions_are_refused_without_being_shown() {
        assertThatThrownBy(() -> new ChapCredential("host", "eleven-long"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("11 bytes")
                .hasMessageNotContaining("eleven-long");
        var us = new ChapCredential("host", "secret-of-twelve");
        var them = new ChapCredential("target", "secret-of-twelve");
        assertThatThrownBy(() -> new InitiatorConfig.Chap(us, them)).isInstanceOf(IllegalArgumentException.class);
        assertThat(us.toString()).doesNotContain("secret-of");
    }

    @Test
    void the_first_algorithm_of_a_list_that_we_know_is_taken() {
        assertThat(ChapAlgorithm.firstOf("8,6,5,7")).isEqualTo(ChapAlgorithm.MD5);
        assertThat(ChapAlgorithm.firstOf("7,5")).isEqualTo(ChapAlgorithm.SHA_256);
        assertThat(ChapAlgorithm.firstOf("6,,x")).isNull();
    }
}
