package pnfs.layout.grant;

import java.util.List;
import java.util.Set;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;

/// The answer to a LAYOUTGET.
public sealed interface GrantOutcome {
    /// The one layout of the reply: `extents` tile `range` exactly.
    record Granted(LayoutStateid stateid, Iomode iomode, ByteRange range, List<Extent> extents, LayoutChanges changes)
            implements GrantOutcome {}

    /// Others are in the way; the reply is LAYOUTTRYLATER.
    ///
    /// @param holders clients with layouts there; empty where it is I/O through the metadata server, or a client
    ///     of an earlier run that is still to be fenced
    record Conflict(Set<Long> holders) implements GrantOutcome {}

    record Refused(Refusal refusal, String detail) implements GrantOutcome {}
}
