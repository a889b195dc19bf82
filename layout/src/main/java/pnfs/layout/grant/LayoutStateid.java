package pnfs.layout.grant;

import java.nio.ByteBuffer;
import pnfs.wire.xdr.Opaque;

/// The stateid of one client's layouts of one type on one file, RFC 8881 §12.5.2. `other` stays until the last
/// of them is returned; `seqid` counts LAYOUTGET and LAYOUTRETURN replies from 1, leaving out 0.
///
/// @param seqid unsigned
/// @param other [#OTHER_BYTES]: four that tell this start of the server from others, and a counter whose top
///     bit is set, which no counter of opens, locks or delegations ever reaches
public record LayoutStateid(int seqid, Opaque other) {
    public static final int OTHER_BYTES = 12;

    public LayoutStateid {
        if (other.length() != OTHER_BYTES) {
            throw new IllegalArgumentException("stateid with " + other.length() + " bytes instead of " + OTHER_BYTES);
        }
    }

    /// The first of a new series.
    static LayoutStateid first(int boot, long number) {
        return new LayoutStateid(
                1,
                Opaque.of(ByteBuffer.allocate(OTHER_BYTES)
                        .putInt(boot)
                        .putLong(Long.MIN_VALUE | number)
                        .array()));
    }

    /// Whether a stateid with this `other` can only be a layout's; the special stateids are not asked about.
    public static boolean isLayout(Opaque other) {
        return other.length() == OTHER_BYTES && other.at(Integer.BYTES) < 0;
    }

    /// Whether this start of the server gave it out.
    boolean isOf(int boot) {
        return ByteBuffer.wrap(other.toByteArray()).getInt() == boot;
    }

    /// Whether it is the first of its series: nothing was held under it before.
    public boolean isFirst() {
        return seqid == 1;
    }

    LayoutStateid next() {
        return new LayoutStateid(seqid == -1 ? 1 : seqid + 1, other);
    }

    /// How many replies ago `earlier` was current. Counts round the end of the 32 bits, where 0 is left out.
    long age(int earlier) {
        return age(seqid, earlier);
    }

    /// How many replies `earlier` is before `later`.
    static long age(int later, int earlier) {
        long distance = Integer.toUnsignedLong(later) - Integer.toUnsignedLong(earlier);
        return distance >= 0 ? distance : distance + 0xffff_ffffL;
    }
}
