package pnfs.wire.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class LoginKeysTest {
    @Seeds(200)
    void text_is_read_as_it_was_written_however_it_is_cut_into_segments(RandomGenerator random) {
        LoginKeys keys = LoginKeys.EMPTY;
        for (int i = random.nextInt(20); i > 0; i--) {
            keys = keys.plus("Key." + random.nextInt(5), "v=ä".repeat(random.nextInt(40)));
        }
        byte[] text = keys.toBytes();

        var joined = new TextAssembler();
        for (int from = 0; from < text.length; ) {
            int length = Math.min(text.length - from, random.nextInt(1, 50));
            joined.add(ByteBuffer.wrap(text, from, length));
            from += length;
        }

        assertThat(joined.take(20)).isEqualTo(keys);
        assertThat(joined.take(20)).isEqualTo(LoginKeys.EMPTY);
    }

    @Test
    void values_may_hold_an_equals_sign_and_zero_bytes_too_many_are_passed_over() {
        assertThat(parse("A=b=c\0\0\0D=\0")).isEqualTo(LoginKeys.of("A", "b=c", "D", ""));
    }

    @Test
    void the_first_of_several_values_is_found() {
        LoginKeys keys = parse("TargetName=a\0TargetAddress=1\0TargetName=b\0");

        assertThat(keys.get("TargetName")).isEqualTo("a");
        assertThat(keys.get("Targetname")).isNull();
        assertThat(keys.pairs()).hasSize(3);
    }

    @Test
    void text_that_is_none_or_over_a_limit_is_refused() {
        refused("A=b", "no zero byte");
        refused("just words\0", "byte 0x20");
        refused("justkey\0", "without '='");
        refused("=value\0", "key of 0 bytes");
        refused("K".repeat(64) + "=v\0", "key of 64 bytes");
        refused("K=" + "v".repeat(8193) + "\0", "over 8192");
        refused("K=v\0".repeat(65), "more than 64");
        assertThatThrownBy(() -> LoginKeys.parse(ByteBuffer.wrap(new byte[] {'K', '=', (byte) 0xff, 0}), 1))
                .isInstanceOf(IscsiException.class)
                .hasMessageContaining("UTF-8");

        assertThat(parse("K".repeat(63) + "=" + "v".repeat(8192) + "\0").pairs())
                .hasSize(1);
    }

    @Test
    void segments_that_do_not_end_are_refused_at_64_KiB() {
        var joined = new TextAssembler();
        for (int i = 0; i < 8; i++) {
            joined.add(ByteBuffer.allocate(8192));
        }

        assertThatThrownBy(() -> joined.add(ByteBuffer.allocate(1))).isInstanceOf(IscsiException.class);
    }

    private static LoginKeys parse(String text) {
        return LoginKeys.parse(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), LoginKeys.MAX_LOGIN_PAIRS);
    }

    private static void refused(String text, String why) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(IscsiException.class).hasMessageContaining(why);
    }
}
