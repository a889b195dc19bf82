package pnfs.wire.nfs4;

/// `stable_how4`, RFC 8881 §18.32: how durable a write is, least first. Any other number is INVAL.
public enum StableHow {
    UNSTABLE(0),
    DATA_SYNC(1),
    FILE_SYNC(2);

    private final int wire;

    StableHow(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static StableHow fromWire(int wire) {
        return switch (wire) {
            case 0 -> UNSTABLE;
            case 1 -> DATA_SYNC;
            case 2 -> FILE_SYNC;
            default -> throw new NfsException(NfsStatus.INVAL, "stable_how4 " + Integer.toUnsignedString(wire));
        };
    }
}
