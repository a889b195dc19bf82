package pnfs.mds.session;

import pnfs.wire.rpc.RpcCredential;

/// Whose call it is, as far as AUTH_NONE and AUTH_SYS tell: nobody, or a user. Immutable.
record Principal(int flavor, int uid) {
    private static final int AUTH_NONE = 0;
    private static final int AUTH_SYS = 1;
    private static final Principal NOBODY = new Principal(AUTH_NONE, 0);

    static Principal of(RpcCredential credential) {
        return switch (credential) {
            case RpcCredential.None() -> NOBODY;
            case RpcCredential.Sys sys -> new Principal(AUTH_SYS, sys.uid());
        };
    }
}
