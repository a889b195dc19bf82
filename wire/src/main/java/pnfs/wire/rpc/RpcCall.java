package pnfs.wire.rpc;

/// The header of a call. Immutable.
///
/// @param connection where it came from, and where a callback can be sent to its caller
public record RpcCall(
        int xid, int program, int version, int procedure, RpcCredential credential, RpcConnection connection) {}
