package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `secinfo4`, RFC 8881 §18.29.
public sealed interface SecurityFlavor {
    int RPCSEC_GSS = 6;

    /// AUTH_NONE 0, AUTH_SYS 1.
    record Plain(int flavor) implements SecurityFlavor {}

    /// `mechanism`: an object identifier; `service`: 1 none, 2 integrity, 3 privacy.
    record Gss(Opaque mechanism, int qualityOfProtection, int service) implements SecurityFlavor {}
}
