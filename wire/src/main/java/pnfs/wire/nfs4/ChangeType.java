package pnfs.wire.nfs4;

import pnfs.wire.xdr.XdrException;

/// `change_attr_type4`, RFC 7862 §12.2.3: how the change attribute moves.
public enum ChangeType {
    MONOTONIC_INCREASE(0),
    VERSION_COUNTER(1),
    VERSION_COUNTER_NO_PNFS(2),
    TIME_METADATA(3),
    UNDEFINED(4);

    private final int wire;

    ChangeType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    public static ChangeType fromWire(int wire) {
        return switch (wire) {
            case 0 -> MONOTONIC_INCREASE;
            case 1 -> VERSION_COUNTER;
            case 2 -> VERSION_COUNTER_NO_PNFS;
            case 3 -> TIME_METADATA;
            case 4 -> UNDEFINED;
            default -> throw new XdrException("change_attr_type4 " + Integer.toUnsignedString(wire));
        };
    }
}
