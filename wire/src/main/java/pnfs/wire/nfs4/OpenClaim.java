package pnfs.wire.nfs4;

/// `open_claim4`, RFC 8881 §18.16: what is opened, and by what right.
public sealed interface OpenClaim {
    /// `deleg_claim4`: the claims that WANT_DELEGATION knows, RFC 8881 §18.49.
    sealed interface OfDelegation extends OpenClaim {}

    /// CLAIM_NULL: a name in the current directory.
    record ByName(String name) implements OpenClaim {}

    /// After a restart of the server, for the current file.
    record Previous(DelegationType delegation) implements OfDelegation {}

    /// By a delegation that the client holds.
    record DelegateCurrent(Stateid delegation, String name) implements OpenClaim {}

    /// By a delegation from before the client restarted.
    record DelegatePrevious(String name) implements OpenClaim {}

    /// CLAIM_FH: the current file.
    record ByHandle() implements OfDelegation {}

    /// As [DelegateCurrent], for the current file.
    record DelegateCurrentByHandle(Stateid delegation) implements OpenClaim {}

    /// As [DelegatePrevious], for the current file.
    record DelegatePreviousByHandle() implements OfDelegation {}
}
