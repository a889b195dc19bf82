package pnfs.wire.iscsi;

/// Reasons of a Logout Request and the responses to it (RFC 7143 §11.14, §11.15).
public final class Logout {
    public static final int CLOSE_SESSION = 0;
    public static final int CLOSE_CONNECTION = 1;
    public static final int REMOVE_FOR_RECOVERY = 2;

    public static final int CLOSED = 0;
    public static final int CID_NOT_FOUND = 1;
    public static final int RECOVERY_NOT_SUPPORTED = 2;
    public static final int CLEANUP_FAILED = 3;

    private Logout() {}
}
