package pnfs.layout.grant;

/// What a LAYOUTGET asks for, as it came: nothing of it is checked yet, and the numbers are unsigned.
///
/// @param length all ones stands for the rest of the file
/// @param minLength below which the layout is of no use; all ones stands for the rest of the file, 0 for
///     whatever there is without allocating
/// @param maxCount bytes that the encoded layout may have, its header included
public record Want(LayoutType type, Iomode iomode, long offset, long length, long minLength, int maxCount) {
    /// All ones, as a length.
    public static final long TO_END = -1;
}
