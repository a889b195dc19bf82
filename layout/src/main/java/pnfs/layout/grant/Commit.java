package pnfs.layout.grant;

import java.util.List;
import java.util.OptionalLong;
import pnfs.layout.extent.ByteRange;

/// What a LAYOUTCOMMIT says.
///
/// @param offset with `length`, unsigned and as they came: the range that the commit is about
/// @param length all ones stands for the rest of the file
/// @param lastWriteOffset the last byte written, where the client says so
/// @param written ranges that were INVALID_DATA and hold data now
public record Commit(
        LayoutType type,
        LayoutStateid stateid,
        long offset,
        long length,
        OptionalLong lastWriteOffset,
        List<ByteRange> written) {
    public Commit {
        written = List.copyOf(written);
    }
}
