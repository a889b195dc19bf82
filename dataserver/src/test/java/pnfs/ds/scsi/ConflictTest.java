package pnfs.ds.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import pnfs.ds.reservation.ReservationType;
import pnfs.ds.reservation.Reservations.ExistingKey;
import pnfs.ds.reservation.Reservations.KeyPair;
import pnfs.ds.reservation.SharedVolume;
import pnfs.wire.scsi.ScsiStatus;

/// Every command of the table, under every type of reservation, from a holder, a registrant and a stranger
/// (SPC-4 table 66, SBC-3 table 14): who gets RESERVATION CONFLICT, and nothing else decides it.
class ConflictTest {
    private final ScsiFixture fixture = new ScsiFixture(1 << 20, 4096);
    private final SharedVolume shared = fixture.volume();

    private enum Reach {
        MEDIUM_READ,
        MEDIUM_CHANGED,
        NOT_THE_MEDIUM
    }

    /// The standard's rows; a command that is new in the table must be put here.
    private static Reach reach(SupportedCommand command) {
        return switch (command) {
            case READ_6,
                    READ_10,
                    READ_12,
                    READ_16,
                    VERIFY_10,
                    VERIFY_12,
                    VERIFY_16,
                    PRE_FETCH_10,
                    PRE_FETCH_16,
                    GET_LBA_STATUS -> Reach.MEDIUM_READ;
            case WRITE_6,
                    WRITE_10,
                    WRITE_12,
                    WRITE_16,
                    WRITE_AND_VERIFY_10,
                    WRITE_AND_VERIFY_12,
                    WRITE_AND_VERIFY_16,
                    WRITE_SAME_10,
                    WRITE_SAME_16,
                    UNMAP,
                    COMPARE_AND_WRITE,
                    WRITE_ATOMIC_16,
                    ORWRITE_16,
                    SYNCHRONIZE_CACHE_10,
                    SYNCHRONIZE_CACHE_16,
                    MODE_SELECT_6,
                    MODE_SELECT_10 -> Reach.MEDIUM_CHANGED;
            case TEST_UNIT_READY,
                    REQUEST_SENSE,
                    INQUIRY,
                    MODE_SENSE_6,
                    MODE_SENSE_10,
                    START_STOP_UNIT,
                    READ_CAPACITY_10,
                    READ_CAPACITY_16,
                    REPORT_LUNS,
                    REPORT_TARGET_PORT_GROUPS,
                    REPORT_SUPPORTED_OPCODES,
                    REPORT_SUPPORTED_TASK_FUNCTIONS,
                    READ_KEYS,
                    READ_RESERVATION,
                    REPORT_CAPABILITIES,
                    READ_FULL_STATUS,
                    REGISTER,
                    RESERVE,
                    RELEASE,
                    CLEAR,
                    PREEMPT,
                    PREEMPT_AND_ABORT,
                    REGISTER_AND_IGNORE_EXISTING_KEY,
                    REGISTER_AND_MOVE -> Reach.NOT_THE_MEDIUM;
        };
    }

    private boolean conflicts(SupportedCommand command, ScsiNexus by) {
        byte[] cdb = Arrays.copyOf(new byte[] {(byte) command.opcode()}, 16);
        if (command.serviceAction() != SupportedCommand.NO_SERVICE_ACTION) {
            cdb[1] = (byte) command.serviceAction();
        }
        if (command == SupportedCommand.RESERVE
                || command == SupportedCommand.RELEASE
                || command == SupportedCommand.PREEMPT
                || command == SupportedCommand.PREEMPT_AND_ABORT) {
            cdb[2] = 1; // some type
        }
        return fixture.start(by, 0, cdb, 0).status() == ScsiStatus.RESERVATION_CONFLICT;
    }

    @ParameterizedTest
    @EnumSource(ReservationType.class)
    void every_command_meets_the_reservation_as_the_standard_has_it(ReservationType type) {
        ScsiNexus holder = ScsiFixture.nexus("holder");
        ScsiNexus registrant = ScsiFixture.nexus("registrant");
        ScsiNexus stranger = ScsiFixture.nexus("stranger");
        for (SupportedCommand command : SupportedCommand.values()) {
            assertThat(conflicts(command, stranger))
                    .as("%s without a reservation", command)
                    .isFalse();
        }
        for (ScsiNexus each : List.of(holder, registrant)) {
            shared.reservations()
                    .change(
                            now -> now.register(each.name(), new KeyPair(0, 1), ExistingKey.IGNORED, false, List.of()),
                            done -> {});
        }
        shared.reservations().change(now -> now.reserve(holder.name(), 1, type), done -> {});
        boolean exclusive = type.name().startsWith("EXCLUSIVE_ACCESS");
        boolean ofRegistrants =
                type.name().endsWith("REGISTRANTS_ONLY") || type.name().endsWith("ALL_REGISTRANTS");

        for (SupportedCommand command : SupportedCommand.values()) {
            boolean refusedToOthers = switch (reach(command)) {
                case MEDIUM_READ -> exclusive;
                case MEDIUM_CHANGED -> true;
                case NOT_THE_MEDIUM -> false;
            };
            assertThat(conflicts(command, holder))
                    .as("%s of the holder", command)
                    .isFalse();
            assertThat(conflicts(command, registrant))
                    .as("%s of a registrant", command)
                    .isEqualTo(refusedToOthers && !ofRegistrants);
            assertThat(conflicts(command, stranger))
                    .as("%s of a stranger", command)
                    .isEqualTo(refusedToOthers);
        }
    }
}
