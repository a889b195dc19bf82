package pnfs.wire.net;

import java.util.concurrent.atomic.LongAdder;

/// What a network has seen since it began. Read from any thread.
public final class NetworkCounters {
    final LongAdder accepted = new LongAdder();
    final LongAdder turnedAway = new LongAdder();
    final LongAdder acceptFailures = new LongAdder();
    final LongAdder cutOff = new LongAdder();
    final LongAdder handlerFailures = new LongAdder();

    public NetworkCounters() {}

    /// Connections taken.
    public long accepted() {
        return accepted.sum();
    }

    /// Connections closed at once because their listener had enough.
    public long turnedAway() {
        return turnedAway.sum();
    }

    /// Times the operating system refused to accept, as for want of file descriptors.
    public long acceptFailures() {
        return acceptFailures.sum();
    }

    /// Connections closed because their peer was idle, stalled, or let too much pile up.
    public long cutOff() {
        return cutOff.sum();
    }

    /// Connections closed by an exception of their handler: each is a bug of ours.
    public long handlerFailures() {
        return handlerFailures.sum();
    }
}
