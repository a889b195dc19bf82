package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamesTest {
    @Test
    void a_path_is_its_names_without_empty_parts_and_dots() {
        assertThat(Names.of("/")).isEmpty();
        assertThat(Names.of("//a/./b/")).containsExactly("a", "b");
        assertThat(Names.of("/a/../../b")).containsExactly("b");
        assertThat(Names.path(List.of("a", "b"))).isEqualTo("/a/b");
    }

    @Test
    void a_relative_link_goes_on_from_its_directory_and_then_with_the_rest_of_the_path() {
        var at = new ArrayList<>(List.of("dir", "below"));
        var rest = new ArrayList<>(List.of("file"));

        Names.follow("../other", at, rest);

        assertThat(at).isEmpty();
        assertThat(rest).containsExactly("dir", "other", "file");
    }
}
