package pnfs.wire.rpc;

import java.util.concurrent.atomic.LongAdder;

/// What the connections of one [RpcServer] or [RpcClient] have seen. Read from any thread.
public final class RpcCounters {
    final LongAdder calls = new LongAdder();
    final LongAdder rejected = new LongAdder();
    final LongAdder systemErrors = new LongAdder();
    final LongAdder unknownReplies = new LongAdder();
    final LongAdder malformedRecords = new LongAdder();

    RpcCounters() {}

    /// Calls of peers, NULL and rejected ones included.
    public long calls() {
        return calls.sum();
    }

    /// Calls answered with a rejection.
    public long rejected() {
        return rejected.sum();
    }

    /// Calls answered with SYSTEM_ERR after an exception: each is a bug of ours.
    public long systemErrors() {
        return systemErrors.sum();
    }

    /// Replies to no call of ours, or to one that had timed out: ignored.
    public long unknownReplies() {
        return unknownReplies.sum();
    }

    /// Records that were too long or no RPC message: each closed its connection.
    public long malformedRecords() {
        return malformedRecords.sum();
    }
}
