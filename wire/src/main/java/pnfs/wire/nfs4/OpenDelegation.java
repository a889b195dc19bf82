package pnfs.wire.nfs4;

/// `open_delegation4`, RFC 8881 §18.16: what a client may do without asking, until recalled. `times`: the time
/// attributes too (Linux 6.14 and later).
public sealed interface OpenDelegation {
    record None() implements OpenDelegation {}

    record Read(boolean times, Stateid stateid, boolean recall, AttributeValue.Ace permissions)
            implements OpenDelegation {}

    record Write(boolean times, Stateid stateid, boolean recall, SpaceLimit limit, AttributeValue.Ace permissions)
            implements OpenDelegation {}

    /// `serverWillTell` travels for CONTENTION and RESOURCE only.
    record Refused(NoDelegationReason reason, boolean serverWillTell) implements OpenDelegation {}
}
