package pnfs.mds.delegation;

/// Which delegations are granted.
public enum DelegationPolicy {
    OFF,
    /// Read delegations only.
    READ,
    ON
}
