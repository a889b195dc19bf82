package pnfs.layout.grant;

/// What a LAYOUTRETURN of one file gives back, as it came.
///
/// @param offset with `length`, unsigned
/// @param length all ones stands for the rest of the file
public record Return(LayoutType type, LayoutStateid stateid, Iomode iomode, long offset, long length) {}
