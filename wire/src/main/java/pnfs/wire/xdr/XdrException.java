package pnfs.wire.xdr;

/// Bytes from a peer that are not what their grammar says: cut short, over a limit, or not of the type.
/// Carries no stack trace, because a peer can cause as many as it likes.
public final class XdrException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public XdrException(String detail) {
        super(detail, null, false, false);
    }
}
