package pnfs.wire.nfs4;

/// `layouttype4`: RFC 8881 §3.3.13, RFC 8435, RFC 8154. Any other number is UNKNOWN_LAYOUTTYPE.
public enum LayoutType {
    FILES(1),
    OBJECTS(2),
    BLOCK_VOLUME(3),
    FLEX_FILES(4),
    SCSI(5);

    private final int wire;

    LayoutType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static LayoutType fromWire(int wire) {
        return switch (wire) {
            case 1 -> FILES;
            case 2 -> OBJECTS;
            case 3 -> BLOCK_VOLUME;
            case 4 -> FLEX_FILES;
            case 5 -> SCSI;
            default ->
                throw new NfsException(NfsStatus.UNKNOWN_LAYOUTTYPE, "layout type " + Integer.toUnsignedString(wire));
        };
    }
}
