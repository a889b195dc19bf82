package pnfs.ds.reservation;

/// What a command wants of the medium: the rows of the conflict table (SPC-4 §5.12.1, table 66).
public enum Access {
    /// READ, VERIFY, GET LBA STATUS and their like.
    READ,
    /// WRITE, WRITE SAME, UNMAP, COMPARE AND WRITE, SYNCHRONIZE CACHE, MODE SELECT and their like.
    WRITE,
    /// INQUIRY, REPORT LUNS, TEST UNIT READY, READ CAPACITY, PERSISTENT RESERVE IN, and MODE SENSE and REPORT
    /// SUPPORTED OPERATION CODES as well: a pNFS client looks at a disk before it holds a key.
    INQUIRE;

    /// The table: whether somebody who is no holder may go on.
    boolean isAllowed(ReservationType type, boolean registered) {
        return switch (this) {
            case INQUIRE -> true;
            case READ -> !type.keepsReadersOut() || admits(type, registered);
            case WRITE -> admits(type, registered);
        };
    }

    private static boolean admits(ReservationType type, boolean registered) {
        return registered && type.admitsRegistrants();
    }
}
