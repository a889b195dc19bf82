package pnfs.ds.reservation;

import org.jspecify.annotations.Nullable;

/// What a reservation keeps out, and whom it lets in (SPC-4 §5.12.3).
public enum ReservationType {
    WRITE_EXCLUSIVE(1, 1),
    EXCLUSIVE_ACCESS(3, 2),
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY(5, 3),
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(6, 4),
    WRITE_EXCLUSIVE_ALL_REGISTRANTS(7, 5),
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS(8, 6);

    private final int scsi;
    private final int nvme;

    ReservationType(int scsi, int nvme) {
        this.scsi = scsi;
        this.nvme = nvme;
    }

    /// The TYPE field of PERSISTENT RESERVE IN and OUT.
    public int scsi() {
        return scsi;
    }

    /// The type with this number in PERSISTENT RESERVE IN and OUT; null if there is none.
    public static @Nullable ReservationType ofScsi(int scsi) {
        for (ReservationType type : values()) {
            if (type.scsi == scsi) {
                return type;
            }
        }
        return null;
    }

    /// The RTYPE field of NVMe's reservation commands.
    public int nvme() {
        return nvme;
    }

    /// Whether every registrant is a holder.
    public boolean heldByAll() {
        return this == WRITE_EXCLUSIVE_ALL_REGISTRANTS || this == EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
    }

    /// Whether who is registered may do as the holder does.
    public boolean admitsRegistrants() {
        return this != WRITE_EXCLUSIVE && this != EXCLUSIVE_ACCESS;
    }

    /// Whether others may not even read.
    public boolean keepsReadersOut() {
        return switch (this) {
            case EXCLUSIVE_ACCESS, EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, EXCLUSIVE_ACCESS_ALL_REGISTRANTS -> true;
            case WRITE_EXCLUSIVE, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, WRITE_EXCLUSIVE_ALL_REGISTRANTS -> false;
        };
    }
}
