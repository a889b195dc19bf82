package pnfs.ds.region;

/// What an acknowledged write survives, by what holds the region's file.
public enum Durability {
    /// A file on a DAX file system over persistent memory: cache lines are written back by the CPU; survives power
    /// loss.
    DAX,
    /// A file on any other disk file system: `msync`, coalesced; survives power loss as far as the disk does.
    MSYNC,
    /// A file in memory (tmpfs, ramfs): survives the process, but neither a restart of the machine nor a power
    /// loss.
    VOLATILE
}
