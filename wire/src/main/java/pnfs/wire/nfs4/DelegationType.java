package pnfs.wire.nfs4;

/// `open_delegation_type4`, RFC 8881 §18.16. Any other number is INVAL.
public enum DelegationType {
    NONE(0),
    READ(1),
    WRITE(2),
    NONE_EXT(3), // none, with the reason
    READ_TIMES(4), // also delegates the time attributes: Linux 6.14 and later
    WRITE_TIMES(5); // the same

    private final int wire;

    DelegationType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static DelegationType fromWire(int wire) {
        return switch (wire) {
            case 0 -> NONE;
            case 1 -> READ;
            case 2 -> WRITE;
            case 3 -> NONE_EXT;
            case 4 -> READ_TIMES;
            case 5 -> WRITE_TIMES;
            default -> throw new NfsException(NfsStatus.INVAL, "delegation type " + Integer.toUnsignedString(wire));
        };
    }
}
