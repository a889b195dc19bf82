package pnfs.wire.rpc;

import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The fixed parts of calls and replies, RFC 5531 §9, with the record mark of §11 in front.
final class RpcMessage {
    static final int CALL = 0;
    static final int REPLY = 1;
    static final int RPC_VERSION = 2;
    static final int ACCEPTED = 0;
    static final int DENIED = 1;
    static final int SUCCESS = 0;
    static final int LAST_FRAGMENT = 1 << 31;
    /// Record mark, xid, message type.
    static final int XID_AT = Integer.BYTES;

    static final int AUTH_NONE = 0;
    /// Largest body of a credential or verifier.
    static final int MAX_AUTH_BYTES = 400;

    private RpcMessage() {}

    /// A REPLY that says success, with room for `resultBytes` of results.
    static XdrWriter success(int xid, int resultBytes) {
        var out = new XdrWriter(7 * Integer.BYTES + resultBytes);
        out.writeUint32(0);
        out.writeUint32(xid);
        out.writeUint32(REPLY);
        out.writeUint32(ACCEPTED);
        writeNoVerifier(out);
        out.writeUint32(SUCCESS);
        return out;
    }

    static XdrWriter rejected(int xid, RpcRejection rejection) {
        var out = new XdrWriter();
        out.writeUint32(0);
        out.writeUint32(xid);
        out.writeUint32(REPLY);
        rejection.write(out);
        return out;
    }

    /// A CALL whose xid is filled in when it is sent.
    static XdrWriter call(int program, int version, int procedure, RpcCredential credential, int argumentBytes) {
        var out = new XdrWriter(64 + argumentBytes);
        out.writeUint32(0);
        out.writeUint32(0);
        out.writeUint32(CALL);
        out.writeUint32(RPC_VERSION);
        out.writeUint32(program);
        out.writeUint32(version);
        out.writeUint32(procedure);
        credential.write(out);
        writeNoVerifier(out);
        return out;
    }

    /// What a REPLY says, read from behind its message type.
    static RpcOutcome readOutcome(XdrReader in) {
        if (in.remaining() % Integer.BYTES != 0) {
            throw new XdrException("reply that is no whole number of words");
        }
        return switch (in.readUint32()) {
            case ACCEPTED -> {
                in.readUint32();
                in.readOpaqueView(MAX_AUTH_BYTES);
                yield readAccepted(in);
            }
            case DENIED -> new RpcOutcome.Rejected(readDenied(in));
            default -> throw new XdrException("neither accepted nor denied");
        };
    }

    static void writeNoVerifier(XdrWriter out) {
        out.writeUint32(AUTH_NONE);
        out.writeUint32(0);
    }

    private static RpcOutcome readAccepted(XdrReader in) {
        int status = in.readUint32();
        return switch (status) {
            case SUCCESS -> new RpcOutcome.Success(in);
            case 1 -> new RpcOutcome.Rejected(new RpcRejection.ProgramUnavailable());
            case 2 -> new RpcOutcome.Rejected(new RpcRejection.ProgramMismatch(in.readUint32(), in.readUint32()));
            case 3 -> new RpcOutcome.Rejected(new RpcRejection.ProcedureUnavailable());
            case 4 -> new RpcOutcome.Rejected(new RpcRejection.GarbageArguments());
            case 5 -> new RpcOutcome.Rejected(new RpcRejection.SystemError());
            default -> throw new XdrException("accept_stat " + Integer.toUnsignedString(status));
        };
    }

    private static RpcRejection readDenied(XdrReader in) {
        int status = in.readUint32();
        return switch (status) {
            case 0 -> new RpcRejection.RpcMismatch(in.readUint32(), in.readUint32());
            case 1 -> new RpcRejection.AuthError(AuthStatus.fromWire(in.readUint32()));
            default -> throw new XdrException("reject_stat " + Integer.toUnsignedString(status));
        };
    }
}
