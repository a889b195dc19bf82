package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import pnfs.layout.extent.ByteRange;

class RangeGateTest {
    private static final int BYTES = 8;
    private static final int THREADS = 8;
    private static final int ROUNDS = 2_000;

    /// Plain counters: were two threads inside one byte at once, increments would be lost.
    private final int[] counters = new int[BYTES];

    private final RangeGate gate = new RangeGate();

    @Test
    void never_are_two_inside_the_same_byte_and_nobody_waits_for_ever() {
        int[] entered = new int[BYTES];
        try (var threads = Executors.newFixedThreadPool(THREADS)) {
            List<CompletableFuture<int[]>> runs = IntStream.range(0, THREADS)
                    .mapToObj(seed -> CompletableFuture.supplyAsync(() -> run(new Random(seed)), threads))
                    .toList();
            for (CompletableFuture<int[]> run : runs) {
                int[] its = run.join();
                for (int i = 0; i < BYTES; i++) {
                    entered[i] += its[i];
                }
            }
        }

        assertThat(counters).isEqualTo(entered);
    }

    private int[] run(Random random) {
        var entered = new int[BYTES];
        for (int round = 0; round < ROUNDS; round++) {
            int offset = random.nextInt(BYTES);
            int end = random.nextInt(offset, BYTES) + 1;
            try (var _ = gate.enter(new ByteRange(offset, end))) {
                for (int i = offset; i < end; i++) {
                    counters[i]++;
                    entered[i]++;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return entered;
    }
}
