package pnfs.layout.device;

import java.util.UUID;

/// The name of a region: a stretch of memory that one data server maps and exports as one logical unit. It
/// stands in the region's own header, so a region keeps it when its file moves to another data server.
public record RegionId(UUID uuid) implements Comparable<RegionId> {
    @Override
    public int compareTo(RegionId other) {
        return uuid.compareTo(other.uuid);
    }

    @Override
    public String toString() {
        return uuid.toString();
    }
}
