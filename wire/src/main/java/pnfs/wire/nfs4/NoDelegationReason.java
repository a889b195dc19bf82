package pnfs.wire.nfs4;

import pnfs.wire.xdr.XdrException;

/// `why_no_delegation4`, RFC 8881 §18.16.
public enum NoDelegationReason {
    NOT_WANTED(0),
    CONTENTION(1), // the answer tells whether the server will push one later
    RESOURCE(2), // the answer tells whether the server will signal
    NOT_SUPP_FTYPE(3),
    WRITE_DELEG_NOT_SUPP_FTYPE(4),
    NOT_SUPP_UPGRADE(5),
    NOT_SUPP_DOWNGRADE(6),
    CANCELLED(7),
    IS_DIR(8);

    private final int wire;

    NoDelegationReason(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    /// Whether a bool follows: will the server say when it could be?
    boolean hasMore() {
        return this == CONTENTION || this == RESOURCE;
    }

    public static NoDelegationReason fromWire(int wire) {
        return switch (wire) {
            case 0 -> NOT_WANTED;
            case 1 -> CONTENTION;
            case 2 -> RESOURCE;
            case 3 -> NOT_SUPP_FTYPE;
            case 4 -> WRITE_DELEG_NOT_SUPP_FTYPE;
            case 5 -> NOT_SUPP_UPGRADE;
            case 6 -> NOT_SUPP_DOWNGRADE;
            case 7 -> CANCELLED;
            case 8 -> IS_DIR;
            default -> throw new XdrException("why_no_delegation4 " + Integer.toUnsignedString(wire));
        };
    }
}
