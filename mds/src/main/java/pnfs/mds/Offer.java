package pnfs.mds;

import java.time.Duration;
import java.util.List;
import pnfs.mds.attribute.Owners;
import pnfs.mds.cluster.VolumeSpec;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.export.ExportSpec;
import pnfs.wire.nfs4.LayoutType;

/// What a metadata server offers to its clients, on whatever shores.
///
/// @param lease how long a silent client keeps its state
/// @param layoutTypes offered, the preferred first
/// @param exports what is offered to whom
/// @param delegations which are granted
/// @param owners how owners of files are written
/// @param placementUnitBytes after so much of a file its next piece goes to the next volume
/// @param volumes those over several regions
public record Offer(
        Duration lease,
        List<LayoutType> layoutTypes,
        List<ExportSpec> exports,
        DelegationPolicy delegations,
        Owners owners,
        long placementUnitBytes,
        List<VolumeSpec> volumes) {
    public Offer {
        layoutTypes = List.copyOf(layoutTypes);
        exports = List.copyOf(exports);
        volumes = List.copyOf(volumes);
    }
}
