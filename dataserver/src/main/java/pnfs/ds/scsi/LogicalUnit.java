package pnfs.ds.scsi;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.Journal;
import pnfs.ds.reservation.ReservationTable;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.ModePage;
import pnfs.wire.scsi.ModeParameters;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.SupportedOpcodes;
import pnfs.wire.scsi.TargetPortGroups;
import pnfs.wire.scsi.VpdPage;
import pnfs.wire.scsi.VpdPage.Designator;

/// What one volume is to initiators, and where its commands go (SBC-3 §5, SPC-4 §6). Safe for use by many
/// connections.
///
/// There is no cache to lose: a write is durable before it answers (WCE=0), so SYNCHRONIZE CACHE and FUA have
/// nothing left to do.
final class LogicalUnit {
    private static final int OPTIMAL_TRANSFER_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 4096;
    private static final String REVISION = "0001";
    /// TPGS: what the port groups are is asked with REPORT TARGET PORT GROUPS and changes by itself only.
    private static final int IMPLICIT_PORT_GROUPS = 1;
    /// SAM-5, SPC-4, SBC-3, iSCSI: version descriptor codes of SPC-4 table 149.
    private static final List<Integer> STANDARDS = List.of(0x00a0, 0x0460, 0x04c0, 0x0960);
    /// ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET (SPC-4 §6.36).
    private static final int TASK_FUNCTIONS = 0x80 | 0x40 | 0x10 | 0x08 | 0x02;

    private static final Sense SAVING_PARAMETERS_NOT_SUPPORTED = new Sense(Sense.ILLEGAL_REQUEST_KEY, 0x39, 0x00);

    private static final int CHANGEABLE_VALUES = 1;
    private static final int DEFAULT_VALUES = 2;
    private static final int SAVED_VALUES = 3;
    private static final int MAX_MODE_LIST_BYTES = 255;
    private static final ModePage.Caching CACHING = new ModePage.Caching(false, false);
    /// TAS is 1: who is fenced with commands under way hears of it at once, and not by its own timeouts (Linux:
    /// three of them, a minute and a half).
    private static final ModePage.Control DEFAULT_CONTROL = new ModePage.Control(false, false, true, true);
    private static final ModePage.Control CHANGEABLE_CONTROL = new ModePage.Control(true, true, false, false);

    /// The device around the unit.
    interface Surroundings {
        /// Tells all nexuses but one that something happened to the unit.
        void tell(ScsiNexus butNot, Sense what);

        /// See [ScsiTarget.Transport#settle].
        void settle(Runnable settled);
    }

    private final Volume volume;
    private final ReservationTable reservations;
    private final ReserveCommands reserve;
    private final BlockCommands blocks;
    private final Surroundings surroundings;
    private final List<VpdPage> vitalPages;
    private volatile ModePage.Control control = DEFAULT_CONTROL;

    /// @param deviceName the iSCSI name of the device around it
    LogicalUnit(SharedVolume shared, String deviceName, Surroundings surroundings) {
        this.volume = shared.volume();
        this.reservations = shared.reservations();
        this.reserve = new ReserveCommands(reservations);
        this.blocks = new BlockCommands(volume, surroundings::settle);
        this.surroundings = surroundings;
        this.vitalPages = vitalPages(volume, deviceName);
    }

    /// D_SENSE of the control page.
    boolean describesSense() {
        return control.descriptorSense();
    }

    /// What a reset leaves: mode parameters are as at the start.
    void reset() {
        control = DEFAULT_CONTROL;
    }

    /// Decides a command whose CDB sets only bits that its row allows.
    void start(SupportedCommand command, ScsiTask task) {
        if (!reservations.permits(task.nexus().name(), command.access())) {
            task.refuse(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        if (control.softwareWriteProtect() && command.changesBlocks()) {
            task.fail(Sense.WRITE_PROTECTED);
            return;
        }
        switch (command) {
            case READ_6, READ_10, READ_12, READ_16 -> blocks.read(task);
            case WRITE_6, WRITE_10, WRITE_12, WRITE_16, WRITE_AND_VERIFY_10, WRITE_AND_VERIFY_12, WRITE_AND_VERIFY_16 ->
                blocks.write(task);
            case VERIFY_10, VERIFY_12, VERIFY_16 -> blocks.verify(task);
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> blocks.synchronize(task);
            case PRE_FETCH_10, PRE_FETCH_16 -> blocks.prefetch(task);
            case COMPARE_AND_WRITE -> blocks.compareAndWrite(task);
            case ORWRITE_16 -> blocks.orWrite(task);
            case WRITE_ATOMIC_16 -> blocks.writeAtomic(task);
            case WRITE_SAME_10, WRITE_SAME_16 -> blocks.writeSame(task);
            case TEST_UNIT_READY, START_STOP_UNIT -> {
                // GOOD: a mapped region is always ready, and there is nothing that could be stopped.
            }
            case REQUEST_SENSE,
                    INQUIRY,
                    MODE_SENSE_6,
                    MODE_SENSE_10,
                    MODE_SELECT_6,
                    MODE_SELECT_10,
                    READ_CAPACITY_10,
                    READ_CAPACITY_16,
                    GET_LBA_STATUS,
                    UNMAP,
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
                    REGISTER_AND_MOVE -> ask(ScsiCommand.read(task.cdb(), 0), task);
        }
    }

    private void ask(ScsiCommand command, ScsiTask task) {
        switch (command) {
            case ScsiCommand.RequestSense request -> requestSense(request, task);
            case ScsiCommand.Inquiry inquiry -> inquire(inquiry, task);
            case ScsiCommand.ModeSense sense -> modeSense(sense, task);
            case ScsiCommand.ReadCapacity10 read -> task.replyWith(capacity().toShortBytes(), read.allocationBytes());
            case ScsiCommand.ReadCapacity16 read -> task.replyWith(capacity().toBytes(), read.allocationBytes());
            case ScsiCommand.ReportSupportedOpcodes report -> supportedOpcodes(report, task);
            case ScsiCommand.PersistentReserveIn in -> reserve.read(in, task);
            case ScsiCommand.PersistentReserveOut out -> reserve.write(out, task);
            case ScsiCommand.GetLbaStatus get -> blocks.lbaStatus(get, task);
            case ScsiCommand.Unmap unmap -> blocks.unmap(unmap, task);
            case ScsiCommand.ModeSelect select -> modeSelect(select, task);
            case ScsiCommand.ReportTargetPortGroups report -> portGroups(report, task);
            case ScsiCommand.ReportSupportedTaskFunctions report -> taskFunctions(report, task);
            default -> throw new IllegalStateException("no row lets " + command + " come here");
        }
    }

    private Capacity capacity() {
        // A physical block is a logical one: initiators take physical blocks for what a power cut leaves whole, and a
        // larger one would be no more so.
        return new Capacity(volume.blocks(), volume.blockBytes(), 0, 0, true, true);
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
        return new InquiryData(
                peripheral,
                InquiryData.SPC_4,
                IMPLICIT_PORT_GROUPS,
                Volume.VENDOR,
                Volume.PRODUCT,
                REVISION,
                STANDARDS);
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
        long maxTransferBlocks = BlockCommands.MAX_TRANSFER_BYTES / blockBytes;
        var limits = new VpdPage.BlockLimits(
                false,
                BlockCommands.MAX_COMPARE_AND_WRITE_BYTES / blockBytes,
                PAGE_BYTES / blockBytes,
                maxTransferBlocks,
                OPTIMAL_TRANSFER_BYTES / blockBytes,
                maxTransferBlocks,
                BlockCommands.MAX_UNMAP_RANGES,
                1,
                0,
                maxTransferBlocks,
                Journal.MAX_BYTES / blockBytes);
        var characteristics = new VpdPage.BlockCharacteristics(VpdPage.BlockCharacteristics.DOES_NOT_ROTATE, 0);
        var provisioning = new VpdPage.Provisioning(
                0,
                VpdPage.Provisioning.UNMAP | VpdPage.Provisioning.WRITE_SAME_16 | VpdPage.Provisioning.WRITE_SAME_10,
                1,
                VpdPage.Provisioning.RESOURCE_PROVISIONED);
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

    private void modeSense(ScsiCommand.ModeSense sense, ScsiTask task) {
        if (sense.pageControl() == SAVED_VALUES) {
            task.fail(SAVING_PARAMETERS_NOT_SUPPORTED);
            return;
        }
        ModePage.Control now = control;
        ModePage.Control shown = switch (sense.pageControl()) {
            case CHANGEABLE_VALUES -> CHANGEABLE_CONTROL;
            case DEFAULT_VALUES -> DEFAULT_CONTROL;
            default -> now;
        };
        // Nothing of the caching page can be changed, and all of it is zero.
        List<ModePage> pages = Stream.<ModePage>of(CACHING, shown)
                .filter(page -> sense.page() == ModePage.ALL || sense.page() == page.code())
                .toList();
        boolean noSubpage = sense.subpage() != 0 && sense.subpage() != ModePage.ALL_SUBPAGES;
        if (pages.isEmpty() || noSubpage) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        var parameters = new ModeParameters(now.softwareWriteProtect(), true, pages);
        task.replyWith(parameters.toBytes(sense.form()), sense.allocationBytes());
    }

    private void modeSelect(ScsiCommand.ModeSelect select, ScsiTask task) {
        if (select.parameterBytes() > MAX_MODE_LIST_BYTES) {
            task.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else if (select.parameterBytes() > 0) {
            task.gather(select.parameterBytes(), whole -> {
                selectModes(select, whole);
                whole.done();
            });
        }
    }

    /// All pages of the list come into force, or none: each must say what it said before, but for what is
    /// changeable.
    private void selectModes(ScsiCommand.ModeSelect select, ScsiTask task) {
        ModePage.Control now = control;
        ModePage.Control next = now;
        try {
            for (ModePage page : ModeParameters.readSelected(select.form(), task.gathered())) {
                boolean known = switch (page) {
                    case ModePage.Caching caching -> caching.equals(CACHING);
                    case ModePage.Control wanted -> {
                        next = new ModePage.Control(
                                wanted.descriptorSense(),
                                wanted.softwareWriteProtect(),
                                now.abortedStatus(),
                                now.unrestrictedReordering());
                        yield next.equals(wanted);
                    }
                    case ModePage.Other _ -> false;
                };
                if (!known) {
                    throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
                }
            }
        } catch (ScsiException refused) {
            task.fail(refused.sense());
            return;
        }
        control = next;
        if (!next.equals(now)) {
            surroundings.tell(task.nexus(), Sense.MODE_PARAMETERS_CHANGED);
        }
    }

    private static void portGroups(ScsiCommand.ReportTargetPortGroups report, ScsiTask task) {
        var header = report.extendedHeader() ? TargetPortGroups.Header.EXTENDED : TargetPortGroups.Header.SHORT;
        var groups = new TargetPortGroups(ScsiTarget.PORTAL_GROUP, ScsiTarget.RELATIVE_PORT);
        task.replyWith(groups.toBytes(header), report.allocationBytes());
    }

    /// The extended form has room for timeouts, of which we know none.
    private static void taskFunctions(ScsiCommand.ReportSupportedTaskFunctions report, ScsiTask task) {
        var data = new byte[report.extended() ? 16 : 4];
        data[0] = (byte) TASK_FUNCTIONS;
        data[3] = (byte) (data.length - 4);
        task.replyWith(data, report.allocationBytes());
    }

    private static void supportedOpcodes(ScsiCommand.ReportSupportedOpcodes report, ScsiTask task) {
        var timeouts = report.timeouts() ? SupportedOpcodes.Timeouts.TOLD : SupportedOpcodes.Timeouts.LEFT_OUT;
        if (report.options() == 0) {
            var all = Arrays.stream(SupportedCommand.values())
                    .map(row -> new SupportedOpcodes.Command(row.opcode(), row.serviceAction(), row.cdbBytes()))
                    .toList();
            task.replyWith(SupportedOpcodes.all(all, timeouts), report.allocationBytes());
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
        byte[] usage = command == null ? null : command.usage();
        task.replyWith(SupportedOpcodes.one(usage, timeouts), report.allocationBytes());
    }
}
