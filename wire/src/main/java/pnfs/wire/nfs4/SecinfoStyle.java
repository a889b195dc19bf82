package pnfs.wire.nfs4;

/// `secinfo_style4`, RFC 8881 §18.45: whose security is asked for. Any other number is INVAL.
public enum SecinfoStyle {
    CURRENT_FH(0),
    PARENT(1);

    private final int wire;

    SecinfoStyle(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static SecinfoStyle fromWire(int wire) {
        return switch (wire) {
            case 0 -> CURRENT_FH;
            case 1 -> PARENT;
            default -> throw new NfsException(NfsStatus.INVAL, "secinfo style " + Integer.toUnsignedString(wire));
        };
    }
}
