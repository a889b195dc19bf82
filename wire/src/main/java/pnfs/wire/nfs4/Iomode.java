package pnfs.wire.nfs4;

/// `layoutiomode4`: RFC 8881 §3.3.20. Any other number is BADIOMODE.
public enum Iomode {
    READ(1),
    READ_WRITE(2),
    ANY(3); // in returns and recalls only

    private final int wire;

    Iomode(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static Iomode fromWire(int wire) {
        return switch (wire) {
            case 1 -> READ;
            case 2 -> READ_WRITE;
            case 3 -> ANY;
            default -> throw new NfsException(NfsStatus.BADIOMODE, "iomode " + Integer.toUnsignedString(wire));
        };
    }
}
