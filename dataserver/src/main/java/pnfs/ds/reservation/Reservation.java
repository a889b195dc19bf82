package pnfs.ds.reservation;

import org.jspecify.annotations.Nullable;

/// The one reservation of a volume.
///
/// @param holder null when every registrant holds it, which is so exactly for the all-registrants types
public record Reservation(ReservationType type, @Nullable Nexus holder) {
    public Reservation {
        if (type.heldByAll() != (holder == null)) {
            throw new IllegalArgumentException(type + " held by " + holder);
        }
    }

    static Reservation by(Nexus nexus, ReservationType type) {
        return new Reservation(type, type.heldByAll() ? null : nexus);
    }
}
