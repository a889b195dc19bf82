package pnfs.mds.lock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.mds.lock.ByteRangeLocks.Held;
import pnfs.mds.lock.ByteRangeLocks.Kind;
import pnfs.testing.Seeds;
import pnfs.wire.nfs4.FileRange;

class ByteRangeLocksModelTest {
    private static final int BYTES = 40;
    private static final List<String> OWNERS = List.of("anna", "boris", "chen");

    /// The model: for each owner and byte, what it holds there.
    @Seeds(300)
    void locks_agree_with_an_array_of_bytes_for_each_owner(RandomGenerator random) {
        var locks = new ByteRangeLocks<String>();
        var model = new @Nullable Kind[OWNERS.size()][BYTES];

        for (int step = 0; step < 80; step++) {
            int owner = random.nextInt(OWNERS.size());
            int offset = random.nextInt(BYTES);
            var range = new FileRange(offset, random.nextInt(offset + 1, BYTES + 1));
            Kind kind = random.nextBoolean() ? Kind.READ : Kind.WRITE;
            if (random.nextInt(3) == 0) {
                locks.unlock(OWNERS.get(owner), range, ByteRangeLocks.Changes.unheard());
                fill(model[owner], range, null);
            } else {
                boolean free = isFree(model, owner, range, kind);
                assertThat(locks.conflict(OWNERS.get(owner), range, kind).isEmpty())
                        .isEqualTo(free);
                if (free) {
                    locks.lock(OWNERS.get(owner), range, kind, ByteRangeLocks.Changes.unheard());
                    fill(model[owner], range, kind);
                }
            }

            int expected = 0;
            for (int i = 0; i < OWNERS.size(); i++) {
                List<Held<String>> runs = runs(OWNERS.get(i), model[i]);
                assertThat(locks.of(OWNERS.get(i))).isEqualTo(runs);
                assertThat(locks.holdsAny(OWNERS.get(i))).isEqualTo(!runs.isEmpty());
                expected += runs.size();
            }
            assertThat(locks.count()).isEqualTo(expected);
        }
    }

    @Test
    void a_conflict_names_the_lowest_lock_in_the_way() {
        var locks = new ByteRangeLocks<String>();
        locks.lock("anna", new FileRange(10, 20), Kind.WRITE, ByteRangeLocks.Changes.unheard());
        locks.lock("boris", new FileRange(0, 5), Kind.READ, ByteRangeLocks.Changes.unheard());
        locks.lock("chen", new FileRange(30, Long.MAX_VALUE), Kind.WRITE, ByteRangeLocks.Changes.unheard());

        assertThat(locks.conflict("dora", new FileRange(0, Long.MAX_VALUE), Kind.READ))
                .contains(new Held<>("anna", new FileRange(10, 20), Kind.WRITE));
        assertThat(locks.conflict("dora", new FileRange(0, Long.MAX_VALUE), Kind.WRITE))
                .contains(new Held<>("boris", new FileRange(0, 5), Kind.READ));
        assertThat(locks.conflict("chen", new FileRange(40, 50), Kind.READ)).isEmpty();
    }

    private static boolean isFree(@Nullable Kind[][] model, int owner, FileRange range, Kind kind) {
        for (int other = 0; other < model.length; other++) {
            for (int at = (int) range.offset(); at < range.end(); at++) {
                Kind held = model[other][at];
                if (other != owner && held != null && (kind == Kind.WRITE || held == Kind.WRITE)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static void fill(@Nullable Kind[] bytes, FileRange range, @Nullable Kind kind) {
        Arrays.fill(bytes, (int) range.offset(), (int) range.end(), kind);
    }

    private static List<Held<String>> runs(String owner, @Nullable Kind[] bytes) {
        var runs = new ArrayList<Held<String>>();
        for (int at = 0; at < BYTES; ) {
            int end = at + 1;
            while (end < BYTES && bytes[end] == bytes[at]) {
                end++;
            }
            if (bytes[at] != null) {
                runs.add(new Held<>(owner, new FileRange(at, end), bytes[at]));
            }
            at = end;
        }
        return runs;
    }
}
