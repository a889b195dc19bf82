package pnfs.layout.extent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.random.RandomGenerator;
import pnfs.testing.Seeds;

class RangeSetModelTest {
    private static final int BYTES = 80;

    @Seeds(300)
    void the_set_agrees_with_one_bit_a_byte(RandomGenerator random) {
        var set = new RangeSet();
        var model = new BitSet();
        for (int step = 0; step < 60; step++) {
            int from = random.nextInt(BYTES);
            int end = from + random.nextInt(BYTES - from + 1);
            var range = new ByteRange(from, end);
            if (random.nextInt(5) < 3) {
                set.add(range);
                model.set(from, end);
            } else {
                set.remove(range);
                model.clear(from, end);
            }

            assertThat(bits(set, ByteRange.all())).isEqualTo(model);
            assertThat(set.count()).as("ranges never touch").isEqualTo(runs(model));
            assertThat(set.isEmpty()).isEqualTo(model.isEmpty());
            int at = random.nextInt(BYTES);
            var part = new ByteRange(at, at + random.nextInt(BYTES - at));
            var expected = new BitSet();
            expected.set((int) part.offset(), (int) part.end());
            expected.and(model);
            assertThat(bits(set, part)).isEqualTo(expected);
            var outside = new BitSet();
            set.outside(part).forEach(gap -> outside.set((int) gap.offset(), (int) gap.end()));
            expected.flip((int) part.offset(), (int) part.end());
            assertThat(outside).isEqualTo(expected);
            expected.flip((int) part.offset(), (int) part.end());
            assertThat(set.overlaps(part)).isEqualTo(!expected.isEmpty());
            assertThat(set.firstIn(part)).isEqualTo(expected.isEmpty() ? part.end() : expected.nextSetBit(0));
        }
    }

    private static BitSet bits(RangeSet set, ByteRange within) {
        var bits = new BitSet();
        for (ByteRange range : set.intersect(within)) {
            bits.set((int) range.offset(), (int) range.end());
        }
        return bits;
    }

    private static int runs(BitSet bits) {
        int runs = 0;
        for (int at = bits.nextSetBit(0); at >= 0; at = bits.nextSetBit(bits.nextClearBit(at))) {
            runs++;
        }
        return runs;
    }
}
