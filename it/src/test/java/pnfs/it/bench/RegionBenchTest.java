package pnfs.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pnfs.it.bench.RegionBench.Figures;

class RegionBenchTest {
    @TempDir
    Path folder;

    @Test
    void every_kind_of_durability_has_a_row_and_those_of_a_folder_have_figures() throws Exception {
        var report = RegionBench.run(List.of(folder, folder.resolve("none")), Duration.ofMillis(20));

        assertThat(report.durabilities())
                .extracting(Figures::durability)
                .containsExactlyInAnyOrder("DAX", "MSYNC", "VOLATILE");
        assertThat(report.durabilities().getFirst()).satisfies(measured -> {
            assertThat(measured.folder()).isEqualTo(folder.toString());
            assertThat(measured.write4kMicros()).isPositive();
            assertThat(measured.write4kDeepMicros()).isPositive();
            assertThat(measured.writeGbPerSecond()).isPositive();
            assertThat(measured.readGbPerSecond()).isPositive();
        });
        assertThat(folder).isEmptyDirectory();
    }
}
