package pnfs.wire.rpc;

import pnfs.wire.xdr.XdrWriter;

/// How a server says that it did not run a call, RFC 5531 §9.
public sealed interface RpcRejection {
    /// The RPC protocol itself is not of a version between `low` and `high`.
    record RpcMismatch(int low, int high) implements RpcRejection {}

    record AuthError(AuthStatus status) implements RpcRejection {}

    record ProgramUnavailable() implements RpcRejection {}

    /// The program is here, in versions from `low` to `high`.
    record ProgramMismatch(int low, int high) implements RpcRejection {}

    record ProcedureUnavailable() implements RpcRejection {}

    record GarbageArguments() implements RpcRejection {}

    record SystemError() implements RpcRejection {}

    /// What follows the message type of a REPLY.
    default void write(XdrWriter out) {
        switch (this) {
            case RpcMismatch(int low, int high) -> writeDenied(out, 0, low, high);
            case AuthError(AuthStatus status) -> writeDenied(out, 1, status.wire());
            case ProgramUnavailable() -> writeAccepted(out, 1);
            case ProgramMismatch(int low, int high) -> writeAccepted(out, 2, low, high);
            case ProcedureUnavailable() -> writeAccepted(out, 3);
            case GarbageArguments() -> writeAccepted(out, 4);
            case SystemError() -> writeAccepted(out, 5);
        }
    }

    private static void writeDenied(XdrWriter out, int rejectStat, int... more) {
        out.writeUint32(RpcMessage.DENIED);
        out.writeUint32(rejectStat);
        for (int word : more) {
            out.writeUint32(word);
        }
    }

    private static void writeAccepted(XdrWriter out, int acceptStat, int... more) {
        out.writeUint32(RpcMessage.ACCEPTED);
        RpcMessage.writeNoVerifier(out);
        out.writeUint32(acceptStat);
        for (int word : more) {
            out.writeUint32(word);
        }
    }
}
