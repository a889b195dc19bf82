package pnfs.mds.cluster;

import java.util.List;
import java.util.UUID;
import pnfs.layout.device.Designator;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.VolumeTopology;
import pnfs.wire.xdr.Opaque;

/// A region as it was registered last, online or not. Durable: see [ClusterRecords].
///
/// @param server which data server exports it
/// @param serverName that server's name, for people
/// @param targetName the iSCSI name of its target
/// @param portals where that target is reached, one at least
/// @param lun the region's number behind that target
/// @param naa its SCSI name, 16 bytes
/// @param durability what the region can promise, as the control protocol counts it
record KnownRegion(
        RegionId id,
        UUID server,
        String serverName,
        String targetName,
        List<Portal> portals,
        int lun,
        Opaque naa,
        long sizeBytes,
        int blockBytes,
        int durability) {
    static final int NAA_BYTES = 16;

    KnownRegion {
        portals = List.copyOf(portals);
        if (naa.length() != NAA_BYTES || portals.isEmpty()) {
            throw new IllegalArgumentException(
                    "region " + id + " with a name of " + naa.length() + " bytes and " + portals.size() + " portals");
        }
    }

    /// The region as a disk that volumes are made of.
    VolumeTopology.Scsi disk() {
        return new VolumeTopology.Scsi(id, sizeBytes, Designator.naa(naa));
    }

    /// Whether an operator who says `name` may mean this one: its id, its data server's name and its number
    /// there, or that name alone.
    boolean isNamed(String name) {
        return name.equals(id.toString()) || name.equals(serverName + "/" + lun) || name.equals(serverName);
    }

    /// Where it is found.
    String place() {
        return targetName + ' ' + portals + ' ' + lun;
    }

    /// Whether who knew the one finds the other.
    boolean isAtSamePlace(KnownRegion other) {
        return place().equals(other.place());
    }

    /// Whether this is the same storage: whatever may change without harm is left out.
    boolean isSameStorage(KnownRegion other) {
        return naa.equals(other.naa) && sizeBytes == other.sizeBytes && blockBytes == other.blockBytes;
    }
}
