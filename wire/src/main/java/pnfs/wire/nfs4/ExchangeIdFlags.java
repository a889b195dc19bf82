package pnfs.wire.nfs4;

/// Flags of EXCHANGE_ID, in its arguments unless noted: RFC 8881 §18.35.
public final class ExchangeIdFlags {
    public static final int SUPP_MOVED_REFER = 0x1;
    public static final int SUPP_MOVED_MIGR = 0x2;
    public static final int SUPP_FENCE_OPS = 0x4;
    public static final int BIND_PRINC_STATEID = 0x100;
    public static final int USE_NON_PNFS = 0x10000;
    public static final int USE_PNFS_MDS = 0x20000;
    public static final int USE_PNFS_DS = 0x40000;
    public static final int UPDATE_CONFIRMED = 0x40000000; // UPD_CONFIRMED_REC_A
    public static final int CONFIRMED = 0x80000000; // CONFIRMED_R, in results only
    public static final int ARGUMENT_MASK =
            0x40070103; // any other bit in arguments is INVAL; fence ops too, as by Linux

    private ExchangeIdFlags() {}
}
