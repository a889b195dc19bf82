package pnfs.wire.nfs4;

/// Flags of CREATE_SESSION: RFC 8881 §18.36.
public final class CreateSessionFlags {
    public static final int PERSIST = 0x1;
    public static final int CONN_BACK_CHAN = 0x2;
    public static final int CONN_RDMA = 0x4;

    private CreateSessionFlags() {}
}
