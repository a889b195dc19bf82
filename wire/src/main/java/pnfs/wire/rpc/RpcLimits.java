package pnfs.wire.rpc;

/// What the peer of an RPC connection may use up.
///
/// @param maxRecordBytes a longer message closes the connection
/// @param maxCallsInProgress so many of the peer's calls are worked on at a time; then its further calls wait
///     unread, or, while it owes us replies, are taken up to eight times as many, and then the connection is
///     closed
/// @param maxCallsOutstanding so many of our calls may wait for the peer's reply
public record RpcLimits(int maxRecordBytes, int maxCallsInProgress, int maxCallsOutstanding) {
    /// Room for a READ or WRITE of 1 MiB and what stands around it.
    public static final RpcLimits DEFAULT = new RpcLimits((1 << 20) + (4 << 10), 256, 1024);

    public RpcLimits {
        if (maxRecordBytes < 1 || maxCallsInProgress < 1 || maxCallsOutstanding < 1) {
            throw new IllegalArgumentException("record " + maxRecordBytes + " bytes, calls " + maxCallsInProgress
                    + " in progress, " + maxCallsOutstanding + " outstanding");
        }
    }

    public RpcLimits withMaxRecordBytes(int bytes) {
        return new RpcLimits(bytes, maxCallsInProgress, maxCallsOutstanding);
    }
}
