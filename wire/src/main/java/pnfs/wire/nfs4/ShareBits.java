package pnfs.wire.nfs4;

/// `share_access` and `share_deny` of OPEN and OPEN_DOWNGRADE: RFC 8881 §18.16. In `share_access` the wants for a
/// delegation stand above the access itself.
public final class ShareBits {
    public static final int READ = 1;
    public static final int WRITE = 2;
    public static final int BOTH = 3; // also the mask of the access itself
    public static final int WANT_MASK = 0xff00;
    public static final int WANT_READ_DELEG = 0x100;
    public static final int WANT_WRITE_DELEG = 0x200;
    public static final int WANT_ANY_DELEG = 0x300;
    public static final int WANT_NO_DELEG = 0x400;
    public static final int WANT_CANCEL = 0x500;
    public static final int SIGNAL_WHEN_AVAILABLE = 0x10000;
    public static final int PUSH_WHEN_UNCONTENDED = 0x20000;
    public static final int WANT_DELEG_TIMESTAMPS = 0x100000; // Linux 6.14 and later
    public static final int WANT_OPEN_XOR_DELEG = 0x200000; // Linux 6.14 and later

    private ShareBits() {}
}
