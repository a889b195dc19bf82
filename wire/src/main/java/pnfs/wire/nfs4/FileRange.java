package pnfs.wire.nfs4;

/// A range of a file: `offset` to the exclusive `end`, in bytes, never negative. An `end` of [Long#MAX_VALUE]
/// means to the end of the file, wherever that comes to be: on the wire a length of all ones. Immutable.
public record FileRange(long offset, long end) {
    static final int BYTES = 2 * Long.BYTES;
    private static final long ALL_ONES = -1;

    public static final FileRange WHOLE_FILE = toEnd(0);

    public FileRange {
        if (offset < 0 || end < offset) {
            throw new IllegalArgumentException("range " + offset + " to " + end);
        }
    }

    public static FileRange of(long offset, long length) {
        return new FileRange(offset, Math.addExact(offset, length));
    }

    public static FileRange toEnd(long offset) {
        return new FileRange(offset, Long.MAX_VALUE);
    }

    public boolean reachesEnd() {
        return end == Long.MAX_VALUE;
    }

    public boolean isEmpty() {
        return end == offset;
    }

    /// In bytes; without meaning where the range [#reachesEnd].
    public long length() {
        return end - offset;
    }

    long wireLength() {
        return reachesEnd() ? ALL_ONES : length();
    }

    /// [Long#MAX_VALUE] stands for "to the end of the file".
    static long lengthToWire(long length) {
        return length == Long.MAX_VALUE ? ALL_ONES : length;
    }

    static long lengthFromWire(long length) {
        if (length == ALL_ONES) {
            return Long.MAX_VALUE;
        }
        if (length < 0) {
            throw new NfsException(NfsStatus.INVAL, "length " + Long.toUnsignedString(length));
        }
        return length;
    }

    /// INVAL where the range passes 2^63-1, unless its length is all ones (RFC 8881 §18.10.3, §18.43.3).
    static FileRange fromWire(long offset, long length) {
        if (offset < 0) {
            throw new NfsException(NfsStatus.INVAL, "offset " + Long.toUnsignedString(offset));
        }
        if (length == ALL_ONES) {
            return toEnd(offset);
        }
        if (length < 0 || length > Long.MAX_VALUE - offset) {
            throw new NfsException(NfsStatus.INVAL, "range " + offset + " + " + Long.toUnsignedString(length));
        }
        return new FileRange(offset, offset + length);
    }
}
