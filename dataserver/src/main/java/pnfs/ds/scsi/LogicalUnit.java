package pnfs.ds.scsi;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.Persistence;
import pnfs.ds.reservation.ReservationTable;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.ModePage;
import pnfs.wire.scsi.ModeParameters;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.SupportedOpcodes;
import pnfs.wire.scsi.VpdPage;
import pnfs.wire.scsi.VpdPage.Designator;

/// Commands onto one volume (SBC-3 §5, SPC-4 §6). Safe for use by many connections: what it has is immutable,
/// apart from the volume.
///
/// There is no cache to lose: a write is durable before it answers (WCE=0), so SYNCHRONIZE CACHE and FUA have
/// nothing left to do.
final class LogicalUnit {
    /// The most bytes that one command moves; block limits (VPD page B0h) tell it to initiators.
    static final int MAX_TRANSFER_BYTES = 16 << 20;

    private static final int OPTIMAL_TRANSFER_BYTES = 1 << 20;
    private static final int PHYSICAL_BLOCK_BYTES = 4096;
    private static final String REVISION = "0001";
    /// SAM-5, SPC-4, SBC-3, iSCSI: version descriptor codes of SPC-4 table 149.
    private static final List<Integer> STANDARDS = List.of(0x00a0, 0x0460, 0x04c0, 0x0960);

    private static final Sense SAVING_PARAMETERS_NOT_SUPPORTED = new Sense(Sense.ILLEGAL_REQUEST_KEY, 0x39, 0x00);

    private static final int CHANGEABLE_VALUES = 1;
    private static final int SAVED_VALUES = 3;
    private static final List<ModePage> MODE_PAGES =
            List.of(new ModePage.Caching(false, false), new ModePage.Control(false, false, false, true));
    /// Nothing can be changed.
    private static final List<ModePage> CHANGEABLE_MODE_PAGES =
            List.of(new ModePage.Caching(false, false), new ModePage.Control(false, false, false, false));

    private final Volume volume;
    private final ReservationTable reservations;
    private final ReserveCommands reserveCommands;
    private final List<VpdPage> vitalPages;

    /// @param deviceName the iSCSI name of the device around it
    LogicalUnit(SharedVolume shared, String deviceName) {
        this.volume = shared.volume();
        this.reservations = shared.reservations();
        this.reserveCommands = new ReserveCommands(reservations);
        this.vitalPages = vitalPages(volume, deviceName);
    }

    Volume volume() {
        return volume;
    }

    /// Decides a command whose CDB sets only bits that its row allows.
    void start(SupportedCommand command, ScsiTask task) {
        if (!reservations.permits(task.nexus().name(), command.access())) {
            task.refuse(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        switch (command) {
            case READ_6, READ_10, READ_12, READ_16 -> read(task);
            case WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> write(task);
            case VERIFY_10, VERIFY_12, VERIFY_16 -> verify(task);
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> requireBlocks(task);
            case TEST_UNIT_READY -> {
                // GOOD: a mapped region is always ready.
            }
            case REQUEST_SENSE,
                    INQUIRY,
                    MODE_SENSE_6,
                    MODE_SENSE_10,
                    READ_CAPACITY_10,
                    READ_CAPACITY_16,
                    REPORT_LUNS,
                    REPORT_SUPPORTED_OPCODES,
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
                    REGISTER_AND_MOVE -> ask(ScsiCommand.read(task.cdb(), 0), task);
        }
    }

    /// False, and the command refused, when it names blocks that are not there.
    private boolean requireBlocks(ScsiTask task) {
        if (volume.covers(Cdb.firstBlock(task.cdb(), 0), Cdb.blocks(task.cdb(), 0))) {
            return true;
        }
        task.fail(Sense.LBA_OUT_OF_RANGE);
        return false;
    }

    /// False, and the command refused, when it moves more than block limits allow.
    private boolean requireTransfer(ScsiTask task) {
        if (Cdb.blocks(task.cdb(), 0) * volume.blockBytes() <= MAX_TRANSFER_BYTES) {
            return true;
        }
        task.fail(Sense.INVALID_FIELD_IN_CDB);
        return false;
    }

    private void read(ScsiTask task) {
        if (requireMedium(task, Sense.UNRECOVERED_READ_ERROR)) {
            int bytes = bytes(task);
            volume.countRead(bytes);
            task.move(ScsiTask.READ, this, offset(task), bytes);
        }
    }

    private void write(ScsiTask task) {
        if (requireMedium(task, Sense.WRITE_ERROR)) {
            task.move(ScsiTask.WRITE, this, offset(task), bytes(task));
        }
    }

    private void verify(ScsiTask task) {
        requireMedium(task, Sense.UNRECOVERED_READ_ERROR);
    }

    /// False, and the command refused or failed, unless its blocks are there and can be reached.
    private boolean requireMedium(ScsiTask task, Sense failure) {
        if (!requireBlocks(task) || !requireTransfer(task)) {
            return false;
        }
        if (!volume.readable(offset(task), bytes(task))) {
            task.fail(failure.withInformation(Cdb.firstBlock(task.cdb(), 0)));
            return false;
        }
        return true;
    }

    private long offset(ScsiTask task) {
        return volume.offsetOf(Cdb.firstBlock(task.cdb(), 0));
    }

    private int bytes(ScsiTask task) {
        return (int) (Cdb.blocks(task.cdb(), 0) * volume.blockBytes());
    }

    /// Makes written bytes durable, then tells the waiter.
    void persist(long offset, int length, Persistence.Waiter waiter) {
        volume.countWrite(length);
        volume.persist(offset, length, waiter);
    }

    private void ask(ScsiCommand command, ScsiTask task) {
        switch (command) {
            case ScsiCommand.RequestSense request -> requestSense(request, task);
            case ScsiCommand.Inquiry inquiry -> inquire(inquiry, task);
            case ScsiCommand.ModeSense sense -> modeSense(sense, task);
            case ScsiCommand.ReadCapacity10 read -> task.replyWith(capacity().toShortBytes(), read.allocationBytes());
            case ScsiCommand.ReadCapacity16 read -> task.replyWith(capacity().toBytes(), read.allocationBytes());
            case ScsiCommand.ReportSupportedOpcodes report -> supportedOpcodes(report, task);
            case ScsiCommand.PersistentReserveIn in -> reserveCommands.read(in, task);
            case ScsiCommand.PersistentReserveOut out -> reserveCommands.write(out, task);
            default -> throw new IllegalStateException("no row lets " + command + " come here");
        }
    }

    private Capacity capacity() {
        int logicalPerPhysical = PHYSICAL_BLOCK_BYTES / volume.blockBytes();
        return Capacity.of(volume.blocks(), volume.blockBytes(), Integer.numberOfTrailingZeros(logicalPerPhysical));
    }

    private static void requestSense(ScsiCommand.RequestSense request, ScsiTask task) {
        Sense attention = task.nexus().takeAttention(task.lun());
        ScsiTarget.replyWithSense(attention == null ? Sense.NONE : attention, request, task);
    }

    private void inquire(ScsiCommand.Inquiry inquiry, ScsiTask task) {
        if (inquiry.vital()) {
            for (VpdPage page : vitalPages) {
                if (page.code() == inquiry.page()) {
                    task.replyWith(page.toBytes(), inquiry.allocationBytes());
                    return;
                }
            }
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else {
            ScsiTarget.replyWithInquiry(inquiryData(InquiryData.DISK), inquiry, task);
        }
    }

    static InquiryData inquiryData(int peripheral) {
        return new InquiryData(peripheral, InquiryData.SPC_4, 0, Volume.VENDOR, Volume.PRODUCT, REVISION, STANDARDS);
    }

    private static List<VpdPage> vitalPages(Volume volume, String deviceName) {
        int blockBytes = volume.blockBytes();
        // A pNFS client finds its disk by the NAA name, so there is exactly one (RFC 8154 §2.3.2.1).
        var names = new VpdPage.DeviceIdentification(List.of(
                Designator.naa(volume.naa().toBytes()),
                Designator.t10(Volume.VENDOR, volume.serial()),
                Designator.relativePort(ScsiTarget.RELATIVE_PORT),
                Designator.targetPortGroup(ScsiTarget.PORTAL_GROUP),
                Designator.scsiName(
                        Designator.TARGET_PORT, "%s,t,0x%04x".formatted(deviceName, ScsiTarget.PORTAL_GROUP)),
                Designator.scsiName(Designator.TARGET_DEVICE, deviceName)));
        var limits = new VpdPage.BlockLimits(
                false,
                0,
                PHYSICAL_BLOCK_BYTES / blockBytes,
                MAX_TRANSFER_BYTES / blockBytes,
                OPTIMAL_TRANSFER_BYTES / blockBytes,
                0,
                0,
                0,
                -1,
                0);
        var characteristics = new VpdPage.BlockCharacteristics(VpdPage.BlockCharacteristics.DOES_NOT_ROTATE, 0);
        var provisioning = new VpdPage.Provisioning(0, 0, 0, 0);
        var serial = new VpdPage.UnitSerial(volume.serial());
        var codes = new VpdPage.SupportedPages(List.of(
                VpdPage.SUPPORTED_PAGES,
                serial.code(),
                names.code(),
                limits.code(),
                characteristics.code(),
                provisioning.code()));
        return List.of(codes, serial, names, limits, characteristics, provisioning);
    }

    private static void modeSense(ScsiCommand.ModeSense sense, ScsiTask task) {
        if (sense.pageControl() == SAVED_VALUES) {
            task.fail(SAVING_PARAMETERS_NOT_SUPPORTED);
            return;
        }
        List<ModePage> pages = (sense.pageControl() == CHANGEABLE_VALUES ? CHANGEABLE_MODE_PAGES : MODE_PAGES)
                .stream()
                        .filter(page -> sense.page() == ModePage.ALL || sense.page() == page.code())
                        .toList();
        boolean noSubpage = sense.subpage() != 0 && sense.subpage() != ModePage.ALL_SUBPAGES;
        if (pages.isEmpty() || noSubpage) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        var parameters = new ModeParameters(false, true, pages);
        task.replyWith(parameters.toBytes(sense.form()), sense.allocationBytes());
    }

    private static void supportedOpcodes(ScsiCommand.ReportSupportedOpcodes report, ScsiTask task) {
        if (report.options() == 0) {
            var all = Arrays.stream(SupportedCommand.values())
                    .map(row -> new SupportedOpcodes.Command(row.opcode(), row.serviceAction(), row.cdbBytes()))
                    .toList();
            task.replyWith(SupportedOpcodes.all(all), report.allocationBytes());
            return;
        }
        boolean hasServiceActions = SupportedCommand.sharesOpcode(report.opcode());
        boolean contradicts = switch (report.options()) {
            case 1 -> hasServiceActions;
            case 2 -> SupportedCommand.knowsOpcode(report.opcode()) && !hasServiceActions;
            case 3 -> false;
            default -> true;
        };
        if (contradicts) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        @Nullable SupportedCommand command = SupportedCommand.of(report.opcode(), report.serviceAction());
        task.replyWith(SupportedOpcodes.one(command == null ? null : command.usage()), report.allocationBytes());
    }
}
