package pnfs.wire.rpc;

import pnfs.wire.xdr.XdrReader;

/// What became of a call of ours.
public sealed interface RpcOutcome {
    /// `results` and views of them are valid until the consumer of the outcome returns.
    record Success(XdrReader results) implements RpcOutcome {}

    /// The peer did not run it.
    record Rejected(RpcRejection why) implements RpcOutcome {}

    /// No usable reply: unless it was not sent for want of room, the peer may have run the call or not.
    record Failed(Reason reason, String detail) implements RpcOutcome {}

    enum Reason {
        TIMEOUT,
        CONNECTION_LOST,
        /// [RpcLimits#maxCallsOutstanding] of ours already wait: never sent.
        TOO_MANY_CALLS,
        MALFORMED_REPLY
    }
}
