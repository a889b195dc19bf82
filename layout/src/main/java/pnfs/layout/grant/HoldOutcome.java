package pnfs.layout.grant;

import java.util.Set;

/// Whether I/O of the metadata server's own may begin.
public sealed interface HoldOutcome {
    record Held(ProxyHold hold) implements HoldOutcome {}

    /// Layouts are in the way: NFS4ERR_DELAY until they are returned. Without holders: layouts of an earlier run,
    /// whose clients are still to be fenced, or a write of ours that a data server which is away may still carry
    /// out.
    record Conflict(Set<Long> holders) implements HoldOutcome {}

    /// Other I/O of ours is in the way and will be over by itself: try again then.
    record Busy() implements HoldOutcome {}

    record Refused(Refusal refusal, String detail) implements HoldOutcome {}
}
