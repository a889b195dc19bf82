package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;

/// The commands that we know, a row each. The bitmap says which bits of a CDB have a meaning for us: a command
/// that sets another one is refused, and REPORT SUPPORTED OPERATION CODES tells the same bitmap (SPC-4 §6.35.3,
/// CDB USAGE DATA).
///
/// Group numbers may be set and mean nothing. Protection information, NACA and link bits may not.
enum SupportedCommand {
    TEST_UNIT_READY(ScsiOpcode.TEST_UNIT_READY, "00 00 0000 00 00"),
    REQUEST_SENSE(ScsiOpcode.REQUEST_SENSE, "03 01 0000 ff 00"),
    READ_6(ScsiOpcode.READ_6, "08 1fffff ff 00"),
    WRITE_6(ScsiOpcode.WRITE_6, "0a 1fffff ff 00"),
    INQUIRY(ScsiOpcode.INQUIRY, "12 01 ff ffff 00"),
    MODE_SENSE_6(ScsiOpcode.MODE_SENSE_6, "1a 08 ff ff ff 00"),
    READ_CAPACITY_10(ScsiOpcode.READ_CAPACITY_10, "25 00 00000000 0000 00 00"),
    READ_10(ScsiOpcode.READ_10, "28 18 ffffffff 3f ffff 00"),
    WRITE_10(ScsiOpcode.WRITE_10, "2a 18 ffffffff 3f ffff 00"),
    VERIFY_10(ScsiOpcode.VERIFY_10, "2f 10 ffffffff 3f ffff 00"),
    SYNCHRONIZE_CACHE_10(ScsiOpcode.SYNCHRONIZE_CACHE_10, "35 02 ffffffff 3f ffff 00"),
    MODE_SENSE_10(ScsiOpcode.MODE_SENSE_10, "5a 18 ff ff 000000 ffff 00"),
    READ_16(ScsiOpcode.READ_16, "88 18 ffffffffffffffff ffffffff 3f 00"),
    WRITE_16(ScsiOpcode.WRITE_16, "8a 18 ffffffffffffffff ffffffff 3f 00"),
    VERIFY_16(ScsiOpcode.VERIFY_16, "8f 10 ffffffffffffffff ffffffff 3f 00"),
    SYNCHRONIZE_CACHE_16(ScsiOpcode.SYNCHRONIZE_CACHE_16, "91 02 ffffffffffffffff ffffffff 3f 00"),
    READ_CAPACITY_16(
            ScsiOpcode.SERVICE_ACTION_IN_16, ScsiOpcode.READ_CAPACITY_16, "9e 1f 0000000000000000 ffffffff 00 00"),
    REPORT_LUNS(ScsiOpcode.REPORT_LUNS, "a0 00 ff 000000 ffffffff 00 00"),
    REPORT_SUPPORTED_OPCODES(
            ScsiOpcode.MAINTENANCE_IN, ScsiOpcode.REPORT_SUPPORTED_OPCODES, "a3 1f 87 ff ffff ffffffff 00 00"),
    READ_12(ScsiOpcode.READ_12, "a8 18 ffffffff ffffffff 3f 00"),
    WRITE_12(ScsiOpcode.WRITE_12, "aa 18 ffffffff ffffffff 3f 00"),
    VERIFY_12(ScsiOpcode.VERIFY_12, "af 10 ffffffff ffffffff 3f 00");

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

    private final int opcode;
    private final int serviceAction;

    @SuppressWarnings("ImmutableEnumChecker") // leaves as a copy only
    private final byte[] usage;

    SupportedCommand(int opcode, String usage) {
        this(opcode, NO_SERVICE_ACTION, usage);
    }

    SupportedCommand(int opcode, int serviceAction, String usage) {
        this.opcode = opcode;
        this.serviceAction = serviceAction;
        this.usage = HexFormat.of().parseHex(usage.replace(" ", ""));
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
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether it goes on while its unit has an attention to report (SPC-4 §5.14): it then reports that itself,
    /// or is of the device rather than of the unit.
    boolean ignoresAttention() {
        return this == INQUIRY || this == REPORT_LUNS || this == REQUEST_SENSE;
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
