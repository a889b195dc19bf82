package pnfs.wire.rpc;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Who a caller says it is, RFC 5531 §8.2 and appendix A.
public sealed interface RpcCredential {
    /// AUTH_NONE.
    record None() implements RpcCredential {}

    /// AUTH_SYS: a user of a machine, as that machine tells it.
    ///
    /// @param stamp any number of the caller's
    /// @param machine at most 255 bytes
    /// @param gids further groups, at most 16
    record Sys(int stamp, String machine, int uid, int gid, List<Integer> gids) implements RpcCredential {
        static final int FLAVOR = 1;
        static final int MAX_MACHINE_BYTES = 255;
        static final int MAX_GIDS = 16;

        public Sys {
            gids = List.copyOf(gids);
            if (gids.size() > MAX_GIDS) {
                throw new IllegalArgumentException(gids.size() + " groups over " + MAX_GIDS);
            }
            if (Opaque.ofUtf8(machine).length() > MAX_MACHINE_BYTES) {
                throw new IllegalArgumentException("machine name over " + MAX_MACHINE_BYTES + " bytes: " + machine);
            }
        }

        void writeBody(XdrWriter out) {
            out.writeUint32(stamp);
            out.writeString(machine);
            out.writeUint32(uid);
            out.writeUint32(gid);
            out.writeUint32(gids.size());
            gids.forEach(out::writeUint32);
        }

        static Sys readBody(XdrReader in) {
            int stamp = in.readUint32();
            // Names that are not UTF-8 are as welcome as others: nothing depends on them.
            String machine = in.readOpaque(MAX_MACHINE_BYTES).utf8();
            int uid = in.readUint32();
            int gid = in.readUint32();
            int count = in.readCount(MAX_GIDS, Integer.BYTES);
            var gids = new ArrayList<Integer>(count);
            for (int i = 0; i < count; i++) {
                gids.add(in.readUint32());
            }
            in.expectEnd();
            return new Sys(stamp, machine, uid, gid, gids);
        }
    }

    /// The flavor and the body with its length.
    default void write(XdrWriter out) {
        switch (this) {
            case None() -> RpcMessage.writeNoVerifier(out);
            case Sys sys -> {
                var body = new XdrWriter();
                sys.writeBody(body);
                out.writeUint32(Sys.FLAVOR);
                out.writeOpaque(body.toOpaque());
            }
        }
    }

    /// Reads the credentials and verifiers of one connection. A client sends the same credential with most of
    /// its calls, so the last one is kept and compared by its bytes. Confined to its connection.
    final class Reader {
        /// RPC-with-TLS, RFC 9289 §4.1: a client asks with it whether we speak TLS. We do not, and say so by
        /// answering its NULL call as any other, without `STARTTLS` in the verifier.
        private static final int AUTH_TLS = 7;

        private static final RpcCredential NONE = new None();

        private ByteBuffer lastSysBody = ByteBuffer.allocate(0);
        private RpcCredential lastSys = NONE;

        /// Throws [AuthRefusal] for a flavor that is not served here, RPCSEC_GSS among them, and for what
        /// breaks a limit.
        RpcCredential read(XdrReader in, int procedure) {
            int flavor = in.readUint32();
            ByteBuffer body = body(in, AuthStatus.BADCRED);
            RpcCredential credential = switch (flavor) {
                case RpcMessage.AUTH_NONE -> NONE;
                case Sys.FLAVOR -> sys(body);
                case AUTH_TLS -> tlsProbe(body, procedure);
                default -> throw new AuthRefusal(AuthStatus.BADCRED);
            };
            int verifierFlavor = in.readUint32();
            ByteBuffer verifier = body(in, AuthStatus.BADVERF);
            if (verifierFlavor != RpcMessage.AUTH_NONE || verifier.hasRemaining()) {
                throw new AuthRefusal(AuthStatus.BADVERF);
            }
            return credential;
        }

        private RpcCredential sys(ByteBuffer body) {
            if (body.equals(lastSysBody)) {
                return lastSys;
            }
            try {
                var bytes = ByteBuffer.allocate(body.remaining())
                        .put(body.duplicate())
                        .flip();
                lastSys = Sys.readBody(new XdrReader(body));
                lastSysBody = bytes;
                return lastSys;
            } catch (XdrException e) {
                throw new AuthRefusal(AuthStatus.BADCRED);
            }
        }

        private static RpcCredential tlsProbe(ByteBuffer body, int procedure) {
            if (procedure != RpcProgram.NULL_PROCEDURE || body.hasRemaining()) {
                throw new AuthRefusal(AuthStatus.BADCRED);
            }
            return NONE;
        }

        private static ByteBuffer body(XdrReader in, AuthStatus tooLong) {
            try {
                return in.readOpaqueView(RpcMessage.MAX_AUTH_BYTES);
            } catch (XdrException e) {
                throw new AuthRefusal(tooLong);
            }
        }
    }

    /// A credential or verifier that is refused; answered with AUTH_ERROR.
    final class AuthRefusal extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final AuthStatus status;

        AuthRefusal(AuthStatus status) {
            super(status.name(), null, false, false);
            this.status = status;
        }

        AuthStatus status() {
            return status;
        }
    }
}
