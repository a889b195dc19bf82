package pnfs.wire.scsi;

/// What a persistent reservation keeps whom from (SPC-4 §5.13.4): writes, or all access, by others than the
/// holder, than the registrants, or where every registrant holds it.
public enum ReservationType {
    WRITE_EXCLUSIVE(1),
    EXCLUSIVE_ACCESS(3),
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY(5),
    /// The one that pNFS SCSI layouts use (RFC 8154 §2.4.10).
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(6),
    WRITE_EXCLUSIVE_ALL_REGISTRANTS(7),
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS(8);

    private final int wire;

    ReservationType(int wire) {
        this.wire = wire;
    }

    public int wire() {
        return wire;
    }

    /// The type with this number.
    ///
    /// @throws ScsiException INVALID FIELD IN CDB for a number that is no type
    public static ReservationType fromWire(int wire) {
        for (ReservationType type : values()) {
            if (type.wire == wire) {
                return type;
            }
        }
        throw ScsiException.check(Sense.INVALID_FIELD_IN_CDB);
    }
}
