package pnfs.wire.nfs4;

/// Status flags of SEQUENCE, by which a server asks for recovery: RFC 8881 §18.46.
public final class SequenceFlags {
    public static final int CB_PATH_DOWN = 0x1;
    public static final int CB_GSS_CONTEXTS_EXPIRING = 0x2;
    public static final int CB_GSS_CONTEXTS_EXPIRED = 0x4;
    public static final int EXPIRED_ALL_STATE_REVOKED = 0x8;
    public static final int EXPIRED_SOME_STATE_REVOKED = 0x10;
    public static final int ADMIN_STATE_REVOKED = 0x20;
    public static final int RECALLABLE_STATE_REVOKED = 0x40;
    public static final int LEASE_MOVED = 0x80;
    public static final int RESTART_RECLAIM_NEEDED = 0x100;
    public static final int CB_PATH_DOWN_SESSION = 0x200;
    public static final int BACKCHANNEL_FAULT = 0x400;
    public static final int DEVID_CHANGED = 0x800;
    public static final int DEVID_DELETED = 0x1000;

    private SequenceFlags() {}
}
