package pnfs.mds.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import pnfs.mds.store.engine.MemoryEngine;

/// Threads that each append two batches and amend them, all with the same number, while the engine commits some of
/// what it has and then dies.
class TogetherTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 3_000;
    private static final List<Keys> KINDS = List.of(Keys.INODE, Keys.ENTRY, Keys.SLOT);

    private final MemoryEngine engine = new MemoryEngine();
    private final MetadataStore store = storeOver(engine);

    @RepeatedTest(5)
    void a_crash_leaves_all_of_it_or_nothing(RepetitionInfo repetition) throws InterruptedException {
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < THREADS; i++) {
            long number = i;
            threads.add(Thread.ofPlatform().start(() -> {
                for (int round = 1; round <= ROUNDS; round++) {
                    write(number, round);
                }
            }));
        }
        Thread committer = Thread.ofPlatform().start(() -> {
            var random = new SplittableRandom(repetition.getCurrentRepetition());
            while (store.durableTicket() < THREADS * ROUNDS) { // half of all
                engine.commit(random.nextInt(4));
            }
        });

        for (Thread thread : threads) {
            thread.join();
        }
        committer.join();

        MetadataStore after = storeOver(engine.crash());
        for (int i = 0; i < THREADS; i++) {
            long number = i;
            assertThat(KINDS.stream().map(kind -> value(after, kind, number)).distinct())
                    .hasSize(1);
        }
    }

    private void write(long thread, long round) {
        store.together(
                () -> {
                    append(Keys.INODE, thread, round);
                    append(Keys.ENTRY, thread, round);
                    store.amend(batch(Keys.SLOT, thread, round), 0);
                },
                () -> false);
        assertThat(value(store, Keys.SLOT, thread)).isEqualTo(round);
    }

    private void append(Keys kind, long thread, long round) {
        store.append(batch(kind, thread, round));
    }

    private static Batch batch(Keys kind, long thread, long round) {
        var batch = new Batch();
        batch.put(kind.of(thread), Keys.META.of(round));
        return batch;
    }

    private static long value(MetadataStore from, Keys kind, long thread) {
        byte[] value = from.get(kind.of(thread)).value();
        return value == null ? 0 : Keys.number(value);
    }

    private static MetadataStore storeOver(MemoryEngine engine) {
        return new MetadataStore(engine, Long.MAX_VALUE, failure -> {
            throw new AssertionError(failure);
        });
    }
}
