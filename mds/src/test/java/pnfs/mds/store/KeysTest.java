package pnfs.mds.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import org.junit.jupiter.api.Test;

class KeysTest {
    @Test
    void no_two_kinds_of_record_share_a_prefix() {
        var prefixes = new HashSet<Byte>();

        for (Keys kind : Keys.values()) {
            assertThat(prefixes.add(kind.first()[0])).as(kind.name()).isTrue();
        }
    }

    @Test
    void the_range_of_a_prefix_holds_what_begins_with_it_and_no_more() {
        byte[] start = {1, 2, (byte) 0xff, (byte) 0xff};

        byte[] end = Keys.after(start);

        assertThat(end).containsExactly(1, 3);
        assertThat(Arrays.compareUnsigned(new byte[] {1, 2, (byte) 0xff, (byte) 0xff, (byte) 0xff}, end))
                .isNegative();
    }

    @Test
    void the_order_of_keys_is_the_order_of_numbers() {
        assertThat(Arrays.compareUnsigned(Keys.INODE.of(255), Keys.INODE.of(256)))
                .isNegative();
        assertThat(Arrays.compareUnsigned(Keys.EXTENT.of(1, Long.MAX_VALUE), Keys.EXTENT.of(2, 0)))
                .isNegative();
    }
}
