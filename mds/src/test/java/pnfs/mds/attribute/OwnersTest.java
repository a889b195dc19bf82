package pnfs.mds.attribute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OwnersTest {
    @Test
    void a_file_of_names_may_have_comments_and_empty_lines() {
        Owners owners = Owners.of("example.org", List.of("# people", "", "  user\talice  1000 # she", "group alice 7"));

        assertThat(owners.user(1000)).isEqualTo("alice@example.org");
        assertThat(owners.group(7)).isEqualTo("alice@example.org");
        assertThat(owners.gid("alice@example.org")).isEqualTo(7);
        assertThat(owners.user(-2)).isEqualTo("4294967294");
        assertThat(owners.uid("4294967294")).isEqualTo(-2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "user alice",
                "user alice 1 2",
                "owner alice 1",
                "user alice -1",
                "user a@b 1",
                "user a 4294967296"
            })
    void a_line_that_says_nothing_is_refused_with_its_number(String line) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Owners.of("example.org", List.of("user root 0", line)))
                .withMessageContaining("line 2")
                .withMessageContaining("user NAME NUMBER");
    }

    @Test
    void no_name_and_no_number_stands_for_two() {
        assertThatIllegalArgumentException().isThrownBy(() -> Owners.of("d", List.of("user a 1", "user b 1")));
        assertThatIllegalArgumentException().isThrownBy(() -> Owners.of("d", List.of("user a 1", "user a 2")));
        assertThatIllegalArgumentException().isThrownBy(() -> Owners.of("", List.of()));
    }
}
