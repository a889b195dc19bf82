package pnfs.client;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

/// A cluster as its metadata server sees it: a snapshot. Sizes are bytes. Immutable.
///
/// @param boot counts the starts of the metadata server
/// @param inGrace it was restarted and still waits for clients to claim back what they held
public record ClusterStatus(
        long boot,
        Duration uptime,
        boolean inGrace,
        int clients,
        int sessions,
        int opens,
        int layouts,
        List<DataServer> dataServers,
        List<Volume> volumes,
        List<Fence> fences) {
    public ClusterStatus {
        fences = List.copyOf(fences);
        dataServers = List.copyOf(dataServers);
        volumes = List.copyOf(volumes);
    }

    /// A data server that has registered, now or before.
    ///
    /// @param portals `host:port` of its iSCSI target
    /// @param targetName the target's `iqn.…`
    public record DataServer(
            String name, boolean online, List<String> portals, String targetName, List<Region> regions) {
        public DataServer {
            portals = List.copyOf(portals);
            regions = List.copyOf(regions);
        }
    }

    /// A stretch of memory that a data server exports as one logical unit, with what it has moved since the
    /// data server was started, as of its last heartbeat.
    public record Region(UUID id, long sizeBytes, String durability, boolean failed, Traffic read, Traffic written) {}

    /// What went in one direction.
    public record Traffic(long bytes, long commands) {}

    /// A client that is being kept away from a volume and, as far as the metadata server knows, is not yet.
    ///
    /// @param key the client's reservation key
    /// @param regions of the volume
    /// @param awaited the client was there before a restart and may still come back
    public record Fence(long key, long client, List<UUID> regions, Duration age, boolean awaited) {
        public Fence {
            regions = List.copyOf(regions);
        }
    }

    /// What layouts are cut from.
    ///
    /// @param id in hex, as packet traces and the metadata server's log show it
    /// @param usedBytes that belong to files
    /// @param quarantined clients of before a restart may still write there, so nothing new is granted
    /// @param draining nothing new is placed there, and what is there moves away
    /// @param waitsFor draining: what keeps the rest from moving; empty while it moves
    /// @param drained draining: neither a file nor a layout has anything to do with it any more
    public record Volume(
            String id,
            String topology,
            long sizeBytes,
            long freeBytes,
            long usedBytes,
            List<UUID> regions,
            boolean quarantined,
            boolean draining,
            String waitsFor,
            boolean drained) {
        public Volume {
            regions = List.copyOf(regions);
        }
    }
}
