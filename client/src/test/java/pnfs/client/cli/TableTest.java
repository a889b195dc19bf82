package pnfs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void columns_are_as_wide_as_their_widest_cell_and_numbers_stand_on_the_right() {
        var table = new Table("NAME", ">SIZE");
        table.row("a", "1.0 KiB");
        table.row("longer", "7 B");

        assertThat(table.toString().lines()).containsExactly("NAME       SIZE", "a       1.0 KiB", "longer      7 B");
    }
}
