package pnfs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BytesTest {
    @Test
    void a_size_has_one_decimal_and_the_unit_that_keeps_it_below_1024() {
        assertThat(Bytes.human(0)).isEqualTo("0 B");
        assertThat(Bytes.human(1023)).isEqualTo("1023 B");
        assertThat(Bytes.human(1024)).isEqualTo("1.0 KiB");
        assertThat(Bytes.human(1536)).isEqualTo("1.5 KiB");
        assertThat(Bytes.human((1 << 20) - 1)).isEqualTo("1.0 MiB");
        assertThat(Bytes.human(Long.MAX_VALUE)).isEqualTo("8.0 EiB");
    }

    @Test
    void a_rate_is_a_size_for_each_second() {
        assertThat(Bytes.rate(3 << 20, Duration.ofMillis(1500))).isEqualTo("2.0 MiB/s");
    }
}
