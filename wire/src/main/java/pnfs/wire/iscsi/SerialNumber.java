package pnfs.wire.iscsi;

/// Comparison of CmdSN, StatSN and DataSN: 32 bits that wrap around (RFC 1982, RFC 7143 §4.2.2).
public final class SerialNumber {
    private SerialNumber() {}

    public static boolean isBefore(int a, int b) {
        return a - b < 0;
    }

    /// Whether `number` lies in the window from `first` to `last`, both included; `last` = `first` - 1 is closed.
    public static boolean isWithin(int number, int first, int last) {
        return number - first >= 0 && last - number >= 0;
    }
}
