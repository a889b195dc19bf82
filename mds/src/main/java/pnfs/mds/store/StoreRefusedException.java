package pnfs.mds.store;

/// A store that cannot be opened: in use, of another version, or damaged. The message is one line for an
/// operator: what is wrong, and what to do.
public final class StoreRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StoreRefusedException(String oneLine) {
        super(oneLine);
    }

    public StoreRefusedException(String oneLine, Throwable cause) {
        super(oneLine, cause);
    }
}
