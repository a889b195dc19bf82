package pnfs.wire.rpc;

import pnfs.wire.xdr.XdrReader;

/// One version of a program: what stands behind its procedures. The NULL procedure, number 0, never comes here:
/// every program answers it alike.
public interface RpcProgram {
    int NULL_PROCEDURE = 0;

    /// Runs a call on its connection's loop, without waiting, and answers through `reply`: at once, or later
    /// from any thread. `args` and views of them are valid until this returns.
    ///
    /// An [pnfs.wire.xdr.XdrException] that leaves this is answered with GARBAGE_ARGS, any other exception with
    /// SYSTEM_ERR.
    void call(RpcCall call, XdrReader args, RpcReply reply);
}
