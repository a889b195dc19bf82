package pnfs.mds.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import pnfs.mds.store.engine.MemoryEngine;

class MetadataStoreTest {
    private final MemoryEngine engine = new MemoryEngine();
    private final MetadataStore store = new MetadataStore(engine, 100, failure -> {});

    @Test
    void a_removal_that_is_not_durable_yet_is_something_a_reply_depends_on__I3() {
        store.append(put(1));
        engine.commitAll();
        var removal = new Batch();
        removal.delete(Keys.INODE.of(1));
        long ticket = store.append(removal);

        Stored stored = store.get(Keys.INODE.of(1));
        long scanned = store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, value) -> {
            throw new AssertionError("nothing is there");
        });

        assertThat(stored.isPresent()).isFalse();
        assertThat(stored.ticket()).isEqualTo(ticket);
        assertThat(scanned).isEqualTo(ticket);
    }

    @Test
    void callbacks_run_in_ticket_order_when_their_group_is_durable() {
        var ran = new ArrayList<Long>();
        long first = store.append(put(1));
        long second = store.append(put(2));
        long third = store.append(put(3));
        store.whenDurable(third, () -> ran.add(third));
        store.whenDurable(first, () -> ran.add(first));
        store.whenDurable(second, () -> ran.add(second));

        engine.commit(2);
        assertThat(ran).containsExactly(first, second);
        engine.commit(1);
        assertThat(ran).containsExactly(first, second, third);
        store.whenDurable(first, () -> ran.add(0L));
        assertThat(ran).endsWith(0L);
    }

    @Test
    void pending_bytes_over_the_limit_are_congestion_until_they_are_durable() {
        while (!store.isCongested()) {
            store.append(put(1));
        }

        assertThat(engine.queued()).isLessThan(100);
        engine.commitAll();
        assertThat(store.isCongested()).isFalse();
    }

    @Test
    void a_batch_cannot_change_after_it_was_appended() {
        Batch batch = put(1);
        store.append(batch);

        assertThatThrownBy(() -> batch.delete(Keys.INODE.of(1))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> store.append(batch)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void an_empty_batch_has_nothing_to_wait_for() {
        assertThat(store.append(new Batch())).isZero();
        assertThat(engine.queued()).isZero();
    }

    @Test
    void what_is_appended_together_is_durable_at_once_with_all_that_came_between() {
        long last = together(() -> {
            store.append(put(1));
            together(() -> store.append(put(2))); // somebody else's
            assertThat(engine.queued()).isZero();
            store.append(put(3));
        });

        assertThat(engine.queued()).isEqualTo(1);
        assertThat(store.durableTicket()).isZero();
        engine.commit(1);
        assertThat(store.durableTicket()).isEqualTo(last);
    }

    @Test
    void what_amends_a_batch_parts_nobody_from_it_and_waits_for_nobody() {
        together(() -> {
            long own = store.append(put(1));
            together(() -> store.append(put(2)));
            assertThat(store.amend(put(3), own)).isEqualTo(own);
        });

        assertThat(engine.queued()).isEqualTo(2);
        engine.commit(1);
        assertThat(store.get(Keys.INODE.of(3)).isPresent()).isTrue();
        assertThat(store.get(Keys.INODE.of(3)).ticket()).isZero();
        assertThat(store.get(Keys.INODE.of(2)).ticket()).isEqualTo(2);
    }

    @Test
    void what_amends_a_batch_is_not_durable_before_what_it_depends_on__I3() {
        together(() -> {
            store.append(put(1));
            long other = together(() -> store.append(put(2)));
            assertThat(store.amend(put(3), other)).isGreaterThan(other);
        });

        assertThat(engine.queued()).isEqualTo(1);
    }

    @Test
    void a_read_from_the_disk_parts_what_may_be_parted() {
        engine.coldWhen(() -> true);
        store.together(
                () -> {
                    store.get(Keys.INODE.of(9));
                    long own = store.append(put(1));
                    store.get(Keys.INODE.of(9));
                    assertThat(engine.queued()).isEqualTo(1);
                    store.get(Keys.INODE.of(9));
                    assertThat(store.amend(put(4), own)).as("comes later").isGreaterThan(own);
                    store.scan(Keys.ENTRY.first(), Keys.ENTRY.end(), (_, _) -> true);
                    assertThat(engine.queued()).isEqualTo(2);
                },
                () -> store.amend(put(3), 0) == store.youngest());

        engine.commit(1);
        assertThat(engine.get(Keys.INODE.of(3))).isNotNull();
        assertThat(engine.get(Keys.INODE.of(4))).isNull();
    }

    @Test
    void a_read_from_the_disk_parts_nothing_that_has_to_stay_together() {
        engine.coldWhen(() -> true);
        together(() -> {
            store.append(put(1));
            store.get(Keys.INODE.of(9));
            assertThat(engine.queued()).isZero();
            store.append(put(2));
        });

        assertThat(engine.queued()).isEqualTo(1);
    }

    @Test
    void what_is_written_outlives_the_process_and_not_the_machine() {
        var ran = new ArrayList<String>();
        long ticket = store.append(put(1));
        store.append(put(2));
        store.whenWritten(ticket, () -> ran.add("written"));
        store.whenDurable(ticket, () -> ran.add("durable"));

        engine.write(1);

        assertThat(ran).containsExactly("written");
        assertThat(store.get(Keys.INODE.of(1)).ticket())
                .as("a crash could still take it")
                .isEqualTo(ticket);
        MemoryEngine other = engine.kill();
        assertThat(other.get(Keys.INODE.of(1))).isNotNull();
        assertThat(other.get(Keys.INODE.of(2))).isNull();
    }

    @Test
    void what_is_durable_is_written() {
        var ran = new ArrayList<String>();
        long ticket = store.append(put(1));
        store.whenDurable(ticket, () -> ran.add("durable"));
        store.whenWritten(ticket, () -> ran.add("written"));

        engine.write(1);
        engine.commitAll();

        assertThat(ran).containsExactly("written", "durable");
        assertThat(engine.crash().get(Keys.INODE.of(1))).isNotNull();
    }

    @Test
    void what_fails_in_between_keeps_nobody_waiting() {
        assertThatThrownBy(() -> together(() -> {
                    store.append(put(1));
                    throw new IllegalStateException("a defect");
                }))
                .hasMessage("a defect");

        assertThat(engine.queued()).isEqualTo(1);
    }

    @Test
    void an_engine_that_fails_never_acknowledges_anything_again() {
        var failing = new FailingEngine();
        var heard = new ArrayList<Throwable>();
        var unlucky = new MetadataStore(failing, 100, heard::add);
        var acknowledged = new ArrayList<String>();
        long ticket = unlucky.append(put(1));
        unlucky.whenDurable(ticket, () -> acknowledged.add("lost"));

        failing.fail(new IllegalStateException("disk full"));

        assertThat(heard).singleElement().satisfies(cause -> assertThat(cause).hasMessage("disk full"));
        long late = unlucky.append(put(2));
        unlucky.whenDurable(late, () -> acknowledged.add("late"));
        assertThat(late).isGreaterThan(ticket);
        assertThat(unlucky.get(Keys.INODE.of(2)).ticket())
                .as("who reads it waits, too")
                .isEqualTo(late);
        assertThat(acknowledged).isEmpty();
    }

    private long together(Runnable work) {
        return store.together(work, () -> false);
    }

    private static Batch put(long key) {
        var batch = new Batch();
        batch.put(Keys.INODE.of(key), Keys.INODE.of(key));
        return batch;
    }

    private static final class FailingEngine implements StoreEngine {
        private @Nullable Listener listener;

        void fail(Throwable cause) {
            if (listener != null) {
                listener.failed(cause);
            }
        }

        @Override
        public void start(Listener listener) {
            this.listener = listener;
        }

        @Override
        public byte @Nullable [] get(byte[] key) {
            return null;
        }

        @Override
        public byte @Nullable [] get(byte[] key, Runnable beforeDisk) {
            return null;
        }

        @Override
        public Cursor open(byte[] fromInclusive, byte[] toExclusive) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Cursor open(byte[] fromInclusive, byte[] toExclusive, Runnable beforeDisk) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void commit(long ticket, Batch batch) {}

        @Override
        public void close() {}
    }
}
