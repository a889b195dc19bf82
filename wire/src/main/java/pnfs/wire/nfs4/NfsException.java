package pnfs.wire.nfs4;

/// A refusal with the status that the peer gets. Carries no stack trace, because a peer can cause as many as it
/// likes.
public class NfsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final NfsStatus status;

    /// `detail` names thing and number for the log; it does not travel.
    public NfsException(NfsStatus status, String detail) {
        super(status + ": " + detail, null, false, false);
        this.status = status;
    }

    public NfsStatus status() {
        return status;
    }
}
