package pnfs.wire.nfs4;

/// `nfs_impl_id4`: what runs on the other side, for logs only.
public record ImplementationId(String domain, String name, NfsTime date) {}
