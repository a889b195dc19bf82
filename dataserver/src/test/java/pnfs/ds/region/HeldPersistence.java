package pnfs.ds.region;

import java.util.ArrayList;
import java.util.List;

/// Persistence that answers when a test says so.
final class HeldPersistence implements Persistence {
    final List<Waiter> held = new ArrayList<>();
    /// Otherwise it answers at once that all is well.
    boolean holds;

    HeldPersistence(boolean holds) {
        this.holds = holds;
    }

    @Override
    public void persist(long offset, long length, Waiter waiter) {
        if (holds) {
            held.add(waiter);
        } else {
            waiter.persisted(true);
        }
    }

    void answerNext(boolean durable) {
        held.removeFirst().persisted(durable);
    }

    void answerAll(boolean durable) {
        while (!held.isEmpty()) {
            answerNext(durable);
        }
    }

    @Override
    public Durability durability() {
        return Durability.MSYNC;
    }

    @Override
    public boolean hasFailed() {
        return false;
    }

    @Override
    public void close() {}
}
