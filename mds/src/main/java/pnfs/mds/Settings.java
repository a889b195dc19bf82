package pnfs.mds;

import java.net.InetSocketAddress;
import java.nio.file.Path;

/// What an operator chooses; checked by [MdsCommand].
///
/// @param store folder of the metadata store
/// @param listen where NFS is served
/// @param control where data servers register
/// @param offer what clients get
/// @param forgetful whether clients of the run before have to reclaim what they held, though nothing was lost
/// @param loops I/O threads
record Settings(
        Path store, InetSocketAddress listen, InetSocketAddress control, Offer offer, boolean forgetful, int loops) {}
