package pnfs.wire.iscsi;

/// A peer broke the protocol: a length over its limit, a tag it was never given, a key that is not text. At error
/// recovery level 0 the answer is always the same: drop the connection. Carries no stack trace, because a peer can
/// cause as many as it likes.
public final class IscsiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public IscsiException(String detail) {
        super(detail, null, false, false);
    }
}
