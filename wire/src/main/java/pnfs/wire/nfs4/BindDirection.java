package pnfs.wire.nfs4;

/// `channel_dir_from_client4`, RFC 8881 §18.34: what a connection shall carry. Any other number is INVAL.
public enum BindDirection {
    FORE(1),
    BACK(2),
    FORE_OR_BOTH(3),
    BACK_OR_BOTH(7);

    private final int wire;

    BindDirection(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static BindDirection fromWire(int wire) {
        return switch (wire) {
            case 1 -> FORE;
            case 2 -> BACK;
            case 3 -> FORE_OR_BOTH;
            case 7 -> BACK_OR_BOTH;
            default -> throw new NfsException(NfsStatus.INVAL, "channel direction " + Integer.toUnsignedString(wire));
        };
    }
}
