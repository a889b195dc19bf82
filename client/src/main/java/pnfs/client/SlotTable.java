package pnfs.client;

import java.io.InterruptedIOException;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.LinkedBlockingDeque;

/// The fore channel's slots of one session (RFC 8881 §2.10.6). A slot carries one compound at a time; its
/// sequence moves on only when the compound's answer is there, so that a compound sent again is known as the
/// same. Safe for all threads.
final class SlotTable {
    private final BlockingDeque<Slot> free = new LinkedBlockingDeque<>();
    private final int size;

    SlotTable(int size) {
        this.size = size;
        for (int id = 0; id < size; id++) {
            free.addLast(new Slot(id));
        }
    }

    /// Waits for a free slot. The one used last comes first, so that few slots are kept warm.
    Slot take() throws InterruptedIOException {
        try {
            return free.takeFirst();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while all slots of the session were in use");
        }
    }

    void give(Slot slot) {
        free.addFirst(slot);
    }

    int highest() {
        return size - 1;
    }

    /// Confined to whoever took it.
    static final class Slot {
        private final int id;
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
