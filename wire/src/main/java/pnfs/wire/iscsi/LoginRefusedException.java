package pnfs.wire.iscsi;

/// A target answered a login with another status than success. Carries no stack trace, because an initiator that
/// keeps trying makes many.
final class LoginRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    LoginRefusedException(int status) {
        super("target refused the login: " + LoginStatus.text(status), null, false, false);
        this.status = status;
    }

    /// As in [LoginStatus].
    int status() {
        return status;
    }
}
