package pnfs.wire.nfs4;

/// `rflags` of OPEN: RFC 8881 §18.16.
public final class OpenResultFlags {
    public static final int LOCKTYPE_POSIX = 0x4;
    public static final int PRESERVE_UNLINKED = 0x8; // an open file outlives its last name
    public static final int NO_OPEN_STATEID = 0x10; // Linux 6.14 and later
    public static final int MAY_NOTIFY_LOCK = 0x20;

    private OpenResultFlags() {}
}
