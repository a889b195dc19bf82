package pnfs.wire.nfs4;

import pnfs.wire.xdr.XdrException;

/// `channel_dir_from_server4`, RFC 8881 §18.34: what a connection carries now.
public enum BoundDirection {
    FORE(1),
    BACK(2),
    BOTH(3);

    private final int wire;

    BoundDirection(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static BoundDirection fromWire(int wire) {
        return switch (wire) {
            case 1 -> FORE;
            case 2 -> BACK;
            case 3 -> BOTH;
            default -> throw new XdrException("channel direction " + Integer.toUnsignedString(wire));
        };
    }
}
