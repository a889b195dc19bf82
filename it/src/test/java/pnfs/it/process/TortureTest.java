package pnfs.it.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// I4 and I5 on real processes that are killed and cut off again and again: a short `pnfs torture`. What its
/// stamps find is shown on bytes that are wrong on purpose.
class TortureTest {
    private static final int SECTORS = 8;

    @TempDir
    Path folder;

    private final StampedFile file = new StampedFile(7, SECTORS);

    @Test
    void I4_I5_nothing_acknowledged_is_lost_and_nothing_stale_is_read_while_servers_are_killed() throws Exception {
        try (var run = new TortureRun(folder, 3, new SplittableRandom(1))) {
            TortureRun.Result result = run.cycles(1, done -> {});

            assertThat(result.complaints()).isEmpty();
            assertThat(result.isWell()).as(result.text()).isTrue();
            assertThat(result.acknowledgements()).isPositive();
        }
    }

    @Test
    void an_acknowledged_write_that_is_not_there_is_lost() {
        ByteBuffer before = content(file.write(0, SECTORS, 1));
        file.acknowledged();
        file.write(2, 1, 2);
        assertThat(file.check(before))
                .as("not acknowledged, so either is right")
                .isEqualTo(StampedFile.Damage.NONE);

        file.acknowledged();

        StampedFile.Damage damage = file.check(before);
        assertThat(damage.lost()).isEqualTo(1);
        assertThat(damage.staleBytes()).isZero();
        assertThat(damage.first()).startsWith("sector 2 of file 7 holds [file 7, sector 2, generation 1, writer 1]");
    }

    @Test
    void bytes_of_another_file_or_another_place_are_stale() {
        file.write(0, 1, 1);
        file.acknowledged();

        ByteBuffer other = content(new StampedFile(8, SECTORS).write(1, 1, 1));

        assertThat(file.check(other).staleBytes()).isPositive();
    }

    @Test
    void a_write_that_was_not_acknowledged_may_be_there_in_part() {
        ByteBuffer content = content(file.write(0, 1, 1));
        file.acknowledged();
        content.put(100, content(file.write(0, 1, 1)), 100, 4);
        content.putLong(64, 0);

        StampedFile.Damage damage = file.check(content);
        assertThat(damage.lost()).isZero();
        assertThat(damage.staleBytes()).isEqualTo(Long.BYTES);
    }

    private static ByteBuffer content(ByteBuffer begin) {
        return ByteBuffer.allocate(SECTORS * StampedFile.SECTOR_BYTES)
                .put(begin)
                .clear();
    }
}
