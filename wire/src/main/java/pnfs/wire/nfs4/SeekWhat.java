package pnfs.wire.nfs4;

/// `data_content4` as SEEK and READ_PLUS use it, RFC 7862 §15.11. Any other number is UNION_NOTSUPP.
public enum SeekWhat {
    DATA(0),
    HOLE(1);

    private final int wire;

    SeekWhat(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static SeekWhat fromWire(int wire) {
        return switch (wire) {
            case 0 -> DATA;
            case 1 -> HOLE;
            default ->
                throw new NfsException(NfsStatus.UNION_NOTSUPP, "data content " + Integer.toUnsignedString(wire));
        };
    }
}
