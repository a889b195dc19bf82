package pnfs.layout.grant;

import java.util.List;
import pnfs.layout.extent.ByteRange;

/// What one client holds of a file in layouts of one type, to be noted and brought back after a restart.
/// Immutable.
///
/// @param revoked it is not the client's any more, and nobody else's yet
/// @param unwritten of `writing`, what was granted as INVALID_DATA and may have to be committed
public record HeldLayout(
        LayoutType type,
        LayoutStateid stateid,
        boolean revoked,
        List<ByteRange> reading,
        List<ByteRange> writing,
        List<ByteRange> unwritten) {}
