package pnfs.layout.grant;

import java.util.Optional;
import pnfs.layout.extent.ByteRange;

/// What a LAYOUTGET must get at least and should get at most, in whole blocks: RFC 8881 §18.43.3, table 22. Both
/// start at the block that holds the first byte asked for.
///
/// @param least without which the client has no use for the layout
/// @param most what it asked for, and what lies ahead of a sequential writer
record Coverage(ByteRange least, ByteRange most) {
    /// Offsets beyond would not survive rounding up to blocks.
    static final long MAX_FILE_BYTES = ByteRange.alignDown(Long.MAX_VALUE);

    /// What is wrong with the numbers of `want`; empty where nothing is.
    static Optional<String> faultOf(Want want) {
        if (want.offset() < 0 || want.offset() >= MAX_FILE_BYTES) {
            return Optional.of("offset " + Long.toUnsignedString(want.offset()) + " over " + MAX_FILE_BYTES);
        }
        if (want.length() == 0 || Long.compareUnsigned(want.length(), want.minLength()) < 0) {
            return Optional.of("length " + Long.toUnsignedString(want.length()) + " under minlength "
                    + Long.toUnsignedString(want.minLength()));
        }
        if (overflows(want.offset(), want.length()) || overflows(want.offset(), want.minLength())) {
            return Optional.of("offset " + want.offset() + " length " + Long.toUnsignedString(want.length())
                    + " ends over " + MAX_FILE_BYTES);
        }
        return Optional.empty();
    }

    /// The coverage of `want`, which has no fault; empty where it wants a layout for writing that never ends:
    /// every byte of it would need storage.
    ///
    /// @param aheadBytes how much a writer at the end of the file should get beyond what it asks for
    /// @param aheadUnit multiples of which the end of that is rounded up to
    static Optional<Coverage> of(Want want, long size, long aheadBytes, long aheadUnit) {
        long start = ByteRange.alignDown(want.offset());
        long sizeEnd = ByteRange.alignUp(size);
        long leastEnd;
        long mostEnd;
        if (want.iomode() == Iomode.READ) {
            // Beyond the end of the file there is nothing to cover, but a layout is never empty.
            leastEnd = want.minLength() == 0 ? 0 : Math.min(size, end(want.offset(), want.minLength()));
            mostEnd = Math.min(sizeEnd, end(want.offset(), want.length()));
        } else if (want.minLength() == Want.TO_END) {
            return Optional.empty();
        } else {
            leastEnd = want.offset() + want.minLength();
            long asked = want.length() == Want.TO_END ? sizeEnd : want.offset() + want.length();
            // Only where the file grows: inside it, what nobody asked for may be what another client wants.
            boolean grows = asked >= size && aheadBytes > 0 && asked < MAX_FILE_BYTES - aheadBytes - aheadUnit;
            mostEnd = grows ? (asked + aheadBytes + aheadUnit - 1) / aheadUnit * aheadUnit : asked;
        }
        var least = new ByteRange(start, ByteRange.alignUp(Math.max(leastEnd, want.offset() + 1)));
        return Optional.of(
                new Coverage(least, new ByteRange(start, Math.max(least.end(), ByteRange.alignUp(mostEnd)))));
    }

    private static boolean overflows(long offset, long length) {
        return length != Want.TO_END && (length < 0 || length > MAX_FILE_BYTES - offset);
    }

    private static long end(long offset, long length) {
        return length == Want.TO_END ? MAX_FILE_BYTES : offset + length;
    }
}
