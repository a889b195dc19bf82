package pnfs.ds;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a data server was told on its command line. Immutable.
///
/// @param name its name for people, in logs and at the metadata server
/// @param regions become LUN 0, 1, …
/// @param listen where iSCSI is served
/// @param advertise where initiators reach that; empty if it is where we listen
/// @param mds the metadata server's control port; null to serve without one
/// @param targetName iSCSI name; null to make one from the first region's name
/// @param access a file of an access list; null to let everybody in
/// @param control where faults are set; null for nowhere
/// @param loops I/O threads
record Settings(
        String name,
        List<Path> regions,
        HostPort listen,
        List<HostPort> advertise,
        @Nullable HostPort mds,
        @Nullable String targetName,
        @Nullable Path access,
        @Nullable HostPort control,
        int loops) {
    Settings {
        regions = List.copyOf(regions);
        advertise = List.copyOf(advertise);
    }
}
