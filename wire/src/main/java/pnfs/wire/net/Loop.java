package pnfs.wire.net;

/// One thread's worth of work: it reads its connections, runs what they ask for to its end, and keeps their
/// timers. What is confined to a connection runs on its loop and needs no lock.
public interface Loop {
    /// Runs `task` on the loop, after what is under way. Any thread may call it.
    void execute(Runnable task);

    /// Runs `task` on the loop once, not before `delayNanos` from now. Any thread may call it.
    Timer schedule(long delayNanos, Runnable task);

    /// Monotonic time, the only clock that protocol code has.
    long nowNanos();

    /// Whether the caller runs on this loop.
    boolean inLoop();

    /// A scheduled task. Cancelling one that has run, or twice, does nothing.
    interface Timer {
        void cancel();
    }
}
