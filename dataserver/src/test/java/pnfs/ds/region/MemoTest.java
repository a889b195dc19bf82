package pnfs.ds.region;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.testing.Seeds;

class MemoTest {
    private final byte[] slots = new byte[RegionHeader.MEMO_BYTES];
    private final FakePersistence persistence = new FakePersistence();

    private Memo open(byte[] bytes) {
        return new Memo(MemorySegment.ofArray(bytes), (offset, length) -> {}, persistence);
    }

    private static byte[] random(RandomGenerator random) {
        var bytes = new byte[random.nextInt(3000)];
        random.nextBytes(bytes);
        return bytes;
    }

    @Test
    void a_new_region_keeps_nothing() {
        assertThat(open(slots).content()).isEmpty();
    }

    @Seeds(100)
    void a_crash_leaves_what_was_kept_last_or_what_was_being_kept(RandomGenerator random) {
        byte[] disk = slots.clone();
        byte @Nullable [] last = null;
        for (int step = 0; step < 10; step++) {
            byte[] next = random(random);
            Memo memo = open(disk);
            byte[] before = disk.clone();
            memo.keep(next, durable -> assertThat(durable).isTrue());

            // Each byte that changed may or may not have reached the disk.
            byte[] torn = before.clone();
            int part = random.nextInt(3);
            for (int i = 0; i < torn.length; i++) {
                if (torn[i] != disk[i] && random.nextInt(3) < part) {
                    torn[i] = disk[i];
                }
            }
            byte @Nullable [] found = open(torn).content().orElse(null);
            assertThat(found).isIn(last, next);

            assertThat(open(disk).content()).contains(next);
            last = next;
        }
    }

    /// What was stored before a kill is there for the next run, durable or not.
    @Seeds(100)
    void kills_and_then_a_power_loss_leave_what_was_kept_last_or_what_was_being_kept(RandomGenerator random) {
        byte[] durable = slots.clone();
        Persistence.Force force =
                (offset, length) -> System.arraycopy(slots, (int) offset, durable, (int) offset, (int) length);
        Persistence.Force killed = (offset, length) -> {
            throw new UncheckedIOException(new IOException("killed before it was durable"));
        };
        var possible = new ArrayList<byte @Nullable []>();
        possible.add(null);
        for (int run = 0; run < 4; run++) {
            Persistence ofRun = InlinePersistence.dax(random.nextBoolean() ? force : killed);
            byte[] next = random(random);
            new Memo(MemorySegment.ofArray(slots), force, ofRun).keep(next, isDurable -> {
                if (isDurable) {
                    possible.clear();
                }
            });
            possible.add(next);
        }

        byte[] torn = durable.clone();
        int part = random.nextInt(3);
        for (int i = 0; i < torn.length; i++) {
            if (random.nextInt(3) < part) {
                torn[i] = slots[i];
            }
        }
        assertThat(open(torn).content().orElse(null)).isIn(possible);
    }

    @Test
    void the_next_content_is_written_when_the_present_one_is_durable_and_the_last_serves_all() {
        persistence.holds = true;
        Memo memo = open(slots);
        var told = new ArrayList<String>();

        memo.keep(new byte[] {1}, durable -> told.add("one " + durable));
        memo.keep(new byte[] {2}, durable -> told.add("two " + durable));
        memo.keep(new byte[] {3}, durable -> told.add("three " + durable));

        assertThat(open(slots).content()).as("only the first is under way").contains(new byte[] {1});
        persistence.answerNext(true);
        assertThat(told).containsExactly("one true");
        assertThat(memo.content()).contains(new byte[] {3});
        persistence.answerNext(false);
        assertThat(told).containsExactly("one true", "two false", "three false");
        assertThat(persistence.waiting()).isZero();
    }

    @Test
    void nothing_is_kept_any_more_where_the_last_good_content_may_be() {
        Memo memo = open(slots);
        memo.keep(new byte[] {1}, durable -> {});
        persistence.holds = true;
        var told = new ArrayList<Boolean>();
        memo.keep(new byte[] {2}, told::add);
        memo.keep(new byte[] {3}, told::add);
        byte[] then = slots.clone();

        persistence.answerNext(false);
        memo.keep(new byte[] {4}, told::add);

        assertThat(told).containsExactly(false, false, false);
        assertThat(slots).isEqualTo(then);
    }

    @Test
    void what_is_too_long_is_a_mistake_of_ours() {
        open(slots).keep(new byte[Memo.MAX_BYTES], durable -> {});

        assertThat(open(slots).content().orElseThrow()).hasSize(Memo.MAX_BYTES);
        assertThatThrownBy(() -> open(slots).keep(new byte[Memo.MAX_BYTES + 1], durable -> {}))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
