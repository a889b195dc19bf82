package pnfs.layout.grant;

import java.nio.ByteBuffer;
import pnfs.wire.xdr.Opaque;

/// The stateid of one client's layouts of one type on one file, RFC 8881 §12.5.2. `other` stays until the last of
/// them is returned; `seqid` counts LAYOUTGET and LAYOUTRETURN replies from 1, leaving out 0.
///
/// @param seqid unsigned
/// @param other [#OTHER_BYTES], of which the first says that this is a layout's and not an open's
public record LayoutStateid(int seqid, Opaque other) {
    public static final int OTHER_BYTES = 12;
    /// First byte of `other` in every layout stateid; open, lock and delegation stateids begin otherwise.
    public static final byte MARK = 'L';

    public LayoutStateid {
        if (other.length() != OTHER_BYTES) {
            throw new IllegalArgumentException("stateid with " + other.length() + " bytes instead of " + OTHER_BYTES);
        }
    }

    /// The first of a new series: the mark, three bytes that tell this start of the server from others, a counter.
    static LayoutStateid first(int boot, long number) {
        return new LayoutStateid(
                1,
                Opaque.of(ByteBuffer.allocate(OTHER_BYTES)
                        .putInt((MARK << 24) | (boot & 0xff_ffff))
                        .putLong(number)
                        .array()));
    }

    /// Whether a stateid with this `other` can only be a layout's.
    public static boolean isLayout(Opaque other) {
        return other.length() == OTHER_BYTES && other.at(0) == MARK;
    }

    LayoutStateid next() {
        return new LayoutStateid(seqid == -1 ? 1 : seqid + 1, other);
    }

    /// How many replies ago `earlier` was current. Counts round the end of the 32 bits, where 0 is left out.
    long age(int earlier) {
        long distance = Integer.toUnsignedLong(seqid) - Integer.toUnsignedLong(earlier);
        return distance >= 0 ? distance : distance + 0xffff_ffffL;
    }
}
