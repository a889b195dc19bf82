package pnfs.layout.grant;

/// Limits on what clients can make the manager keep or give out.
///
/// @param firstAheadBytes how far ahead of a sequential writer the first time; doubles each time after
/// @param maxAheadBytes how far at most
/// @param fillBytes most that is written with zeros for one LAYOUTGET, beside the rest of a unit
/// @param fillUnitBytes up to the next multiple of which zeros go on inside the file, for the next LAYOUTGET
/// @param maxExtents in one layout, however large a reply the client takes
/// @param maxRangesPerLayout separate ranges that one client may hold of one file; over it, it goes through the
///     server
/// @param maxFilesPerClient files of which one client may hold layouts; over it, it goes through the server
public record LayoutLimits(
        long firstAheadBytes,
        long maxAheadBytes,
        long fillBytes,
        long fillUnitBytes,
        int maxExtents,
        int maxRangesPerLayout,
        int maxFilesPerClient) {
    public static final LayoutLimits DEFAULT =
            new LayoutLimits(1L << 20, 64L << 20, 1L << 20, 64L << 10, 1024, 4096, 1 << 18);
}
