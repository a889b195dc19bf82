package pnfs.wire.iscsi;

/// What an Async Message tells (RFC 7143 §11.9.1).
public final class AsyncEvent {
    public static final int SCSI_EVENT = 0;
    /// The target wants this connection logged out within parameter 3 seconds.
    public static final int LOGOUT_REQUEST = 1;
    /// The target will drop the connection whose id is parameter 1.
    public static final int DROP_CONNECTION = 2;
    public static final int DROP_SESSION = 3;
    public static final int RENEGOTIATE = 4;

    private AsyncEvent() {}
}
