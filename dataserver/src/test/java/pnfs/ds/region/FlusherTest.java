package pnfs.ds.region;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

/// I5 at the data server: what is acknowledged is durable.
class FlusherTest {
    private final MeterRegistry meters = new SimpleMeterRegistry();

    /// A medium that remembers, in order, when each force began, when it ended and what it covered.
    private static final class RecordingMedium implements Persistence.Force {
        record Forced(long began, long ended, long from, long end) {
            boolean covers(Asked asked) {
                return began > asked.at && from <= asked.from && end >= asked.end;
            }
        }

        record Asked(long at, long from, long end) {}

        final AtomicLong order = new AtomicLong();
        final List<Forced> forced = new ArrayList<>(); // written by the flusher's thread, which also runs the waiters

        @Override
        public void force(long offset, long length) {
            long began = order.incrementAndGet();
            forced.add(new Forced(began, order.incrementAndGet(), offset, offset + length));
        }

        Asked ask(RandomGenerator random) {
            long from = random.nextLong(1 << 30);
            return new Asked(order.incrementAndGet(), from, from + 1 + random.nextLong(1 << 20));
        }
    }

    @Seeds(100)
    void I5_an_acknowledgement_never_comes_before_a_force_that_began_after_the_write_has_covered_it(
            RandomGenerator random) {
        var medium = new RecordingMedium();
        var flusher = new Flusher("test", medium, meters);
        var early = new ArrayList<RecordingMedium.Asked>();
        var answered = new AtomicLong();

        int asks = 0;
        for (int step = 0; step < 60; step++) {
            if (random.nextInt(3) > 0) {
                var asked = medium.ask(random);
                asks++;
                flusher.persist(asked.from(), asked.end() - asked.from(), durable -> {
                    answered.incrementAndGet();
                    if (!durable || medium.forced.stream().noneMatch(forced -> forced.covers(asked))) {
                        early.add(asked);
                    }
                });
            } else {
                flusher.flushOnce();
            }
        }
        flusher.flushOnce();

        assertThat(early).isEmpty();
        assertThat(answered).hasValue(asks);
    }

    @Seeds(5)
    void I5_holds_with_many_threads_asking_at_once(RandomGenerator random) throws InterruptedException {
        var medium = new RecordingMedium();
        var flusher = new Flusher("test", medium, meters).start();
        int threads = 4;
        int asksPerThread = 500;
        var answers = new CountDownLatch(threads * asksPerThread);
        var early = new ArrayList<RecordingMedium.Asked>(); // touched on the flusher's thread only, until it is closed
        var askers = new ArrayList<Thread>();

        for (int t = 0; t < threads; t++) {
            var own = new SplittableRandom(random.nextLong());
            askers.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < asksPerThread; i++) {
                    var asked = medium.ask(own);
                    flusher.persist(asked.from(), asked.end() - asked.from(), durable -> {
                        if (!durable || medium.forced.stream().noneMatch(forced -> forced.covers(asked))) {
                            early.add(asked);
                        }
                        answers.countDown();
                    });
                }
            }));
        }
        for (Thread asker : askers) {
            asker.join();
        }
        answers.await();
        flusher.close();

        assertThat(early).isEmpty();
        assertThat(medium.forced.size()).as("forces shared by many").isLessThan(threads * asksPerThread);
    }

    @Test
    void those_who_ask_while_a_force_runs_share_the_next_one() {
        var medium = new RecordingMedium();
        var flushers = new ArrayList<Flusher>();
        var answers = new ArrayList<String>();
        var flusher = new Flusher(
                "test",
                (offset, length) -> {
                    medium.force(offset, length);
                    if (medium.forced.size() == 1) {
                        flushers.getFirst().persist(8192, 4096, durable -> answers.add("second " + durable));
                        flushers.getFirst().persist(0, 512, durable -> answers.add("third " + durable));
                    }
                },
                meters);
        flushers.add(flusher);
        flusher.persist(4096, 4096, durable -> answers.add("first " + durable));

        flusher.flushOnce();
        assertThat(answers).containsExactly("first true");
        flusher.flushOnce();

        assertThat(answers).containsExactly("first true", "second true", "third true");
        assertThat(medium.forced).hasSize(2).last().satisfies(forced -> {
            assertThat(forced.from()).isZero();
            assertThat(forced.end()).isEqualTo(12_288);
        });
    }

    @Test
    void after_one_failed_force_nothing_is_acknowledged_any_more() {
        var failures = new ArrayList<Boolean>(List.of(true, false));
        var answers = new ArrayList<Boolean>();
        var flusher = new Flusher(
                "test",
                (offset, length) -> {
                    if (failures.removeFirst()) {
                        throw new UncheckedIOException(new IOException("disk on fire"));
                    }
                },
                meters);

        flusher.persist(0, 1, answers::add);
        flusher.flushOnce();
        flusher.persist(0, 1, answers::add);
        flusher.flushOnce();

        assertThat(answers).containsExactly(false, false);
    }

    @Test
    void closing_answers_those_who_wait_and_refuses_those_who_come_later() {
        var medium = new RecordingMedium();
        var before = new CompletableFuture<Boolean>();
        var after = new CompletableFuture<Boolean>();
        var flusher = new Flusher("test", medium, meters).start();

        flusher.persist(0, 1, before::complete);
        flusher.close();
        flusher.persist(0, 1, after::complete);

        assertThat(before).isCompletedWithValue(true);
        assertThat(after).isCompletedWithValue(false);
    }

    @Test
    void a_waiter_that_throws_does_not_silence_the_others() {
        var answers = new ArrayList<Boolean>();
        var flusher = new Flusher("test", new RecordingMedium(), meters);

        flusher.persist(0, 1, durable -> {
            throw new IllegalStateException("bug");
        });
        flusher.persist(0, 1, answers::add);
        flusher.flushOnce();

        assertThat(answers).containsExactly(true);
    }
}
