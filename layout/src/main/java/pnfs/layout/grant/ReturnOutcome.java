package pnfs.layout.grant;

import java.util.Optional;

/// The answer to a LAYOUTRETURN.
public sealed interface ReturnOutcome {
    /// Done.
    ///
    /// @param stateid empty when the client has no layout of this type on the file any more
    record Returned(Optional<LayoutStateid> stateid, LayoutChanges changes) implements ReturnOutcome {}

    /// Not yet: the client was asked for it, and what it has yet to commit may be on its way beside the return.
    record Early(String detail) implements ReturnOutcome {}

    record Refused(Refusal refusal, String detail) implements ReturnOutcome {}
}
