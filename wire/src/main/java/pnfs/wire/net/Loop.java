package pnfs.wire.net;

/// One thread that serves its connections for their whole life. What runs on it must not wait.
/// Everything here may be called from any thread.
public interface Loop {
    /// Runs `task` on the loop, later, after the tasks that came before it from the same thread.
    /// Throws [java.util.concurrent.RejectedExecutionException] once the loop has ended.
    void execute(Runnable task);

    /// Runs `task` on the loop once, `delayNanos` from now at the earliest. Throws as [#execute] does.
    Timer schedule(long delayNanos, Runnable task);

    /// The loop's monotonic clock.
    long nowNanos();

    /// Whether the caller is on the loop.
    boolean inLoop();

    interface Timer {
        /// After this returned on the loop the task will not run. Elsewhere it may be running already.
        void cancel();
    }
}
