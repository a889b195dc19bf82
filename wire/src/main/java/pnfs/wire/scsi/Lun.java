package pnfs.wire.scsi;

/// Logical unit numbers of one level, as the eight bytes that carry them (SAM-5 §4.7): numbers up to 255 in
/// peripheral device form, up to 16383 in flat form.
public final class Lun {
    public static final int MAX = 0x3fff;

    private Lun() {}

    public static long toWire(int lun) {
        if (lun < 0 || lun > MAX) {
            throw new IllegalArgumentException("LUN " + lun + " over " + MAX);
        }
        return lun < 0x100 ? (long) lun << 48 : (0x4000L | lun) << 48;
    }

    /// The number, or -1 if the address has another form or a second level.
    public static int fromWire(long wire) {
        int first = (int) (wire >>> 48);
        boolean oneLevel = wire << 16 == 0;
        boolean peripheral = first >>> 8 == 0;
        boolean flat = first >>> 14 == 1;
        return oneLevel && (peripheral || flat) ? first & MAX : -1;
    }
}
