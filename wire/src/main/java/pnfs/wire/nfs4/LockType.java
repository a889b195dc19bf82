package pnfs.wire.nfs4;

/// `nfs_lock_type4`, RFC 8881 §18.10; `W` asks to be told when the lock is free. Any other number is INVAL.
public enum LockType {
    READ(1),
    WRITE(2),
    READW(3),
    WRITEW(4);

    private final int wire;

    LockType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static LockType fromWire(int wire) {
        return switch (wire) {
            case 1 -> READ;
            case 2 -> WRITE;
            case 3 -> READW;
            case 4 -> WRITEW;
            default -> throw new NfsException(NfsStatus.INVAL, "lock type " + Integer.toUnsignedString(wire));
        };
    }

    /// Whether it excludes readers.
    public boolean isWrite() {
        return this == WRITE || this == WRITEW;
    }
}
