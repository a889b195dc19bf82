package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import pnfs.ds.reservation.Access;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;

/// The commands that we know, a row each. The bitmap says which bits of a CDB have a meaning for us: a command
/// that sets another one is refused, and REPORT SUPPORTED OPERATION CODES tells the same bitmap (SPC-4 §6.35.3,
/// CDB USAGE DATA).
///
/// The access says which row of the conflict table the command has (SPC-4 §5.12.1, SBC-3 §4.17).
///
/// Group numbers may be set and mean nothing. Protection information, NACA and link bits may not.
enum SupportedCommand {
    TEST_UNIT_READY(Access.INQUIRE, ScsiOpcode.TEST_UNIT_READY, "00 00 0000 00 00"),
    REQUEST_SENSE(Access.INQUIRE, ScsiOpcode.REQUEST_SENSE, "03 01 0000 ff 00"),
    READ_6(Access.READ, ScsiOpcode.READ_6, "08 1fffff ff 00"),
    WRITE_6(Access.WRITE, ScsiOpcode.WRITE_6, "0a 1fffff ff 00"),
    INQUIRY(Access.INQUIRE, ScsiOpcode.INQUIRY, "12 01 ff ffff 00"),
    MODE_SELECT_6(Access.WRITE, ScsiOpcode.MODE_SELECT_6, "15 10 0000 ff 00"),
    MODE_SENSE_6(Access.INQUIRE, ScsiOpcode.MODE_SENSE_6, "1a 08 ff ff ff 00"),
    START_STOP_UNIT(Access.INQUIRE, ScsiOpcode.START_STOP_UNIT, "1b 01 00 0f f7 00"),
    READ_CAPACITY_10(Access.INQUIRE, ScsiOpcode.READ_CAPACITY_10, "25 00 00000000 0000 00 00"),
    READ_10(Access.READ, ScsiOpcode.READ_10, "28 18 ffffffff 3f ffff 00"),
    WRITE_10(Access.WRITE, ScsiOpcode.WRITE_10, "2a 18 ffffffff 3f ffff 00"),
    WRITE_AND_VERIFY_10(Access.WRITE, ScsiOpcode.WRITE_AND_VERIFY_10, "2e 12 ffffffff 3f ffff 00"),
    VERIFY_10(Access.READ, ScsiOpcode.VERIFY_10, "2f 16 ffffffff 3f ffff 00"),
    PRE_FETCH_10(Access.READ, ScsiOpcode.PRE_FETCH_10, "34 02 ffffffff 3f ffff 00"),
    SYNCHRONIZE_CACHE_10(Access.WRITE, ScsiOpcode.SYNCHRONIZE_CACHE_10, "35 02 ffffffff 3f ffff 00"),
    WRITE_SAME_10(Access.WRITE, ScsiOpcode.WRITE_SAME_10, "41 08 ffffffff 3f ffff 00"),
    UNMAP(Access.WRITE, ScsiOpcode.UNMAP, "42 00 00000000 3f ffff 00"),
    MODE_SELECT_10(Access.WRITE, ScsiOpcode.MODE_SELECT_10, "55 10 0000000000 ffff 00"),
    MODE_SENSE_10(Access.INQUIRE, ScsiOpcode.MODE_SENSE_10, "5a 18 ff ff 000000 ffff 00"),
    READ_KEYS(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_IN, 0, "5e 1f 00000000 00 ffff 00"),
    READ_RESERVATION(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_IN, 1, "5e 1f 00000000 00 ffff 00"),
    REPORT_CAPABILITIES(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_IN, 2, "5e 1f 00000000 00 ffff 00"),
    READ_FULL_STATUS(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_IN, 3, "5e 1f 00000000 00 ffff 00"),
    REGISTER(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 0, "5f 1f ff 0000 ffffffff 00"),
    RESERVE(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 1, "5f 1f ff 0000 ffffffff 00"),
    RELEASE(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 2, "5f 1f ff 0000 ffffffff 00"),
    CLEAR(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 3, "5f 1f ff 0000 ffffffff 00"),
    PREEMPT(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 4, "5f 1f ff 0000 ffffffff 00"),
    PREEMPT_AND_ABORT(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 5, "5f 1f ff 0000 ffffffff 00"),
    REGISTER_AND_IGNORE_EXISTING_KEY(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 6, "5f 1f ff 0000 ffffffff 00"),
    REGISTER_AND_MOVE(Access.INQUIRE, ScsiOpcode.PERSISTENT_RESERVE_OUT, 7, "5f 1f ff 0000 ffffffff 00"),
    READ_16(Access.READ, ScsiOpcode.READ_16, "88 18 ffffffffffffffff ffffffff 3f 00"),
    COMPARE_AND_WRITE(Access.WRITE, ScsiOpcode.COMPARE_AND_WRITE, "89 18 ffffffffffffffff 000000 ff 3f 00"),
    WRITE_16(Access.WRITE, ScsiOpcode.WRITE_16, "8a 18 ffffffffffffffff ffffffff 3f 00"),
    ORWRITE_16(Access.WRITE, ScsiOpcode.ORWRITE_16, "8b 18 ffffffffffffffff ffffffff 3f 00"),
    WRITE_AND_VERIFY_16(Access.WRITE, ScsiOpcode.WRITE_AND_VERIFY_16, "8e 12 ffffffffffffffff ffffffff 3f 00"),
    VERIFY_16(Access.READ, ScsiOpcode.VERIFY_16, "8f 16 ffffffffffffffff ffffffff 3f 00"),
    PRE_FETCH_16(Access.READ, ScsiOpcode.PRE_FETCH_16, "90 02 ffffffffffffffff ffffffff 3f 00"),
    SYNCHRONIZE_CACHE_16(Access.WRITE, ScsiOpcode.SYNCHRONIZE_CACHE_16, "91 02 ffffffffffffffff ffffffff 3f 00"),
    WRITE_SAME_16(Access.WRITE, ScsiOpcode.WRITE_SAME_16, "93 09 ffffffffffffffff ffffffff 3f 00"),
    /// Without a boundary: it is atomic as a whole.
    WRITE_ATOMIC_16(Access.WRITE, ScsiOpcode.WRITE_ATOMIC_16, "9c 18 ffffffffffffffff 0000 ffff 3f 00"),
    READ_CAPACITY_16(
            Access.INQUIRE,
            ScsiOpcode.SERVICE_ACTION_IN_16,
            ScsiOpcode.READ_CAPACITY_16,
            "9e 1f 0000000000000000 ffffffff 00 00"),
    GET_LBA_STATUS(
            Access.READ,
            ScsiOpcode.SERVICE_ACTION_IN_16,
            ScsiOpcode.GET_LBA_STATUS,
            "9e 1f ffffffffffffffff ffffffff 00 00"),
    REPORT_LUNS(Access.INQUIRE, ScsiOpcode.REPORT_LUNS, "a0 00 ff 000000 ffffffff 00 00"),
    REPORT_TARGET_PORT_GROUPS(
            Access.INQUIRE,
            ScsiOpcode.MAINTENANCE_IN,
            ScsiOpcode.REPORT_TARGET_PORT_GROUPS,
            "a3 3f 00 00 0000 ffffffff 00 00"),
    REPORT_SUPPORTED_OPCODES(
            Access.INQUIRE,
            ScsiOpcode.MAINTENANCE_IN,
            ScsiOpcode.REPORT_SUPPORTED_OPCODES,
            "a3 1f 87 ff ffff ffffffff 00 00"),
    REPORT_SUPPORTED_TASK_FUNCTIONS(
            Access.INQUIRE,
            ScsiOpcode.MAINTENANCE_IN,
            ScsiOpcode.REPORT_SUPPORTED_TASK_FUNCTIONS,
            "a3 1f 80 00 0000 ffffffff 00 00"),
    READ_12(Access.READ, ScsiOpcode.READ_12, "a8 18 ffffffff ffffffff 3f 00"),
    WRITE_12(Access.WRITE, ScsiOpcode.WRITE_12, "aa 18 ffffffff ffffffff 3f 00"),
    WRITE_AND_VERIFY_12(Access.WRITE, ScsiOpcode.WRITE_AND_VERIFY_12, "ae 12 ffffffff ffffffff 3f 00"),
    VERIFY_12(Access.READ, ScsiOpcode.VERIFY_12, "af 16 ffffffff ffffffff 3f 00");

    /// Where commands of one opcode have no service action.
    static final int NO_SERVICE_ACTION = -1;

    private static final SupportedCommand[][] BY_OPCODE = new SupportedCommand[256][];

    static {
        for (int opcode = 0; opcode < BY_OPCODE.length; opcode++) {
            int wanted = opcode;
            BY_OPCODE[opcode] = Arrays.stream(values())
                    .filter(command -> command.opcode == wanted)
                    .toArray(SupportedCommand[]::new);
        }
    }

    private final Access access;
    private final int opcode;
    private final int serviceAction;
    private final String tag;
    private final String family;

    @SuppressWarnings("ImmutableEnumChecker") // leaves as a copy only
    private final byte[] usage;

    SupportedCommand(Access access, int opcode, String usage) {
        this(access, opcode, NO_SERVICE_ACTION, usage);
    }

    SupportedCommand(Access access, int opcode, int serviceAction, String usage) {
        this.access = access;
        this.opcode = opcode;
        this.serviceAction = serviceAction;
        this.tag = name().toLowerCase(Locale.ROOT);
        this.family = tag.replaceFirst("_(6|10|12|16)$", "");
        this.usage = HexFormat.of().parseHex(usage.replace(" ", ""));
    }

    /// What it wants of the medium, and so which row of the conflict table it has.
    Access access() {
        return access;
    }

    /// Whether write protection (SWP) forbids it.
    boolean changesBlocks() {
        return switch (this) {
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16, MODE_SELECT_6, MODE_SELECT_10 -> false;
            default -> access == Access.WRITE;
        };
    }

    int opcode() {
        return opcode;
    }

    /// [#NO_SERVICE_ACTION] unless the opcode is shared.
    int serviceAction() {
        return serviceAction;
    }

    private boolean hasServiceAction() {
        return serviceAction != NO_SERVICE_ACTION;
    }

    /// Length of its CDB in bytes.
    int cdbBytes() {
        return usage.length;
    }

    /// Its CDB usage bitmap, the first byte being the opcode itself.
    byte[] usage() {
        return usage.clone();
    }

    /// Whether a CDB sets only bits that have a meaning.
    boolean allows(ByteBuffer cdb) {
        for (int i = 1; i < usage.length; i++) {
            if ((cdb.get(i) & ~usage[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    /// As the metrics' tag `command` has it.
    String tag() {
        return tag;
    }

    /// Its name without the size of its CDB, as fault scripts have it: `read`, `write_same`.
    String family() {
        return family;
    }

    /// Whether its CDB says which blocks it touches.
    boolean namesBlocks() {
        return switch (this) {
            case MODE_SELECT_6, MODE_SELECT_10, UNMAP, GET_LBA_STATUS -> false;
            default -> access != Access.INQUIRE;
        };
    }

    /// Whether it goes on while its unit has an attention to report (SPC-4 §5.14): it then reports that itself,
    /// or is of the device rather than of the unit. PERSISTENT RESERVE IN and OUT do so as well: Linux before 6.12
    /// gives a pNFS device up when the registration of its key meets an attention.
    boolean ignoresAttention() {
        return switch (opcode) {
            case ScsiOpcode.INQUIRY,
                    ScsiOpcode.REPORT_LUNS,
                    ScsiOpcode.REQUEST_SENSE,
                    ScsiOpcode.PERSISTENT_RESERVE_IN,
                    ScsiOpcode.PERSISTENT_RESERVE_OUT -> true;
            default -> false;
        };
    }

    static boolean knowsOpcode(int opcode) {
        return BY_OPCODE[opcode].length > 0;
    }

    /// Whether commands of this opcode are told apart by a service action.
    static boolean sharesOpcode(int opcode) {
        return knowsOpcode(opcode) && BY_OPCODE[opcode][0].hasServiceAction();
    }

    /// The command of a CDB; null when the opcode, or the service action of a shared one, is unknown.
    static @Nullable SupportedCommand of(ByteBuffer cdb) {
        return of(Cdb.opcode(cdb, 0), Cdb.serviceAction(cdb, 0));
    }

    static @Nullable SupportedCommand of(int opcode, int serviceAction) {
        for (SupportedCommand command : BY_OPCODE[opcode]) {
            if (!command.hasServiceAction() || command.serviceAction == serviceAction) {
                return command;
            }
        }
        return null;
    }
}
