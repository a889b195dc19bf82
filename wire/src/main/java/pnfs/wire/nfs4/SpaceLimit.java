package pnfs.wire.nfs4;

/// `nfs_space_limit4`: how far a file may grow under a write delegation.
public sealed interface SpaceLimit {
    record Size(long bytes) implements SpaceLimit {}

    record Blocks(int count, int blockBytes) implements SpaceLimit {}
}
