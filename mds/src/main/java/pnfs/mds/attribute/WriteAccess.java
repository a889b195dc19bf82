package pnfs.mds.attribute;

import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.Stateid;

/// Whether a stateid lets its bearer change a file's size; the open room implements it.
@FunctionalInterface
public interface WriteAccess {
    /// Refuses a stateid that does not.
    ///
    /// @throws NfsException BAD_STATEID, OLD_STATEID, OPENMODE, LOCKED, GRACE; ACCESS for a special stateid of
    ///     somebody who may not write
    void requireWrite(Stateid stateid, Inode file, CompoundState state);
}
