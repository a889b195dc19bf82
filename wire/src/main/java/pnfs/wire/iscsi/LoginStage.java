package pnfs.wire.iscsi;

/// Stages of a login (RFC 7143 §6.3), and how they stand in a login PDU's flags.
public final class LoginStage {
    public static final int SECURITY = 0;
    public static final int OPERATIONAL = 1;
    public static final int FULL_FEATURE = 3;

    private LoginStage() {}

    /// Flags of a login PDU that asks to go, or goes, from `current` to `next`.
    public static int transit(int current, int next) {
        return Bhs.TRANSIT | (current << 2) | next;
    }

    /// Flags of a login PDU that stays in `current`.
    public static int stay(int current) {
        return current << 2;
    }
}
