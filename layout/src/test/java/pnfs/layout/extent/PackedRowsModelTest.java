package pnfs.layout.extent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import pnfs.testing.Seeds;

class PackedRowsModelTest {
    /// More than one branch holds (64 rows × 128 leaves), so that branches split too.
    private static final int MANY = 12_000;

    @Seeds(30)
    void rows_agree_with_a_sorted_map_through_growth_and_shrinking(RandomGenerator random) {
        var rows = new PackedRows();
        var model = new TreeMap<Long, Long>();
        int spacing = random.nextInt(3);
        int target = 1 + random.nextInt(MANY);

        for (long i = 0; model.size() < target; i++) {
            long key = switch (spacing) {
                case 0 -> i * 3;
                case 1 -> random.nextLong(4L * target);
                // Crowded in front and ever sparser behind, where a guess of the place is always wrong.
                default -> random.nextLong(1L << (1 + random.nextInt(51)));
            };
            rows.put(key, -key, key ^ i);
            model.put(key, key ^ i);
        }
        assertThat(all(rows)).isEqualTo(List.copyOf(model.entrySet()));
        requireSameFloors(rows, model, random);

        int kept = random.nextInt(target);
        while (model.size() > kept) {
            Long key = model.ceilingKey(random.nextLong(model.lastKey() + 1));
            rows.remove(key);
            model.remove(key);
        }
        assertThat(all(rows)).isEqualTo(List.copyOf(model.entrySet()));
        assertThat(rows.size()).isEqualTo(model.size());
        requireSameFloors(rows, model, random);
    }

    private static void requireSameFloors(PackedRows rows, NavigableMap<Long, Long> model, RandomGenerator random) {
        for (int i = 0; i < 200; i++) {
            long key = random.nextLong(-2, model.isEmpty() ? 5 : model.lastKey() + 2);
            PackedRows.Cursor at = rows.floor(key);
            Long expected = model.floorKey(key);
            assertThat(at.onRow() ? (Long) at.first() : null).isEqualTo(expected);
            at.next();
            Long next = expected == null ? (model.isEmpty() ? null : model.firstKey()) : model.higherKey(expected);
            assertThat(at.onRow() ? (Long) at.first() : null).isEqualTo(next);
        }
    }

    private static List<Map.Entry<Long, Long>> all(PackedRows rows) {
        var entries = new ArrayList<Map.Entry<Long, Long>>();
        PackedRows.Cursor at = rows.floor(-1);
        at.next();
        while (at.onRow()) {
            assertThat(at.second()).isEqualTo(-at.first());
            entries.add(Map.entry(at.first(), at.third()));
            at.next();
        }
        return entries;
    }
}
