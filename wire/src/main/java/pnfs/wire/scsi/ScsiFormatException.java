package pnfs.wire.scsi;

/// A target answered GOOD with parameter data that is not what its standard says: too short, or of another page.
/// Carries no stack trace, because a peer can cause as many as it likes.
public final class ScsiFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ScsiFormatException(String detail) {
        super(detail, null, false, false);
    }
}
