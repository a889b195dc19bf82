package pnfs.wire.nfs4;

/// `nfs_ftype4`: RFC 8881 §3.2. Any other number is BADTYPE.
public enum FileType {
    REGULAR(1),
    DIRECTORY(2),
    BLOCK_DEVICE(3),
    CHARACTER_DEVICE(4),
    SYMLINK(5),
    SOCKET(6),
    FIFO(7),
    ATTRIBUTE_DIRECTORY(8),
    NAMED_ATTRIBUTE(9);

    private final int wire;

    FileType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static FileType fromWire(int wire) {
        return switch (wire) {
            case 1 -> REGULAR;
            case 2 -> DIRECTORY;
            case 3 -> BLOCK_DEVICE;
            case 4 -> CHARACTER_DEVICE;
            case 5 -> SYMLINK;
            case 6 -> SOCKET;
            case 7 -> FIFO;
            case 8 -> ATTRIBUTE_DIRECTORY;
            case 9 -> NAMED_ATTRIBUTE;
            default -> throw new NfsException(NfsStatus.BADTYPE, "file type " + Integer.toUnsignedString(wire));
        };
    }
}
