package pnfs.mds.store;

/// The store holds what no code of ours writes, or lacks what must be there. A server does not start with
/// damage in what it reads first, but for what records of clients, which are put aside; while it serves,
/// [DamagedRecords] says what becomes of it. The message names the record.
public final class CorruptStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CorruptStoreException(String detail) {
        super(detail);
    }

    public CorruptStoreException(String detail, Throwable cause) {
        super(detail, cause);
    }
}
