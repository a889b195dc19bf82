package pnfs.wire.scsi;

import java.nio.ByteBuffer;

/// Why a command failed: a sense key and, as its detail, additional sense code and qualifier (SPC-4 §4.5). A
/// value, so that refusals are constants.
///
/// @param information what the INFORMATION field says, by key: the byte offset of a miscompare, the block of a
///     medium error; [#NO_INFORMATION] if it is not valid
public record Sense(int key, int asc, int ascq, long information) {
    public static final long NO_INFORMATION = -1;

    public static final int NO_SENSE_KEY = 0x0;
    public static final int NOT_READY_KEY = 0x2;
    public static final int MEDIUM_ERROR_KEY = 0x3;
    public static final int HARDWARE_ERROR_KEY = 0x4;
    public static final int ILLEGAL_REQUEST_KEY = 0x5;
    public static final int UNIT_ATTENTION_KEY = 0x6;
    public static final int DATA_PROTECT_KEY = 0x7;
    public static final int ABORTED_COMMAND_KEY = 0xb;
    public static final int MISCOMPARE_KEY = 0xe;

    public static final Sense NONE = new Sense(NO_SENSE_KEY, 0x00, 0x00);
    public static final Sense BECOMING_READY = new Sense(NOT_READY_KEY, 0x04, 0x01);
    public static final Sense UNRECOVERED_READ_ERROR = new Sense(MEDIUM_ERROR_KEY, 0x11, 0x00);
    public static final Sense WRITE_ERROR = new Sense(MEDIUM_ERROR_KEY, 0x0c, 0x00);
    public static final Sense INTERNAL_TARGET_FAILURE = new Sense(HARDWARE_ERROR_KEY, 0x44, 0x00);
    public static final Sense PARAMETER_LIST_LENGTH_ERROR = new Sense(ILLEGAL_REQUEST_KEY, 0x1a, 0x00);
    public static final Sense INVALID_OPCODE = new Sense(ILLEGAL_REQUEST_KEY, 0x20, 0x00);
    public static final Sense LBA_OUT_OF_RANGE = new Sense(ILLEGAL_REQUEST_KEY, 0x21, 0x00);
    public static final Sense INVALID_FIELD_IN_CDB = new Sense(ILLEGAL_REQUEST_KEY, 0x24, 0x00);
    public static final Sense LUN_NOT_SUPPORTED = new Sense(ILLEGAL_REQUEST_KEY, 0x25, 0x00);
    public static final Sense INVALID_FIELD_IN_PARAMETER_LIST = new Sense(ILLEGAL_REQUEST_KEY, 0x26, 0x00);
    public static final Sense INVALID_RELEASE = new Sense(ILLEGAL_REQUEST_KEY, 0x26, 0x04);
    public static final Sense INSUFFICIENT_REGISTRATION_RESOURCES = new Sense(ILLEGAL_REQUEST_KEY, 0x55, 0x04);
    public static final Sense POWER_ON_OR_RESET = new Sense(UNIT_ATTENTION_KEY, 0x29, 0x00);
    public static final Sense POWER_ON = new Sense(UNIT_ATTENTION_KEY, 0x29, 0x01);
    public static final Sense BUS_RESET = new Sense(UNIT_ATTENTION_KEY, 0x29, 0x02);
    public static final Sense LOGICAL_UNIT_RESET = new Sense(UNIT_ATTENTION_KEY, 0x29, 0x03);
    public static final Sense NEXUS_LOSS = new Sense(UNIT_ATTENTION_KEY, 0x29, 0x07);
    public static final Sense MODE_PARAMETERS_CHANGED = new Sense(UNIT_ATTENTION_KEY, 0x2a, 0x01);
    public static final Sense RESERVATIONS_PREEMPTED = new Sense(UNIT_ATTENTION_KEY, 0x2a, 0x03);
    public static final Sense RESERVATIONS_RELEASED = new Sense(UNIT_ATTENTION_KEY, 0x2a, 0x04);
    public static final Sense REGISTRATIONS_PREEMPTED = new Sense(UNIT_ATTENTION_KEY, 0x2a, 0x05);
    public static final Sense CAPACITY_CHANGED = new Sense(UNIT_ATTENTION_KEY, 0x2a, 0x09);
    public static final Sense INQUIRY_DATA_CHANGED = new Sense(UNIT_ATTENTION_KEY, 0x3f, 0x03);
    public static final Sense REPORTED_LUNS_CHANGED = new Sense(UNIT_ATTENTION_KEY, 0x3f, 0x0e);
    public static final Sense WRITE_PROTECTED = new Sense(DATA_PROTECT_KEY, 0x27, 0x00);
    public static final Sense COMMAND_ABORTED = new Sense(ABORTED_COMMAND_KEY, 0x00, 0x00);
    public static final Sense MISCOMPARE = new Sense(MISCOMPARE_KEY, 0x1d, 0x00);

    /// Bytes of [#putFixed].
    public static final int FIXED_BYTES = 18;
    /// Most bytes of [#putDescriptors].
    public static final int MAX_DESCRIPTOR_BYTES = 20;

    /// Most bytes of either.
    public static final int MAX_BYTES = Math.max(FIXED_BYTES, MAX_DESCRIPTOR_BYTES);

    private static final int FIXED = 0x70;
    private static final int FIXED_DEFERRED = 0x71;
    private static final int DESCRIPTORS = 0x72;
    private static final int DESCRIPTORS_DEFERRED = 0x73;
    private static final int VALID = 0x80;
    private static final int INFORMATION_DESCRIPTOR = 0x00;
    private static final int INFORMATION_DESCRIPTOR_BYTES = 12;

    public Sense(int key, int asc, int ascq) {
        this(key, asc, ascq, NO_INFORMATION);
    }

    public Sense withInformation(long information) {
        return new Sense(key, asc, ascq, information);
    }

    /// Whether the unit only tells that something happened since the last command, and wants this one repeated.
    public boolean isUnitAttention() {
        return key == UNIT_ATTENTION_KEY;
    }

    /// Writes fixed format (SPC-4 §4.5.3). Information over 32 bits has no place there and is left out. Returns
    /// its bytes, [#FIXED_BYTES].
    public int putFixed(ByteBuffer out, int at) {
        boolean fits = information != NO_INFORMATION && information >>> 32 == 0;
        for (int i = 0; i < FIXED_BYTES; i++) {
            out.put(at + i, (byte) 0);
        }
        out.put(at, (byte) (fits ? FIXED | VALID : FIXED));
        out.put(at + 2, (byte) key);
        out.putInt(at + 3, fits ? (int) information : 0);
        out.put(at + 7, (byte) (FIXED_BYTES - 8));
        out.put(at + 12, (byte) asc);
        out.put(at + 13, (byte) ascq);
        return FIXED_BYTES;
    }

    /// Writes descriptor format (SPC-4 §4.5.2), for units whose control page says D_SENSE. Returns its bytes.
    public int putDescriptors(ByteBuffer out, int at) {
        int more = information == NO_INFORMATION ? 0 : INFORMATION_DESCRIPTOR_BYTES;
        out.put(at, (byte) DESCRIPTORS);
        out.put(at + 1, (byte) key);
        out.put(at + 2, (byte) asc);
        out.put(at + 3, (byte) ascq);
        out.putInt(at + 4, more);
        if (more > 0) {
            out.put(at + 8, (byte) INFORMATION_DESCRIPTOR);
            out.put(at + 9, (byte) (INFORMATION_DESCRIPTOR_BYTES - 2));
            out.putShort(at + 10, (short) (VALID << 8));
            out.putLong(at + 12, information);
        }
        return 8 + more;
    }

    /// Reads either format from `bytes` bytes at `at`. What is cut off counts as zero; bytes that are no sense
    /// data at all give [#NONE].
    public static Sense read(ByteBuffer in, int at, int bytes) {
        if (bytes < 1) {
            return NONE;
        }
        return switch (in.get(at) & 0x7f) {
            case FIXED, FIXED_DEFERRED -> readFixed(in, at, bytes);
            case DESCRIPTORS, DESCRIPTORS_DEFERRED -> readDescriptors(in, at, bytes);
            default -> NONE;
        };
    }

    private static Sense readFixed(ByteBuffer in, int at, int bytes) {
        boolean valid = bytes >= 7 && (in.get(at) & VALID) != 0;
        return new Sense(
                byteAt(in, at, 2, bytes) & 0x0f,
                byteAt(in, at, 12, bytes),
                byteAt(in, at, 13, bytes),
                valid ? in.getInt(at + 3) & 0xffff_ffffL : NO_INFORMATION);
    }

    private static Sense readDescriptors(ByteBuffer in, int at, int bytes) {
        long information = NO_INFORMATION;
        int end = Math.min(bytes, 8 + byteAt(in, at, 7, bytes));
        for (int i = 8; i + 2 <= end; i += 2 + byteAt(in, at, i + 1, bytes)) {
            boolean whole = i + INFORMATION_DESCRIPTOR_BYTES <= end;
            if (in.get(at + i) == INFORMATION_DESCRIPTOR && whole && (in.get(at + i + 2) & VALID) != 0) {
                // Over 2^63-1 it can be no block or offset of ours.
                information = Math.max(in.getLong(at + i + 4), NO_INFORMATION);
            }
        }
        return new Sense(
                byteAt(in, at, 1, bytes) & 0x0f, byteAt(in, at, 2, bytes), byteAt(in, at, 3, bytes), information);
    }

    private static int byteAt(ByteBuffer in, int at, int index, int bytes) {
        return index < bytes ? in.get(at + index) & 0xff : 0;
    }

    /// As logs show it: key/ASC/ASCQ in hex, as in `5/24/00`.
    @Override
    public String toString() {
        String text = "%x/%02x/%02x".formatted(key, asc, ascq);
        return information == NO_INFORMATION ? text : text + " information " + information;
    }
}
