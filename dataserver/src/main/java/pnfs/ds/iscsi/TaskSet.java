package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import pnfs.ds.fault.Fault;
import pnfs.ds.iscsi.TargetTask.State;
import pnfs.ds.scsi.ScsiNexus;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.scsi.ScsiTask;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.PduWriter;
import pnfs.wire.iscsi.RejectReason;
import pnfs.wire.iscsi.SessionParameters;
import pnfs.wire.net.Loop;
import pnfs.wire.scsi.Lun;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// The SCSI commands that a session has under way, and their data (RFC 7143 §4.2, §11.3 to §11.8). Belongs to
/// the data path; confined to the session's loop, but for [#finished].
///
/// A write takes what comes with the command and after it unasked, asks for the rest a burst at a time, has all
/// of it made durable, and only then answers. A read sends views of the volume, as fast as the connection takes
/// them.
///
/// An aborted task takes no further byte, not even of a PDU that is arriving. If it is on its way to the medium
/// it stays in the set until that is over, and whoever aborted it is told only then. Where that was another
/// initiator, the task's own one gets TASK ABORTED (TAS, SPC-4 §7.5.8): when the data that it was asked for has
/// come, which goes nowhere (RFC 7143 §11.4.2), and which nobody else waits for.
final class TaskSet {
    /// Commands for immediate delivery that may be under way beside the window.
    static final int MAX_IMMEDIATE = 8;

    /// ABORTED COMMAND, protocol service CRC error.
    private static final Sense DATA_LOST = new Sense(Sense.ABORTED_COMMAND_KEY, 0x47, 0x05);

    private final TargetSession session;
    private final ScsiTarget scsi;
    private final ScsiNexus nexus;
    private final SessionParameters parameters;
    private final PduWriter out;

    private final List<TargetTask> active = new ArrayList<>();
    private final ArrayDeque<TargetTask> free = new ArrayDeque<>();
    private final List<Drain> drains = new ArrayList<>();
    private final AtomicReference<@Nullable TargetTask> newlyFinished = new AtomicReference<>();
    private final Runnable collect = this::collectFinished;

    /// The task whose PDU has begun and has not ended.
    private @Nullable TargetTask current;

    /// Where the data of that PDU is going, if it is a large one.
    private @Nullable DataSink filling;

    private int immediateCount;
    private int lastTransferTag;

    TaskSet(TargetSession session, ScsiNexus nexus, SessionParameters parameters, PduWriter out) {
        this.session = session;
        this.scsi = session.target().scsi();
        this.nexus = nexus;
        this.parameters = parameters;
        this.out = out;
    }

    /// Tasks that must end before `done` runs.
    private record Drain(Set<TargetTask> waiting, Runnable done) {}

    /// How much of the command window is taken.
    int windowUsed() {
        return active.size() - immediateCount;
    }

    boolean isEmpty() {
        return active.isEmpty();
    }

    /// Whether the data of a PDU is arriving at this moment.
    boolean isReceiving() {
        return filling != null;
    }

    /// A SCSI Command of which the CmdSN is in order. Returns 0, or why the PDU is rejected.
    int beginCommand(ByteBuffer header, int at, int dataBytes) {
        int tag = Bhs.initiatorTaskTag(header, at);
        requireAgreedData(header, at, dataBytes);
        if (tag == Bhs.NO_TAG) {
            throw new IscsiException("SCSI Command without a task tag");
        }
        if (find(tag) != null) {
            return RejectReason.TASK_IN_PROGRESS;
        }
        if (Bhs.isImmediate(header, at) && immediateCount == MAX_IMMEDIATE) {
            return RejectReason.IMMEDIATE_REJECTED;
        }
        TargetTask task = free.pollFirst();
        if (task == null) {
            task = new TargetTask(this);
        }
        task.begin(header, at);
        task.index = active.size();
        active.add(task);
        if (task.immediate) {
            immediateCount++;
        }
        long announced = task.wantsWrite ? task.expectedBytes : 0;
        task.scsi.begin(nexus, Lun.fromWire(task.lun), header, Bhs.cdbAt(at), announced);
        if (task.wantsRead && task.wantsWrite) {
            task.scsi.fail(Sense.INVALID_FIELD_IN_CDB); // no command of ours moves data both ways
        } else {
            scsi.start(task.scsi);
        }
        if (task.wantsWrite) {
            boolean more = !Bhs.has(header, at, Bhs.FINAL);
            task.writeBytes = task.scsi.takesBytes() ? (int) Math.min(task.expectedBytes, task.scsi.bytes()) : 0;
            task.sequenceEnd = more ? (int) Math.min(task.expectedBytes, parameters.firstBurstBytes()) : dataBytes;
            task.receiving = more;
        }
        current = task;
        if (task.scsi.fault() instanceof Fault.Reset) {
            session.cutOff("fault script");
        }
        return 0;
    }

    /// What comes unasked must be as the login has settled it (RFC 7143 §13.10, §13.11, §13.14).
    private void requireAgreedData(ByteBuffer header, int at, int dataBytes) {
        boolean writes = Bhs.has(header, at, Bhs.WRITE);
        if (!Bhs.has(header, at, Bhs.FINAL) && (!writes || parameters.initialR2t())) {
            throw new IscsiException("SCSI Command announces unsolicited data that was not agreed on");
        }
        if (dataBytes > 0) {
            long limit = Math.min(Bhs.expectedBytes(header, at) & 0xffff_ffffL, parameters.firstBurstBytes());
            if (!writes || !parameters.immediateData() || dataBytes > limit) {
                throw new IscsiException("SCSI Command with " + dataBytes + " bytes of data that were not agreed on");
            }
        }
    }

    /// A Data-Out. What belongs to no task is dropped: the task may have been aborted with data on its way.
    void beginDataOut(ByteBuffer header, int at, int dataBytes) {
        TargetTask task = find(Bhs.initiatorTaskTag(header, at));
        if (task == null || task.state == State.ABORTED) {
            return;
        }
        if (!task.receiving || Bhs.targetTransferTag(header, at) != task.transferTag) {
            throw new IscsiException("Data-Out that nobody asked for");
        }
        boolean inOrder = Bhs.bufferOffset(header, at) == task.received && Bhs.dataSn(header, at) == task.dataSn;
        if (!inOrder) {
            // Something before it was lost; at error recovery level 0 the command is, too (RFC 7143 §7.9, §11.4.7.2).
            task.scsi.fail(DATA_LOST);
        } else if (dataBytes > task.sequenceEnd - task.received && task.scsi.status() == ScsiStatus.GOOD) {
            throw new IscsiException("Data-Out of " + dataBytes + " bytes over " + (task.sequenceEnd - task.received));
        }
        task.dataSn++;
        current = task;
    }

    private @Nullable TargetTask find(int tag) {
        for (int i = 0; i < active.size(); i++) {
            TargetTask task = active.get(i);
            if (task.tag == tag) {
                return task;
            }
        }
        return null;
    }

    /// Aims at where the large data segment of the present PDU goes: into the volume. False when the command wants
    /// to see it first.
    boolean place(DataSink sink, int dataBytes) {
        TargetTask task = current;
        if (task == null) {
            sink.skip(dataBytes);
            return true;
        }
        int wanted = wanted(task, dataBytes);
        ByteBuffer memory = task.scsi.memory();
        if (wanted > 0 && task.scsi.transfer() == ScsiTask.TAKE && memory == null) {
            return false;
        }
        if (wanted == 0) {
            sink.skip(dataBytes);
        } else if (memory != null) {
            sink.aim(memory, task.received, wanted, dataBytes);
        } else {
            sink.aim(
                    task.scsi.gate(),
                    task.scsi.window(task.received, wanted),
                    task.scsi.windowAt(task.received),
                    wanted,
                    dataBytes);
        }
        filling = sink;
        return true;
    }

    /// How much of the next bytes the command takes.
    private static int wanted(TargetTask task, int dataBytes) {
        boolean goesOn = task.state == State.RECEIVING && task.scsi.status() == ScsiStatus.GOOD;
        return goesOn ? Math.clamp(task.writeBytes - task.received, 0, dataBytes) : 0;
    }

    /// The data of the present PDU has been placed.
    void placed(ByteBuffer header, int at) {
        DataSink sink = filling;
        TargetTask task = current;
        filling = null;
        current = null;
        if (sink != null) {
            sink.letGo();
        }
        if (task != null) {
            if (sink != null && sink.hasFailed()) {
                task.scsi.fail(Sense.WRITE_ERROR);
            }
            received(task, Bhs.dataBytes(header, at), Bhs.has(header, at, Bhs.FINAL));
        }
    }

    /// The present PDU is there with its data.
    void end(ByteBuffer header, int at, ByteBuffer data, int dataAt, int dataBytes) {
        TargetTask task = current;
        current = null;
        if (task == null) {
            return;
        }
        int wanted = wanted(task, dataBytes);
        if (wanted > 0) {
            task.scsi.write(task.received, data, dataAt, wanted);
        }
        received(task, dataBytes, Bhs.has(header, at, Bhs.FINAL));
    }

    private void received(TargetTask task, int dataBytes, boolean last) {
        task.received += dataBytes;
        if (!last) {
            return;
        }
        if (task.transferTag == Bhs.NO_TAG) {
            task.receiving = false;
            goOn(task);
            return;
        }
        if (task.scsi.status() != ScsiStatus.GOOD) {
            task.received = task.sequenceEnd; // whatever came of it was dropped
        }
        if (task.received != task.sequenceEnd) {
            throw new IscsiException("Data-Out ends at " + task.received + ", the R2T asked for " + task.sequenceEnd);
        }
        task.outstandingR2ts--;
        task.transferTag++;
        task.dataSn = 0;
        task.sequenceEnd = Math.min(task.asked, task.received + parameters.maxBurstBytes());
        task.receiving = task.outstandingR2ts > 0;
        goOn(task);
    }

    /// What came unasked is there, or what an R2T asked for.
    private void goOn(TargetTask task) {
        boolean good = task.scsi.status() == ScsiStatus.GOOD;
        if (good && task.received < task.writeBytes) {
            ask(task);
        } else if (task.receiving) {
            // It has failed, and what was asked for is still on its way.
            return;
        } else if (good && task.scsi.isUnfinished()) {
            task.state = State.FINISHING;
            task.scsi.finish(task.writeBytes, task);
        } else {
            conclude(task);
        }
    }

    /// There is nothing left to do but to answer, unless a fault script says otherwise.
    private void conclude(TargetTask task) {
        Fault fault = task.scsi.fault();
        if (fault == null) {
            answer(task);
            return;
        }
        switch (fault) {
            case Fault.Delay(var delay) -> {
                task.state = State.HELD;
                task.release = session.loop().schedule(delay.toNanos(), () -> {
                    answer(task);
                    out.flush();
                });
            }
            case Fault.Drop() -> task.state = State.HELD;
            case Fault.Fail _, Fault.ShortRead _, Fault.Reset _, Fault.TornWrite _ -> answer(task);
        }
    }

    private void answer(TargetTask task) {
        if (sendBytes(task) > 0) {
            send(task);
        } else {
            respond(task);
        }
    }

    /// R2Ts for the next bursts, as many as the login allows. They are answered in their order, and have tags one
    /// after the other.
    private void ask(TargetTask task) {
        if (task.transferTag == Bhs.NO_TAG) {
            int bursts = Math.ceilDiv(task.writeBytes - task.received, parameters.maxBurstBytes());
            if (Integer.compareUnsigned(lastTransferTag, Bhs.NO_TAG - bursts - 1) >= 0) {
                lastTransferTag = 0;
            }
            task.transferTag = lastTransferTag + 1;
            lastTransferTag += bursts;
            task.asked = task.received;
            task.dataSn = 0;
            task.sequenceEnd = Math.min(task.writeBytes, task.received + parameters.maxBurstBytes());
        }
        while (task.asked < task.writeBytes && task.outstandingR2ts < parameters.maxOutstandingR2t()) {
            int desired = Math.min(parameters.maxBurstBytes(), task.writeBytes - task.asked);
            int at = out.begin(Opcode.R2T, Bhs.FINAL);
            ByteBuffer r2t = out.buffer();
            Bhs.putLun(r2t, at, task.lun);
            Bhs.putInitiatorTaskTag(r2t, at, task.tag);
            Bhs.putTargetTransferTag(r2t, at, task.transferTag + task.outstandingR2ts);
            session.putNumbers(r2t, at);
            Bhs.putDataSn(r2t, at, task.r2tSn++);
            Bhs.putBufferOffset(r2t, at, task.asked);
            Bhs.putDesiredBytes(r2t, at, desired);
            out.end(at);
            task.asked += desired;
            task.outstandingR2ts++;
        }
        task.sequenceEnd = Math.min(task.asked, task.received + parameters.maxBurstBytes());
        task.receiving = true;
    }

    /// A task has done what was left of it. Any thread.
    void finished(TargetTask task) {
        if (session.loop().inLoop()) {
            finishedHere(task);
            out.flush(); // it may be another connection's turn
            return;
        }
        TargetTask before;
        do {
            before = newlyFinished.get();
            task.nextFinished = before;
        } while (!newlyFinished.compareAndSet(before, task));
        if (before == null) {
            try {
                session.loop().execute(collect);
            } catch (RejectedExecutionException over) {
                // The loops have ended, and with them everybody who could be told.
                newlyFinished.set(null);
            }
        }
    }

    /// One wake-up and one batch of answers for all that one force made durable.
    private void collectFinished() {
        TargetTask task = newlyFinished.getAndSet(null);
        while (task != null) {
            TargetTask next = task.nextFinished;
            task.nextFinished = null;
            finishedHere(task);
            task = next;
        }
        out.flush();
    }

    private void finishedHere(TargetTask task) {
        switch (task.state) {
            case ABORTED -> remove(task);
            case ENDED_BY_ANOTHER -> tellEnd(task);
            case FREE, RECEIVING, FINISHING, HELD -> conclude(task);
        }
    }

    private static int sendBytes(TargetTask task) {
        boolean sends = task.scsi.transfer() == ScsiTask.READ || task.scsi.transfer() == ScsiTask.REPLY;
        return sends && task.wantsRead ? (int) Math.min(task.expectedBytes, task.scsi.bytes()) : 0;
    }

    /// All Data-In of a read; the last one carries the status. The connection takes no further commands while
    /// it has more to send than it should, so this needs no limit of its own.
    private void send(TargetTask task) {
        int total = sendBytes(task);
        int dataSn = 0;
        for (int sent = 0; sent < total; ) {
            int sequenceRest = parameters.maxBurstBytes() - sent % parameters.maxBurstBytes();
            int length = Math.min(Math.min(total - sent, parameters.maxSendBytes()), sequenceRest);
            boolean last = sent + length == total;
            boolean endsSequence = last || length == sequenceRest;
            int flags = last ? Bhs.FINAL | Bhs.STATUS | residualFlag(task) : endsSequence ? Bhs.FINAL : 0;
            if (last) {
                remove(task);
            }
            int at = out.begin(Opcode.DATA_IN, flags);
            ByteBuffer pdu = out.buffer();
            Bhs.putInitiatorTaskTag(pdu, at, task.tag);
            Bhs.putTargetTransferTag(pdu, at, Bhs.NO_TAG);
            Bhs.putDataSn(pdu, at, dataSn++);
            Bhs.putBufferOffset(pdu, at, sent);
            if (last) {
                Bhs.putScsiStatus(pdu, at, task.scsi.status());
                Bhs.putResidual(pdu, at, residual(task));
                session.putStatus(pdu, at);
            } else {
                session.putWindow(pdu, at);
            }
            if (task.scsi.transfer() == ScsiTask.READ) {
                out.endLasting(at, task.scsi.window(sent, length), task.scsi.windowAt(sent), length);
            } else {
                ByteBuffer reply = task.scsi.reply();
                out.end(at, reply, reply.position() + sent, length);
            }
            sent += length;
        }
    }

    private void respond(TargetTask task) {
        remove(task);
        int at = out.begin(Opcode.SCSI_RESPONSE, Bhs.FINAL | residualFlag(task));
        ByteBuffer pdu = out.buffer();
        Bhs.putInitiatorTaskTag(pdu, at, task.tag);
        Bhs.putScsiStatus(pdu, at, task.scsi.status());
        Bhs.putDataSn(pdu, at, task.r2tSn);
        Bhs.putResidual(pdu, at, residual(task));
        session.putStatus(pdu, at);
        if (task.scsi.status() == ScsiStatus.CHECK_CONDITION) {
            var sense = ByteBuffer.allocate(Short.BYTES + Sense.MAX_BYTES);
            int senseBytes = task.scsi.putSense(sense, Short.BYTES);
            sense.putShort(0, (short) senseBytes);
            out.end(at, Arrays.copyOf(sense.array(), Short.BYTES + senseBytes));
        } else {
            out.end(at);
        }
    }

    /// By how many bytes the initiator's expectation is missed: positive when it expects more (RFC 7143 §11.4.5).
    private static long missed(TargetTask task) {
        return task.expectedBytes - task.scsi.bytes();
    }

    private static int residualFlag(TargetTask task) {
        return missed(task) > 0 ? Bhs.UNDERFLOW : missed(task) < 0 ? Bhs.OVERFLOW : 0;
    }

    private static int residual(TargetTask task) {
        return (int) Math.abs(missed(task));
    }

    /// Takes a task out of the set; its slot may be used again.
    private void remove(TargetTask task) {
        TargetTask last = active.removeLast();
        if (last != task) {
            active.set(task.index, last);
            last.index = task.index;
        }
        if (task.immediate) {
            immediateCount--;
        }
        task.state = State.FREE;
        task.scsi.end();
        Loop.Timer release = task.release;
        if (release != null) {
            release.cancel();
            task.release = null;
        }
        free.addFirst(task);
        if (!drains.isEmpty()) {
            drained(task);
        }
    }

    private void drained(TargetTask task) {
        for (Drain drain : List.copyOf(drains)) {
            if (drain.waiting.remove(task) && drain.waiting.isEmpty()) {
                drains.remove(drain);
                drain.done.run();
            }
        }
    }

    /// Ends the task with a tag without an answer. False when there is none.
    boolean abort(int tag, Runnable done) {
        TargetTask task = find(tag);
        if (task == null) {
            return false;
        }
        abort(other -> other == task, done);
        return true;
    }

    /// Ends all tasks of a LUN without an answer.
    void abortAt(int lun, Runnable done) {
        abort(isAt(lun), done);
    }

    /// Ends all tasks without an answer.
    void abortAll(Runnable done) {
        abort(task -> true, done);
    }

    private static Predicate<TargetTask> isAt(int lun) {
        return task -> lun == IscsiTarget.EVERY_LUN || task.scsi.lun() == lun;
    }

    private void abort(Predicate<TargetTask> which, Runnable done) {
        Set<TargetTask> waiting = newSet();
        for (TargetTask task : List.copyOf(active)) {
            if (!which.test(task)) {
                continue;
            }
            if (task == current) {
                current = null;
                turnAwayRest();
            }
            if (isFinishing(task)) {
                task.state = State.ABORTED;
                waiting.add(task);
            } else {
                remove(task);
            }
        }
        await(waiting, done);
    }

    /// Another initiator ends all tasks of a LUN.
    void endAt(int lun, Runnable done) {
        endByAnother(isAt(lun), done);
    }

    /// Another initiator, or a fence, ends the tasks of a LUN that touch its medium.
    void endAtMedium(int lun, Runnable done) {
        endByAnother(isAt(lun).and(task -> !task.scsi.isReservation()), done);
    }

    private void endByAnother(Predicate<TargetTask> which, Runnable done) {
        Set<TargetTask> waiting = newSet();
        for (TargetTask task : List.copyOf(active)) {
            if (!which.test(task)) {
                continue;
            }
            if (isFinishing(task)) {
                task.state = task.state == State.ABORTED ? State.ABORTED : State.ENDED_BY_ANOTHER;
                waiting.add(task);
            } else if (task.state == State.HELD) {
                tellEnd(task);
            } else {
                task.scsi.endedByAnother();
                if (task == current) {
                    turnAwayRest();
                }
            }
        }
        await(waiting, done);
        out.flush();
    }

    private void tellEnd(TargetTask task) {
        task.scsi.endedByAnother();
        respond(task);
    }

    /// What is still to come of the present PDU goes nowhere.
    private void turnAwayRest() {
        if (filling != null) {
            filling.turnAway();
        }
    }

    /// Whether the medium may be touched still.
    private static boolean isFinishing(TargetTask task) {
        return switch (task.state) {
            case FINISHING, ABORTED, ENDED_BY_ANOTHER -> true;
            case FREE, RECEIVING, HELD -> false;
        };
    }

    private static Set<TargetTask> newSet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    private void await(Set<TargetTask> waiting, Runnable done) {
        if (waiting.isEmpty()) {
            done.run();
        } else {
            drains.add(new Drain(waiting, done));
        }
    }

    /// The connection is gone, and what was arriving with it.
    ///
    /// @param done runs when no task touches a volume any more
    void connectionLost(Runnable done) {
        current = null;
        abortAll(done);
    }
}
