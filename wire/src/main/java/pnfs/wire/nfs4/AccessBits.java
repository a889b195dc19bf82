package pnfs.wire.nfs4;

/// Bits of ACCESS: RFC 8881 §18.1, RFC 8276 §8.4.1.
public final class AccessBits {
    public static final int READ = 0x1;
    public static final int LOOKUP = 0x2;
    public static final int MODIFY = 0x4;
    public static final int EXTEND = 0x8;
    public static final int DELETE = 0x10;
    public static final int EXECUTE = 0x20;
    public static final int XATTR_READ = 0x40;
    public static final int XATTR_WRITE = 0x80;
    public static final int XATTR_LIST = 0x100;

    private AccessBits() {}
}
