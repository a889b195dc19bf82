package pnfs.wire.rpc;

/// Why a credential or verifier was refused: `auth_stat`, RFC 5531 §9 and RFC 2203 §5.1.
public enum AuthStatus {
    OK(0),
    BADCRED(1),
    REJECTEDCRED(2),
    BADVERF(3),
    REJECTEDVERF(4),
    TOOWEAK(5),
    INVALIDRESP(6),
    FAILED(7),
    KERB_GENERIC(8),
    TIMEEXPIRE(9),
    TKT_FILE(10),
    DECODE(11),
    NET_ADDR(12),
    RPCSEC_GSS_CREDPROBLEM(13),
    RPCSEC_GSS_CTXPROBLEM(14);

    private final int wire;

    AuthStatus(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    /// A number that is none of these means no more to us than FAILED.
    static AuthStatus fromWire(int wire) {
        for (AuthStatus status : values()) {
            if (status.wire == wire) {
                return status;
            }
        }
        return FAILED;
    }
}
