package pnfs.mds.compound;

import org.jspecify.annotations.Nullable;
import pnfs.mds.store.Batch;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;

/// What the executor asks of the room that knows sessions: exactly-once execution, RFC 8881 §2.10.6.
public interface Sequencer {
    /// Facts of a COMPOUND that begins with SEQUENCE.
    ///
    /// @param bytes of the whole call, RPC header included
    /// @param operations how many, SEQUENCE included
    /// @param fingerprint of everything behind SEQUENCE: two requests that differ in it are not the same
    ///     request
    record Request(
            RpcConnection connection,
            RpcCredential credential,
            int bytes,
            int operations,
            int fingerprint,
            long nowNanos) {}

    /// What is to be done with the COMPOUND.
    sealed interface Admission {}

    /// Run it. The slot is taken until `turn` is given back.
    ///
    /// @param mostReplyBytes of the whole reply, RPC header included
    /// @param mostCachedBytes as `mostReplyBytes` where the client wants the reply kept
    record Execute(SessionRef session, SequenceResult result, int mostReplyBytes, int mostCachedBytes, Turn turn)
            implements Admission {}

    /// It ran before: answer as then. The array is not to be changed.
    @SuppressWarnings("ArrayRecordComponent") // never compared; the array is written once
    record Replay(byte[] reply) implements Admission {}

    /// It ran before, but its reply was not kept: the operation behind SEQUENCE gets RETRY_UNCACHED_REP.
    record ReplyLost(SequenceResult result) implements Admission {}

    /// A slot in use.
    interface Turn {
        /// Adds to `batch` what lets a retry be answered after a restart too: the COMPOUND is done, and has
        /// changed what is in the store. Nothing where the client did not ask for that.
        ///
        /// @param reply as for [#end]
        void note(Batch batch, byte @Nullable [] reply);

        /// Frees the slot. `reply` is the COMPOUND's reply without the RPC header, kept for a retry, or null
        /// when it is not to be kept. Called when the reply is durable and before it is sent.
        void end(byte @Nullable [] reply);
    }

    /// Finds out what is to be done with a COMPOUND.
    ///
    /// @throws pnfs.wire.nfs4.NfsException with the status of SEQUENCE; slot and lease are then unchanged
    Admission admit(SequenceArgs args, Request request);
}
