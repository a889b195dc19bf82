package pnfs.wire.nfs4;

/// `setxattr_option4`, RFC 8276 §8.4.2. Any other number is INVAL.
public enum SetXattrMode {
    EITHER(0),
    CREATE(1), // EXIST if it is there
    REPLACE(2); // NOXATTR if it is not

    private final int wire;

    SetXattrMode(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static SetXattrMode fromWire(int wire) {
        return switch (wire) {
            case 0 -> EITHER;
            case 1 -> CREATE;
            case 2 -> REPLACE;
            default -> throw new NfsException(NfsStatus.INVAL, "setxattr option " + Integer.toUnsignedString(wire));
        };
    }
}
