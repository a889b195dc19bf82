package pnfs.wire.rpc;

import pnfs.wire.xdr.XdrWriter;

/// The answer to one call: exactly one of [#send] and [#reject], once, from any thread. If the connection is
/// gone by then it goes nowhere.
public interface RpcReply {
    /// A writer with the header of a successful reply in it, for the results to follow. The first four bytes
    /// are the record mark, which is not part of the message: the reply's size is the writer's position less
    /// four.
    XdrWriter success(int expectedResultBytes);

    /// Sends what [#success] gave. Views in it must stay as they are until they have left.
    void send(XdrWriter success);

    void reject(RpcRejection why);
}
