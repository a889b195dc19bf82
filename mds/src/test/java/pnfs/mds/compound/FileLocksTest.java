package pnfs.mds.compound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FileLocksTest {
    private final FileLocks locks = new FileLocks();
    private final int[] counters = new int[8];

    @Test
    void a_lock_out_of_order_is_reported() {
        assertThat(LockRank.CLIENT.enter()).isTrue();
        assertThat(LockRank.FILE.enter()).isTrue();
        try {
            assertThatThrownBy(LockRank.FILE::enter).hasMessageContaining("FILE wanted while one of rank FILE is held");
            assertThatThrownBy(LockRank.CLIENT::enter).hasMessageContaining("CLIENT wanted while one of rank");
        } finally {
            LockRank.FILE.leave();
            LockRank.CLIENT.leave();
        }
        assertThat(LockRank.FILE.enter() && LockRank.FILE.leave()).isTrue();
    }

    @Test
    void threads_that_name_files_in_any_order_neither_meet_nor_wait_for_each_other() throws InterruptedException {
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 4; t++) {
            var random = new SplittableRandom(t);
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 20_000; i++) {
                    int a = random.nextInt(counters.length);
                    int b = random.nextInt(counters.length);
                    try (var _ = locks.lock(a, b)) {
                        counters[a]++;
                        counters[b]--;
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(Arrays.stream(counters).sum()).isZero();
    }
}
