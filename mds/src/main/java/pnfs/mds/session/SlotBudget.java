package pnfs.mds.session;

import java.util.concurrent.atomic.AtomicInteger;

/// The slots that all sessions use together: each keeps a reply. When there are too many, every session is
/// asked to do with [SessionLimits#FEW_SLOTS], by target_highest_slotid and CB_RECALL_SLOT (RFC 8881 §2.10.6.1,
/// §20.8), until a quarter is free again. Nobody is refused for it. Safe for any thread.
final class SlotBudget {
    private final int most;
    private final AtomicInteger used = new AtomicInteger();
    private volatile boolean tight;

    SlotBudget(int most) {
        this.most = most;
    }

    int used() {
        return used.get();
    }

    /// Whether sessions should get along with few.
    boolean isTight() {
        return tight;
    }

    void take() {
        if (used.incrementAndGet() > most) {
            tight = true;
        }
    }

    void giveBack(int slots) {
        if (used.addAndGet(-slots) <= most - most / 4) {
            tight = false;
        }
    }
}
