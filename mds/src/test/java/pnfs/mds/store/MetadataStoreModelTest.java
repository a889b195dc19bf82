package pnfs.mds.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.testing.Seeds;

/// The store beside every state it ever had, as plain maps: too much memory to ship, too plain to be wrong.
class MetadataStoreModelTest {
    private static final int KEYS = 24;

    private MemoryEngine engine = new MemoryEngine();
    private MetadataStore store = storeOver(engine);
    /// The state after each ticket; index 0 is what the run began with.
    private final List<NavigableMap<Integer, Integer>> history = new ArrayList<>(List.of(new TreeMap<>()));
    /// The ticket that last changed each key in this run, removals included.
    private final TreeMap<Integer, Long> changedIn = new TreeMap<>();

    private long durable;

    @Seeds(300)
    void reads_agree_with_the_history_and_name_what_they_depend_on__I3(RandomGenerator random) {
        for (int step = 0; step < 120; step++) {
            step(random);
            checkOneKey(random.nextInt(KEYS));
            checkScan(random);
        }
    }

    @Seeds(300)
    void a_crash_leaves_a_prefix_that_holds_everything_acknowledged__I5(RandomGenerator random) {
        for (int crash = 0; crash < 6; crash++) {
            var acknowledged = new ArrayList<Long>();
            for (int step = random.nextInt(40); step > 0; step--) {
                long ticket = step(random);
                if (ticket > 0) {
                    store.whenDurable(ticket, () -> acknowledged.add(ticket));
                }
            }
            long mostAcknowledged =
                    acknowledged.stream().mapToLong(Long::longValue).max().orElse(0);

            engine = engine.crash();
            store = storeOver(engine);

            NavigableMap<Integer, Integer> recovered = contents();
            assertThat(acknowledged).as("in ticket order").isSorted();
            assertThat(history.subList((int) mostAcknowledged, history.size()))
                    .as("recovered is the state at a ticket that is not older than the last acknowledged")
                    .contains(recovered);
            forget(recovered);
        }
    }

    /// One thing happens; returns its ticket if it was an append.
    private long step(RandomGenerator random) {
        if (random.nextInt(3) == 0) {
            int batches = random.nextInt(4);
            engine.commit(batches);
            durable = Math.min(durable + batches, history.size() - 1);
            assertThat(store.durableTicket()).isEqualTo(durable);
            return 0;
        }
        var batch = new Batch();
        var next = new TreeMap<>(history.getLast());
        long ticket = history.size();
        for (int i = 1 + random.nextInt(5); i > 0; i--) {
            int key = random.nextInt(KEYS);
            changedIn.put(key, ticket);
            if (random.nextInt(3) == 0) {
                batch.delete(Keys.INODE.of(key));
                next.remove(key);
            } else {
                int value = random.nextInt();
                batch.put(Keys.INODE.of(key), Keys.INODE.of(value));
                next.put(key, value);
            }
        }
        history.add(next);
        assertThat(store.append(batch)).isEqualTo(ticket);
        return ticket;
    }

    private void checkOneKey(int key) {
        Stored stored = store.get(Keys.INODE.of(key));

        Integer expected = history.getLast().get(key);
        assertThat(stored.value()).isEqualTo(expected == null ? null : Keys.INODE.of(expected));
        assertThat(stored.ticket()).isEqualTo(pendingTicket(key));
    }

    private void checkScan(RandomGenerator random) {
        int from = random.nextInt(KEYS);
        int to = from + random.nextInt(KEYS);
        int most = random.nextInt(KEYS);
        var seen = new TreeMap<Integer, Integer>();

        long ticket = store.scan(Keys.INODE.of(from), Keys.INODE.of(to), (key, value) -> {
            seen.put(number(key), number(value));
            return seen.size() < most;
        });

        var expected = new TreeMap<Integer, Integer>();
        long youngest = 0;
        for (int key = from; key < to && (expected.size() < most || expected.isEmpty()); key++) {
            youngest = Math.max(youngest, pendingTicket(key));
            Integer value = history.getLast().get(key);
            if (value != null) {
                expected.put(key, value);
            }
        }
        assertThat(seen).isEqualTo(expected);
        assertThat(ticket).isEqualTo(youngest);
    }

    private long pendingTicket(int key) {
        long ticket = changedIn.getOrDefault(key, 0L);
        return ticket > durable ? ticket : 0;
    }

    private NavigableMap<Integer, Integer> contents() {
        var all = new TreeMap<Integer, Integer>();
        store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, value) -> {
            all.put(number(key), number(value));
            return true;
        });
        return all;
    }

    private void forget(NavigableMap<Integer, Integer> recovered) {
        history.clear();
        history.add(recovered);
        changedIn.clear();
        durable = 0;
    }

    private static int number(byte[] bytes) {
        return ByteBuffer.wrap(bytes).getInt(1 + Integer.BYTES);
    }

    private static MetadataStore storeOver(MemoryEngine engine) {
        return new MetadataStore(engine, 1 << 20, failure -> {
            throw new AssertionError(failure);
        });
    }
}
