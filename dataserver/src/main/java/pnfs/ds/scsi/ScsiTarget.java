package pnfs.ds.scsi;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import pnfs.ds.fault.Fault;
import pnfs.ds.fault.FaultScript;
import pnfs.ds.reservation.Nexus;
import pnfs.ds.reservation.Outcome;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.scsi.InquiryData;
import pnfs.wire.scsi.LunList;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// A SCSI target device with one port: the logical units by their numbers, and who is logged in. Safe for use
/// by many connections.
public final class ScsiTarget {
    /// The one portal group, and with it the one target port (RFC 7143 §3.1).
    public static final int PORTAL_GROUP = 1;

    public static final int RELATIVE_PORT = 1;

    /// Fewer may not be asked for (SPC-4 §6.33).
    private static final int MIN_LUN_LIST_BYTES = 16;

    /// Memory for data that cannot go straight into a volume, of all commands together.
    static final long MAX_STAGED_BYTES = 64 << 20;

    private final List<LogicalUnit> units;
    private final StagingLimit staging = new StagingLimit(MAX_STAGED_BYTES);
    private final Set<ScsiNexus> nexuses = new CopyOnWriteArraySet<>();
    private final Map<SupportedCommand, Counter> started = new EnumMap<>(SupportedCommand.class);
    private final Counter unsupported;
    private final Counter conflicts;
    private final FaultInjector faults;
    private volatile Transport transport = (lun, whose, drained) -> drained.run();

    /// What carries commands here, and so can end those that are under way.
    @FunctionalInterface
    public interface Transport {
        /// Runs `settled`, on any thread, once every store into a volume that had begun is over; stores may begin
        /// meanwhile. One that makes its stores on the thread that calls this has nothing to wait for.
        default void settle(Runnable settled) {
            settled.run();
        }

        /// Ends the commands that some nexuses have under way at a unit with TASK ABORTED, but for those that are
        /// [ScsiTask#isReservation]. `drained` runs, on any thread, once none of them can touch the medium any
        /// more; the answers may come later.
        void abort(int lun, Predicate<Nexus> whose, Runnable drained);
    }

    /// One that nothing happens to on purpose.
    public ScsiTarget(String name, List<SharedVolume> shared, MeterRegistry meters) {
        this(name, shared, meters, new FaultScript(() -> {}));
    }

    /// @param name the iSCSI name of this device
    /// @param shared become LUN 0, 1, …
    /// @param script what happens to commands on purpose
    public ScsiTarget(String name, List<SharedVolume> shared, MeterRegistry meters, FaultScript script) {
        if (shared.isEmpty()) {
            throw new IllegalArgumentException("a target needs a volume");
        }
        for (SupportedCommand command : SupportedCommand.values()) {
            started.put(command, commandCounter(meters, command.tag()));
        }
        this.faults = new FaultInjector(script);
        this.unsupported = commandCounter(meters, "unsupported");
        this.conflicts = Counter.builder("pnfs.ds.reservation.refused")
                .description("commands refused because of a reservation")
                .tag("protocol", "iscsi")
                .register(meters);
        List<Volume> volumes = shared.stream().map(SharedVolume::volume).toList();
        Gauge.builder("pnfs.ds.staging", staging, StagingLimit::taken)
                .description("memory taken by data of commands that cannot go straight into a volume")
                .baseUnit("bytes")
                .register(meters);
        countBytes(meters, volumes, "read", Volume.Traffic::readBytes);
        countBytes(meters, volumes, "write", Volume.Traffic::writtenBytes);
        this.units = IntStream.range(0, shared.size())
                .mapToObj(lun -> new LogicalUnit(shared.get(lun), name, new LogicalUnit.Surroundings() {
                    @Override
                    public void tell(ScsiNexus butNot, Sense what) {
                        tellOthers(lun, butNot, what);
                    }

                    @Override
                    public void settle(Runnable settled) {
                        transport.settle(settled);
                    }
                }))
                .toList();
        for (int i = 0; i < shared.size(); i++) {
            int lun = i;
            shared.get(lun).reservations().listen((change, finished) -> reservationsChanged(lun, change, finished));
        }
    }

    private Counter counter(SupportedCommand command) {
        return Objects.requireNonNull(started.get(command), "every command has its counter");
    }

    private static Counter commandCounter(MeterRegistry meters, String command) {
        return Counter.builder("pnfs.ds.command")
                .description("commands started")
                .tag("protocol", "iscsi")
                .tag("command", command)
                .register(meters);
    }

    private static void countBytes(
            MeterRegistry meters, List<Volume> volumes, String operation, ToLongFunction<Volume.Traffic> bytes) {
        FunctionCounter.builder(
                        "pnfs.ds.transfer",
                        volumes,
                        all -> all.stream()
                                .map(Volume::traffic)
                                .mapToLong(bytes)
                                .sum())
                .description("bytes of volumes moved by commands")
                .baseUnit("bytes")
                .tag("protocol", "iscsi")
                .tag("operation", operation)
                .register(meters);
    }

    /// Who ends commands when PREEMPT AND ABORT wants that.
    public void carriedBy(Transport carrier) {
        transport = carrier;
    }

    /// Queues the unit attentions of a change, and ends what the preempted have under way.
    private void reservationsChanged(int lun, Outcome.Done change, Runnable finished) {
        for (Outcome.Notice notice : change.notices()) {
            Sense what = switch (notice.event()) {
                case RESERVATIONS_PREEMPTED -> Sense.RESERVATIONS_PREEMPTED;
                case RESERVATIONS_RELEASED -> Sense.RESERVATIONS_RELEASED;
                case REGISTRATIONS_PREEMPTED -> Sense.REGISTRATIONS_PREEMPTED;
            };
            for (ScsiNexus nexus : nexuses) {
                if (nexus.name().equals(notice.nexus())) {
                    nexus.attention(lun, what);
                }
            }
        }
        if (change.endsTasks()) {
            transport.abort(lun, change::ends, finished);
        } else {
            finished.run();
        }
    }

    /// The names that commands have in a fault script.
    public static SequencedSet<String> commandNames() {
        var names = new TreeSet<String>();
        for (SupportedCommand command : SupportedCommand.values()) {
            names.add(command.family());
        }
        return names;
    }

    /// How many logical units there are: LUN 0 and up.
    public int units() {
        return units.size();
    }

    /// A new login.
    public void join(ScsiNexus nexus) {
        nexuses.add(nexus);
    }

    /// A logout, or the loss of a connection.
    public void leave(ScsiNexus nexus) {
        nexuses.remove(nexus);
    }

    /// Decides a command: refuses it, answers it with parameter data, or says which bytes move where.
    public void start(ScsiTask task) {
        SupportedCommand command = SupportedCommand.of(task.cdb());
        if (command == null) {
            unsupported.increment();
            task.fail(refusal(task));
            return;
        }
        counter(command).increment();
        task.stageWithin(staging);
        @Nullable Fault fault = faults.isArmed() ? faults.strike(command, task) : null;
        if (fault == null) {
            decide(command, task);
            return;
        }
        task.strike(fault);
        if (faults.letsStart(fault, task)) {
            decide(command, task);
            faults.started(fault, task);
        }
    }

    private void decide(SupportedCommand command, ScsiTask task) {
        LogicalUnit unit = unit(task.lun());
        if (!command.allows(task.cdb())) {
            task.fail(unit == null ? Sense.LUN_NOT_SUPPORTED : Sense.INVALID_FIELD_IN_CDB);
        } else if (command == SupportedCommand.REPORT_LUNS) {
            reportLuns(task);
        } else if (unit == null) {
            answerWithoutUnit(task);
        } else {
            if (unit.describesSense()) {
                task.describeSense();
            }
            Sense attention = command.ignoresAttention() ? null : task.nexus().takeAttention(task.lun());
            if (attention == null) {
                unit.start(command, task);
                if (task.status() == ScsiStatus.RESERVATION_CONFLICT) {
                    conflicts.increment();
                }
            } else {
                task.fail(attention);
            }
        }
    }

    private Sense refusal(ScsiTask task) {
        if (unit(task.lun()) == null) {
            return Sense.LUN_NOT_SUPPORTED;
        }
        // A known opcode then has a service action that is not.
        return SupportedCommand.knowsOpcode(task.cdb().get(0) & 0xff)
                ? Sense.INVALID_FIELD_IN_CDB
                : Sense.INVALID_OPCODE;
    }

    private @Nullable LogicalUnit unit(int lun) {
        return lun >= 0 && lun < units.size() ? units.get(lun) : null;
    }

    /// What a LUN without a unit answers to those who look for one (SPC-4 §6.6.1, §6.39).
    private static void answerWithoutUnit(ScsiTask task) {
        switch (ScsiCommand.read(task.cdb(), 0)) {
            case ScsiCommand.Inquiry inquiry
            when !inquiry.vital() -> replyWithInquiry(LogicalUnit.inquiryData(InquiryData.NO_UNIT), inquiry, task);
            case ScsiCommand.RequestSense request -> replyWithSense(Sense.LUN_NOT_SUPPORTED, request, task);
            default -> task.fail(Sense.LUN_NOT_SUPPORTED);
        }
    }

    static void replyWithInquiry(InquiryData data, ScsiCommand.Inquiry inquiry, ScsiTask task) {
        if (inquiry.page() == 0) {
            task.replyWith(data.toBytes(), inquiry.allocationBytes());
        } else {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        }
    }

    static void replyWithSense(Sense sense, ScsiCommand.RequestSense request, ScsiTask task) {
        var data = ByteBuffer.allocate(Math.max(Sense.FIXED_BYTES, Sense.MAX_DESCRIPTOR_BYTES));
        int bytes;
        if (request.descriptors()) {
            bytes = sense.putDescriptors(data, 0);
        } else {
            sense.putFixed(data, 0);
            bytes = Sense.FIXED_BYTES;
        }
        task.replyWith(Arrays.copyOf(data.array(), bytes), request.allocationBytes());
    }

    private void reportLuns(ScsiTask task) {
        if (!(ScsiCommand.read(task.cdb(), 0) instanceof ScsiCommand.ReportLuns report)) {
            throw new IllegalStateException("REPORT LUNS read as something else");
        }
        if (report.allocationBytes() < MIN_LUN_LIST_BYTES) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        switch (report.select()) {
            case 0, 2 ->
                task.replyWith(
                        new LunList(IntStream.range(0, units.size()).boxed().toList()).toBytes(),
                        report.allocationBytes());
            case 1 -> task.replyWith(new LunList(List.of()).toBytes(), report.allocationBytes());
            default -> task.fail(Sense.INVALID_FIELD_IN_CDB);
        }
    }

    /// Tells everyone but who did it that a unit was reset: its tasks are gone (SAM-5 §7.7).
    public void resetDone(int lun, ScsiNexus by) {
        units.get(lun).reset();
        tellOthers(lun, by, Sense.LOGICAL_UNIT_RESET);
    }

    private void tellOthers(int lun, ScsiNexus by, Sense what) {
        for (ScsiNexus nexus : nexuses) {
            if (nexus != by) {
                nexus.attention(lun, what);
            }
        }
    }
}
