package pnfs.wire.nfs4;

/// Operations of a CB_COMPOUND and their numbers: RFC 8881 §20, RFC 7862 §16.
public enum CbOpCode {
    CB_GETATTR(3),
    CB_RECALL(4),
    CB_LAYOUTRECALL(5),
    CB_NOTIFY(6),
    CB_PUSH_DELEG(7),
    CB_RECALL_ANY(8),
    CB_RECALLABLE_OBJ_AVAIL(9),
    CB_RECALL_SLOT(10),
    CB_SEQUENCE(11),
    CB_WANTS_CANCELLED(12),
    CB_NOTIFY_LOCK(13),
    CB_NOTIFY_DEVICEID(14),
    CB_OFFLOAD(15),
    CB_ILLEGAL(10044);

    private static final int FIRST = CB_GETATTR.number;
    private static final int LAST = CB_OFFLOAD.number;
    private static final CbOpCode[] ALL = values();

    private final int number;

    CbOpCode(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /// The callback with this number; [#CB_ILLEGAL] where there is none.
    public static CbOpCode of(int number) {
        return number >= FIRST && number <= LAST ? ALL[number - FIRST] : CB_ILLEGAL; // the numbers have no gaps
    }
}
