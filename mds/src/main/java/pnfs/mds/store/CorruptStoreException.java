package pnfs.mds.store;

/// The store holds what no code of ours writes, or lacks what must be there. The server stops serving: every
/// further answer could spread the damage.
public final class CorruptStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CorruptStoreException(String detail) {
        super(detail);
    }

    public CorruptStoreException(String detail, Throwable cause) {
        super(detail, cause);
    }
}
