package pnfs.mds.compound;

import java.util.function.Consumer;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpResult;

/// An operation that needs I/O before it can answer: READ and WRITE through this server. It starts on the
/// connection's loop, does not wait there, and hands its answer over later.
@FunctionalInterface
public interface DeferredOperation<A extends OpArgs> {
    /// Starts. Calls `done` exactly once, from any thread, within this call or after; the COMPOUND goes on from
    /// there on its connection's loop. Until then `state` belongs to this operation, and so do the bytes of a
    /// payload in `args`.
    ///
    /// Throws [pnfs.wire.nfs4.NfsException] to refuse before anything was started; a refusal later is a result.
    void run(A args, CompoundState state, Consumer<OpResult> done);
}
