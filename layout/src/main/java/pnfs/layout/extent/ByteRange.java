package pnfs.layout.extent;

/// Bytes from `offset` to `end`, which is exclusive. Never negative; may be empty. `end` [Long#MAX_VALUE] means
/// "to the end, wherever that is" ([#toEnd]). Immutable.
///
/// Storage is given out in blocks of [#BLOCK_BYTES], the `layout_blksize` of every file system of ours: Linux
/// refuses a larger one than its page.
public record ByteRange(long offset, long end) {
    public static final int BLOCK_BYTES = 4096;

    private static final long BLOCK_MASK = BLOCK_BYTES - 1;

    public ByteRange {
        if (offset < 0 || end < offset) {
            throw new IllegalArgumentException("range from " + offset + " to " + end);
        }
    }

    public static ByteRange ofLength(long offset, long length) {
        return new ByteRange(offset, Math.addExact(offset, length));
    }

    public static ByteRange toEnd(long offset) {
        return new ByteRange(offset, Long.MAX_VALUE);
    }

    /// The whole file.
    public static ByteRange all() {
        return toEnd(0);
    }

    public long length() {
        return end - offset;
    }

    public boolean isEmpty() {
        return end == offset;
    }

    /// Whether the range has no end of its own.
    public boolean isToEnd() {
        return end == Long.MAX_VALUE;
    }

    /// Whether both ends fall between blocks.
    public boolean isAligned() {
        return (offset & BLOCK_MASK) == 0 && (isToEnd() || (end & BLOCK_MASK) == 0);
    }

    /// All blocks that the range touches.
    public ByteRange widened() {
        return new ByteRange(alignDown(offset), alignUp(end));
    }

    public boolean contains(long position) {
        return offset <= position && position < end;
    }

    public boolean covers(ByteRange other) {
        return offset <= other.offset && other.end <= end;
    }

    public boolean overlaps(ByteRange other) {
        return Math.max(offset, other.offset) < Math.min(end, other.end);
    }

    /// What both have; empty where they do not meet.
    public ByteRange intersect(ByteRange other) {
        long from = Math.max(offset, other.offset);
        return new ByteRange(from, Math.max(from, Math.min(end, other.end)));
    }

    public static long alignDown(long position) {
        return position & ~BLOCK_MASK;
    }

    /// The next block boundary; what lies in the last block of the number range goes to the end.
    public static long alignUp(long position) {
        return position > Long.MAX_VALUE - BLOCK_MASK ? Long.MAX_VALUE : alignDown(position + BLOCK_MASK);
    }

    @Override
    public String toString() {
        return "[" + offset + ", " + (isToEnd() ? "end" : end) + ")";
    }
}
