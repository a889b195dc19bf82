package pnfs.wire.nfs4;

import java.time.Instant;
import java.util.Comparator;

/// `nfstime4`: seconds since 1970 and nanoseconds below 10^9 after them. Immutable.
public record NfsTime(long seconds, int nanos) implements Comparable<NfsTime> {
    private static final int NANOS_PER_SECOND = 1_000_000_000;
    private static final Comparator<NfsTime> ORDER =
            Comparator.comparingLong(NfsTime::seconds).thenComparingInt(NfsTime::nanos);

    public NfsTime {
        if (nanos < 0 || nanos >= NANOS_PER_SECOND) {
            throw new IllegalArgumentException("nanoseconds " + nanos);
        }
    }

    public static NfsTime of(Instant instant) {
        return new NfsTime(instant.getEpochSecond(), instant.getNano());
    }

    /// INVAL where the nanoseconds are a second or more.
    static NfsTime fromWire(long seconds, int nanos) {
        if (nanos < 0 || nanos >= NANOS_PER_SECOND) {
            throw new NfsException(NfsStatus.INVAL, "nanoseconds " + Integer.toUnsignedString(nanos));
        }
        return new NfsTime(seconds, nanos);
    }

    @Override
    public int compareTo(NfsTime other) {
        return ORDER.compare(this, other);
    }
}
