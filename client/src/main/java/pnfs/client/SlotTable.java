package pnfs.client;

import java.io.InterruptedIOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.OpResult.SequenceResult;

/// The fore channel's slots of one session (RFC 8881 §2.10.6). A slot carries one compound at a time; its
/// sequence moves on only when the compound's answer is there, so that a compound sent again is known as the
/// same. How many may be used the server says in the answer of each SEQUENCE, and with CB_RECALL_SLOT. Safe for
/// all threads; guarded by its own lock.
final class SlotTable {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /// By number; null where the next use is the first.
    private final @Nullable Slot[] slots;

    private final BitSet taken = new BitSet();
    /// Slots that may be taken: those below.
    private int open;
    /// Counts the changes of [#open]. What the server wanted when it answered a compound sent before the last of
    /// them says nothing.
    private int generation;

    SlotTable(int size) {
        this.slots = new Slot[size];
        this.open = size;
    }

    /// Waits for a free slot. The lowest comes first, so that few are in use.
    Slot take() throws InterruptedIOException {
        lock.lock();
        try {
            int id = taken.nextClearBit(0);
            while (id >= open) {
                changed.await();
                id = taken.nextClearBit(0);
            }
            taken.set(id);
            Slot slot = slots[id];
            if (slot == null) {
                slot = new Slot(id);
                slots[id] = slot;
            }
            slot.generation = generation;
            return slot;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while all slots of the session were in use");
        } finally {
            lock.unlock();
        }
    }

    void give(Slot slot) {
        lock.lock();
        try {
            taken.clear(slot.id);
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /// The highest slot that carries a compound.
    int highest() {
        lock.lock();
        try {
            return taken.length() - 1;
        } finally {
            lock.unlock();
        }
    }

    /// What the answer to the compound in `slot` says of the others. Slots above those that the server has are
    /// forgotten by it: one that comes back begins anew.
    void heard(Slot slot, SequenceResult answer) {
        lock.lock();
        try {
            if (slot.generation == generation) {
                int kept = count(answer.highestSlot(), slots.length);
                Arrays.fill(slots, kept, slots.length, null);
                reopen(count(answer.targetHighestSlot(), kept));
            }
        } finally {
            lock.unlock();
        }
    }

    /// The server wants no slot above `highest` to be used: CB_RECALL_SLOT, RFC 8881 §20.8.
    void recall(int highest) {
        lock.lock();
        try {
            reopen(count(highest, open));
        } finally {
            lock.unlock();
        }
    }

    /// How many slots there are up to one: at least the first, at most so many.
    private static int count(int highest, int most) {
        return Math.clamp(Integer.toUnsignedLong(highest) + 1, 1, most);
    }

    private void reopen(int wanted) {
        if (wanted != open) {
            open = wanted;
            generation++;
            changed.signalAll();
        }
    }

    /// Confined to whoever took it.
    static final class Slot {
        private final int id;
        private int generation;
        private int lastSequence;
        private boolean doubtful;

        private Slot(int id) {
            this.id = id;
        }

        int id() {
            return id;
        }

        /// The sequence of the compound to send; wraps from 2^32-1 to 0.
        int sequence() {
            return lastSequence + 1;
        }

        /// The server has executed the compound of [#sequence].
        void answered() {
            lastSequence++;
            doubtful = false;
        }

        /// Nobody waits for the answer any more, so nobody knows whether the compound of [#sequence] was
        /// executed. The sequence must not be given to another one, whose reply could then be that of the
        /// first.
        void doubt() {
            doubtful = true;
        }

        boolean isDoubtful() {
            return doubtful;
        }
    }
}
