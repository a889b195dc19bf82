package pnfs.layout.device;

import java.util.UUID;

/// A process that exports regions over iSCSI, as it registered with the metadata server.
///
/// @param id given once when the data server was set up; stays over restarts and changes of address
/// @param host name or address of the iSCSI portal
/// @param port of the iSCSI portal
/// @param targetName the iSCSI name (`iqn.…`) behind which all regions of this data server are logical units
public record DataServer(UUID id, String host, int port, String targetName) {
    /// A region and the way to it: logical unit `lun` of this data server.
    public record Export(RegionId region, DataServer server, int lun) {}
}
