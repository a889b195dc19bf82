package pnfs.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import pnfs.client.SlotTable.Slot;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.xdr.Opaque;

class SlotTableTest {
    private final SlotTable table = new SlotTable(8);

    /// What a server says that has slots up to `highest` and wants those up to `target` to be used.
    private static SequenceResult answer(int highest, int target) {
        return new SequenceResult(Opaque.EMPTY, 1, 0, highest, target, 0);
    }

    private Slot[] take(int count) throws Exception {
        var taken = new Slot[count];
        for (int i = 0; i < count; i++) {
            taken[i] = table.take();
        }
        return taken;
    }

    @Test
    void the_lowest_free_slot_comes_first_and_the_highest_in_use_is_told() throws Exception {
        Slot[] slots = take(3);
        assertThat(table.highest()).isEqualTo(2);

        table.give(slots[0]);
        table.give(slots[2]);

        assertThat(table.highest()).isEqualTo(1);
        assertThat(table.take().id()).isZero();
        assertThat(table.take().id()).isEqualTo(2);
    }

    /// Whether nobody gets a slot before one is given back.
    private boolean isFull() {
        Thread.currentThread().interrupt();
        try {
            table.give(table.take());
            return false;
        } catch (InterruptedIOException e) {
            return true;
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void a_recalled_slot_is_not_taken_again_though_it_is_free() throws Exception {
        Slot[] slots = take(8);

        table.recall(1);

        for (int id = 7; id > 1; id--) {
            assertThat(isFull()).isTrue();
            table.give(slots[id]);
        }
        assertThat(table.highest()).isEqualTo(1);
        assertThat(isFull()).isTrue();
        table.give(slots[1]);
        assertThat(table.take().id()).isEqualTo(1);
    }

    @Test
    void who_waits_goes_on_when_more_slots_are_allowed_again() throws Exception {
        Slot[] slots = take(2);
        table.heard(slots[0], answer(7, 1));
        table.give(slots[0]);
        Slot asking = table.take();
        CompletableFuture<Integer> next = CompletableFuture.supplyAsync(() -> {
            try {
                return table.take().id();
            } catch (InterruptedIOException e) {
                throw new AssertionError(e);
            }
        });

        table.heard(asking, answer(7, 7));

        assertThat(next.get()).isEqualTo(2);
    }

    @Test
    void a_slot_that_the_server_kept_goes_on_and_one_that_it_forgot_begins_anew() throws Exception {
        Slot[] slots = take(8);
        for (Slot slot : slots) {
            slot.answered();
            table.give(slot);
        }
        Slot asked = table.take();
        table.heard(asked, answer(5, 2));
        table.give(asked);

        Slot again = table.take();
        table.heard(again, answer(7, 7));
        table.give(again);

        for (Slot slot : take(8)) {
            assertThat(slot.sequence()).as("slot %s", slot.id()).isEqualTo(slot.id() <= 5 ? 2 : 1);
        }
    }

    @Test
    void an_answer_from_before_the_last_change_changes_nothing() throws Exception {
        Slot[] slots = take(8);
        table.heard(slots[7], answer(7, 1));
        table.heard(slots[0], answer(7, 7));
        for (Slot slot : slots) {
            table.give(slot);
        }

        take(2);
        assertThat(isFull()).isTrue();
    }

    @Test
    void the_first_slot_is_never_taken_away() throws Exception {
        table.recall(-1);
        table.recall(0);
        Slot slot = table.take();
        table.heard(slot, answer(-1, -1));

        assertThat(slot.id()).isZero();
    }
}
