package pnfs.mds.testing;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import pnfs.wire.net.Loop;

/// A loop whose time and turns come from the test.
public final class ManualLoop implements Loop {
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private long nowNanos = 1_000_000_000;

    /// Runs what was given to the loop, and what that gives to it.
    public void run() {
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
        throw new UnsupportedOperationException("no room here waits on a loop's timer");
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
