package pnfs.mds.open;

import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;

/// What a restart of the server means for those who open files; the session room implements it. RFC 8881
/// §8.4.2.
public interface Reclaim {
    /// For whoever takes what others may still want back.
    ///
    /// @throws NfsException GRACE while clients reclaim, or before this one said that it has
    void requireOver(CompoundState state);

    /// For a client that wants something back.
    ///
    /// @throws NfsException NO_GRACE when the time for it is over, RECLAIM_BAD when this client had nothing
    void requireAllowed(CompoundState state);
}
