package pnfs.wire.nfs4;

/// `change_info4`: a directory's change attribute around an operation. `atomic`: nothing came between. RFC 8881
/// §3.3.3.
public record ChangeInfo(boolean atomic, long before, long after) {}
