package pnfs.ds.region;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Persistence in a test's hand: answers at once, or when the test says so. What was asked may come from many
/// threads, if it does not [#holds].
public class FakePersistence implements Persistence {
    /// A range to be made durable.
    public record Asked(long offset, long length) {}

    /// In the order in which it came.
    public final List<Asked> asked = Collections.synchronizedList(new ArrayList<>());
    /// Waits for [#answer]; otherwise the answer is [#durable], at once.
    public boolean holds;

    public boolean durable = true;
    /// Keeps no list of what was asked.
    public boolean forgets;

    private boolean failed;

    private final ArrayDeque<Waiter> waiting = new ArrayDeque<>();

    @Override
    public void persist(long offset, long length, Waiter waiter) {
        if (!forgets) {
            asked.add(new Asked(offset, length));
        }
        if (holds) {
            waiting.add(waiter);
        } else {
            answer(waiter, durable);
        }
    }

    private void answer(Waiter waiter, boolean good) {
        failed |= !good;
        waiter.persisted(good);
    }

    /// How many have not been answered.
    public int waiting() {
        return waiting.size();
    }

    public void answerNext(boolean good) {
        answer(waiting.removeFirst(), good);
    }

    /// Answers all, and who asks meanwhile.
    public void answer(boolean good) {
        while (!waiting.isEmpty()) {
            answerNext(good);
        }
    }

    @Override
    public Durability durability() {
        return Durability.MSYNC;
    }

    @Override
    public boolean hasFailed() {
        return failed;
    }

    @Override
    public void close() {}
}
