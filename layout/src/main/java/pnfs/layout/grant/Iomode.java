package pnfs.layout.grant;

import java.util.Optional;
import java.util.stream.Stream;

/// `layoutiomode4`, RFC 8881 §3.3.20.
public enum Iomode {
    READ(1),
    /// Reading and writing.
    RW(2),
    /// Both kinds of layout: in LAYOUTRETURN only.
    ANY(3);

    private final int wire;

    Iomode(int wire) {
        this.wire = wire;
    }

    public static Optional<Iomode> fromWire(int wire) {
        return Stream.of(values()).filter(mode -> mode.wire == wire).findFirst();
    }

    public int wire() {
        return wire;
    }
}
