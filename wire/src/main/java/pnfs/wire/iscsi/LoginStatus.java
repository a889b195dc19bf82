package pnfs.wire.iscsi;

/// How a target answers a login (RFC 7143 §11.13.5): class in the high byte, detail in the low one.
public enum LoginStatus {
    SUCCESS(0x0000, "success"),
    MOVED_TEMPORARILY(0x0101, "target moved temporarily"),
    MOVED_PERMANENTLY(0x0102, "target moved permanently"),
    INITIATOR_ERROR(0x0200, "initiator error"),
    AUTHENTICATION_FAILURE(0x0201, "authentication failed"),
    AUTHORIZATION_FAILURE(0x0202, "initiator is not allowed here"),
    NOT_FOUND(0x0203, "target not found"),
    TARGET_REMOVED(0x0204, "target removed"),
    UNSUPPORTED_VERSION(0x0205, "unsupported version"),
    TOO_MANY_CONNECTIONS(0x0206, "too many connections"),
    MISSING_PARAMETER(0x0207, "missing parameter"),
    CANNOT_INCLUDE_IN_SESSION(0x0208, "connection cannot join the session"),
    SESSION_TYPE_NOT_SUPPORTED(0x0209, "session type not supported"),
    SESSION_DOES_NOT_EXIST(0x020a, "session does not exist"),
    INVALID_DURING_LOGIN(0x020b, "invalid request during login"),
    TARGET_ERROR(0x0300, "target error"),
    SERVICE_UNAVAILABLE(0x0301, "service unavailable"),
    OUT_OF_RESOURCES(0x0302, "target is out of resources");

    private final int wire;
    private final String text;

    LoginStatus(int wire, String text) {
        this.wire = wire;
        this.text = text;
    }

    public int wire() {
        return wire;
    }

    /// Whether another attempt with the same keys may succeed: the target has a problem, not we.
    static boolean isTransient(int wire) {
        return wire >> 8 == 3;
    }

    /// For logs and errors; a code without a name shows as it is.
    public static String text(int wire) {
        for (LoginStatus status : values()) {
            if (status.wire == wire) {
                return status.text;
            }
        }
        return "login status 0x" + Integer.toHexString(wire);
    }
}
