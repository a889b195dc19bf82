package pnfs.mds;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import pnfs.mds.attribute.Owners;
import pnfs.mds.cluster.VolumeSpec;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.export.ExportSpec;
import pnfs.wire.nfs4.LayoutType;

/// What an operator chooses; checked by [MdsCommand].
///
/// @param store folder of the metadata store
/// @param listen where NFS is served
/// @param control where data servers register
/// @param layoutTypes offered, the preferred first
/// @param exports what is offered to whom
/// @param delegations which are granted
/// @param owners how owners of files are written
/// @param placementUnitBytes after so much of a file its next piece goes to the next volume
/// @param volumes those over several regions
/// @param loops I/O threads
record Settings(
        Path store,
        InetSocketAddress listen,
        InetSocketAddress control,
        Duration lease,
        List<LayoutType> layoutTypes,
        List<ExportSpec> exports,
        DelegationPolicy delegations,
        Owners owners,
        long placementUnitBytes,
        List<VolumeSpec> volumes,
        int loops) {
    Settings {
        layoutTypes = List.copyOf(layoutTypes);
        volumes = List.copyOf(volumes);
    }
}
