package pnfs.layout.grant;

/// The answer to a LAYOUTCOMMIT.
public sealed interface CommitOutcome {
    /// Done; the reply leaves once the changes are durable.
    ///
    /// @param writtenBytes that were unwritten and are data now; 0 for a commit that was sent again
    /// @param newSize the size the file must have now; never less than it has
    /// @param lostRanges the commit looks like one of Linux up to 6.12 that left out its first page of ranges
    record Committed(long writtenBytes, long newSize, boolean lostRanges, LayoutChanges changes)
            implements CommitOutcome {}

    record Refused(Refusal refusal, String detail) implements CommitOutcome {}
}
