package pnfs.mds.session;

import java.util.EnumSet;

/// Where a client stands, from its first EXCHANGE_ID to the end of everything it held. RFC 8881 §8.3.
public enum LeaseState {
    /// EXCHANGE_ID seen, no session yet.
    UNCONFIRMED,
    /// Renewed within the lease period.
    ACTIVE,
    /// The period is over, but nobody wants what this client holds.
    COURTESY,
    /// Gone, and with it all it held.
    RELEASED;

    /// The whole machine; a state without a row does not compile.
    EnumSet<LeaseState> successors() {
        return switch (this) {
            case UNCONFIRMED -> EnumSet.of(ACTIVE, RELEASED);
            case ACTIVE -> EnumSet.of(COURTESY, RELEASED);
            case COURTESY -> EnumSet.of(ACTIVE, RELEASED);
            case RELEASED -> EnumSet.noneOf(LeaseState.class);
        };
    }
}
