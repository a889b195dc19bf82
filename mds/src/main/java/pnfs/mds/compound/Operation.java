package pnfs.mds.compound;

import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;

/// One operation of a COMPOUND. Runs on a connection's loop, to its end, without waiting for anything: it
/// decides under the locks of its files, appends its changes to the store, tells the state which ticket its
/// answer depends on ([CompoundState#dependsOn]), and returns.
@FunctionalInterface
public interface Operation<A extends OpArgs> {
    /// Throws [pnfs.wire.nfs4.NfsException] to refuse; a result with a body for its error is returned instead.
    OpResult run(A args, CompoundState state);
}
