package pnfs.mds.testing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import pnfs.wire.net.Loop;

/// A loop whose time and turns come from the test.
public final class ManualLoop implements Loop {
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final NavigableMap<Long, List<Runnable>> timers = new TreeMap<>();
    private long nowNanos = 1_000_000_000;

    /// Runs what was given to the loop, what that gives to it, and what its time has come for.
    public void run() {
        timers.headMap(nowNanos, true).values().removeIf(due -> tasks.addAll(due));
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    public void advance(long amount, TimeUnit unit) {
        nowNanos += unit.toNanos(amount);
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public Timer schedule(long delayNanos, Runnable task) {
        List<Runnable> due = timers.computeIfAbsent(nowNanos + delayNanos, _ -> new ArrayList<>(1));
        due.add(task);
        return () -> due.remove(task);
    }

    @Override
    public long nowNanos() {
        return nowNanos;
    }

    @Override
    public boolean inLoop() {
        return true;
    }
}
