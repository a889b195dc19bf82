package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import pnfs.ds.iscsi.PduReceiver.Landing;
import pnfs.ds.iscsi.TargetTask.State;
import pnfs.ds.scsi.ScsiNexus;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.scsi.ScsiTask;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.iscsi.Digest;
import pnfs.wire.iscsi.IscsiException;
import pnfs.wire.iscsi.Opcode;
import pnfs.wire.iscsi.RejectReason;
import pnfs.wire.iscsi.SessionParameters;
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
/// An aborted task may still be received into or be on its way to the medium. It then stays in the set until
/// that is over, and whoever aborted it is told only then.
final class TaskSet {
    /// Commands for immediate delivery that may be under way beside the window.
    static final int MAX_IMMEDIATE = 8;

    private final TargetSession session;
    private final ScsiTarget scsi;
    private final ScsiNexus nexus;
    private final SessionParameters parameters;
    private final Outbox outbox;

    private final List<TargetTask> active = new ArrayList<>();
    private final ArrayDeque<TargetTask> free = new ArrayDeque<>();
    private final List<Drain> drains = new ArrayList<>();
    private final AtomicReference<@Nullable TargetTask> newlyFinished = new AtomicReference<>();
    private final Runnable collect = this::collectFinished;

    /// The task whose PDU has begun and has not ended.
    private @Nullable TargetTask current;

    private int immediateCount;
    private int lastTransferTag;

    TaskSet(TargetSession session, ScsiNexus nexus, SessionParameters parameters, Outbox outbox) {
        this.session = session;
        this.scsi = session.target().scsi();
        this.nexus = nexus;
        this.parameters = parameters;
        this.outbox = outbox;
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

    /// Whether the data of a task is arriving at this moment.
    boolean isReceiving() {
        return current != null;
    }

    /// A SCSI Command of which the CmdSN is in order. Returns 0, or why the PDU is rejected.
    int beginCommand(ByteBuffer header, int dataBytes) {
        int tag = Bhs.initiatorTaskTag(header, 0);
        requireAgreedData(header, dataBytes);
        if (tag == Bhs.NO_TAG) {
            throw new IscsiException("SCSI Command without a task tag");
        }
        if (find(tag) != null) {
            return RejectReason.TASK_IN_PROGRESS;
        }
        if (Bhs.isImmediate(header, 0) && immediateCount == MAX_IMMEDIATE) {
            return RejectReason.IMMEDIATE_REJECTED;
        }
        TargetTask task = free.pollFirst();
        if (task == null) {
            task = new TargetTask(this);
        }
        task.begin(header);
        task.index = active.size();
        active.add(task);
        if (task.immediate) {
            immediateCount++;
        }
        task.scsi.begin(nexus, Lun.fromWire(task.lun), header, Bhs.cdbAt(0));
        if (task.wantsRead && task.wantsWrite) {
            task.scsi.fail(Sense.INVALID_FIELD_IN_CDB); // no command of ours moves data both ways
        } else {
            scsi.start(task.scsi);
        }
        if (task.wantsWrite) {
            boolean more = !Bhs.has(header, 0, Bhs.FINAL);
            task.writeBytes = task.scsi.takesBytes() ? (int) Math.min(task.expectedBytes, task.scsi.bytes()) : 0;
            task.sequenceEnd = more ? (int) Math.min(task.expectedBytes, parameters.firstBurstBytes()) : dataBytes;
            task.receiving = more;
        }
        current = task;
        return 0;
    }

    /// What comes unasked must be as the login has settled it (RFC 7143 §13.10, §13.11, §13.14).
    private void requireAgreedData(ByteBuffer header, int dataBytes) {
        boolean writes = Bhs.has(header, 0, Bhs.WRITE);
        if (!Bhs.has(header, 0, Bhs.FINAL) && (!writes || parameters.initialR2t())) {
            throw new IscsiException("SCSI Command announces unsolicited data that was not agreed on");
        }
        if (dataBytes > 0) {
            long limit = Math.min(Bhs.expectedBytes(header, 0) & 0xffff_ffffL, parameters.firstBurstBytes());
            if (!writes || !parameters.immediateData() || dataBytes > limit) {
                throw new IscsiException("SCSI Command with " + dataBytes + " bytes of data that were not agreed on");
            }
        }
    }

    /// A Data-Out. What belongs to no task is dropped: the task may have been aborted with data on its way.
    void beginDataOut(ByteBuffer header, int dataBytes) {
        TargetTask task = find(Bhs.initiatorTaskTag(header, 0));
        if (task == null || task.state == State.ABORTED) {
            return;
        }
        if (!task.receiving || Bhs.targetTransferTag(header, 0) != task.transferTag) {
            throw new IscsiException("Data-Out that nobody asked for");
        }
        if (Bhs.bufferOffset(header, 0) != task.received || Bhs.dataSn(header, 0) != task.dataSn) {
            throw new IscsiException("Data-Out " + Integer.toUnsignedString(Bhs.dataSn(header, 0)) + " at offset "
                    + Integer.toUnsignedString(Bhs.bufferOffset(header, 0)) + ", wanted " + task.dataSn + " at "
                    + task.received);
        }
        if (dataBytes > task.sequenceEnd - task.received) {
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

    /// Where the large data segment of the present PDU goes: into the volume, unless a digest has to be checked or
    /// the command looks at it first.
    @Nullable
    ByteBuffer place(int dataBytes) {
        TargetTask task = current;
        if (task == null) {
            return null;
        }
        int wanted = wanted(task, dataBytes);
        if (!goesIntoVolume(task)) {
            return ByteBuffer.allocate(dataBytes);
        }
        return wanted == 0 ? null : task.scsi.view(task.received, wanted);
    }

    private boolean goesIntoVolume(TargetTask task) {
        return parameters.dataDigest() == Digest.NONE && task.scsi.transfer() != ScsiTask.TAKE;
    }

    /// How much of the next bytes the command takes.
    private static int wanted(TargetTask task, int dataBytes) {
        boolean goesOn = task.state == State.RECEIVING && task.scsi.status() == ScsiStatus.GOOD;
        return goesOn ? Math.clamp(task.writeBytes - task.received, 0, dataBytes) : 0;
    }

    /// The present PDU is whole.
    void end(ByteBuffer header, ByteBuffer data, Landing landing) {
        TargetTask task = current;
        current = null;
        if (task == null) {
            return;
        }
        if (task.state == State.ABORTED) {
            remove(task);
            return;
        }
        int dataBytes = Bhs.dataBytes(header, 0);
        int wanted = wanted(task, dataBytes);
        boolean inVolume = landing == Landing.PLACED && goesIntoVolume(task);
        if (wanted > 0 && !inVolume) {
            task.scsi.write(task.received, data.limit(data.position() + wanted));
        }
        task.received += dataBytes;
        if (Bhs.has(header, 0, Bhs.FINAL)) {
            if (task.transferTag != Bhs.NO_TAG && task.received != task.sequenceEnd) {
                throw new IscsiException(
                        "Data-Out ends at " + task.received + ", the R2T asked for " + task.sequenceEnd);
            }
            task.receiving = false;
            goOn(task);
        }
    }

    /// Everything that was announced is there.
    private void goOn(TargetTask task) {
        boolean good = task.scsi.status() == ScsiStatus.GOOD;
        if (good && task.received < task.writeBytes) {
            ask(task);
        } else if (good && task.scsi.isUnfinished()) {
            task.state = State.FINISHING;
            task.scsi.finish(task.writeBytes, task);
        } else if (sendBytes(task) > 0) {
            send(task);
        } else {
            respond(task);
        }
    }

    /// R2T for the next burst.
    private void ask(TargetTask task) {
        int desired = Math.min(parameters.maxBurstBytes(), task.writeBytes - task.received);
        lastTransferTag = lastTransferTag + 1 == Bhs.NO_TAG ? 0 : lastTransferTag + 1;
        task.transferTag = lastTransferTag;
        task.sequenceEnd = task.received + desired;
        task.receiving = true;
        task.dataSn = 0;
        ByteBuffer r2t = outbox.begin(Opcode.R2T, Bhs.FINAL);
        Bhs.putLun(r2t, 0, task.lun);
        Bhs.putInitiatorTaskTag(r2t, 0, task.tag);
        Bhs.putTargetTransferTag(r2t, 0, task.transferTag);
        session.putNumbers(r2t);
        Bhs.putDataSn(r2t, 0, task.r2tSn++);
        Bhs.putBufferOffset(r2t, 0, task.received);
        Bhs.putDesiredBytes(r2t, 0, desired);
        outbox.end(r2t);
    }

    /// A task has done what was left of it. Any thread.
    void finished(TargetTask task) {
        if (session.loop().inLoop()) {
            conclude(task);
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
            conclude(task);
            task = next;
        }
    }

    private void conclude(TargetTask task) {
        if (task.state == State.ABORTED) {
            remove(task);
            return;
        }
        respond(task);
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
            ByteBuffer data = task.scsi.transfer() == ScsiTask.READ
                    ? task.scsi.view(sent, length)
                    : task.scsi.reply().slice(sent, length);
            int flags = last ? Bhs.FINAL | Bhs.STATUS | residualFlag(task) : endsSequence ? Bhs.FINAL : 0;
            ByteBuffer pdu = outbox.begin(Opcode.DATA_IN, flags);
            Bhs.putInitiatorTaskTag(pdu, 0, task.tag);
            Bhs.putTargetTransferTag(pdu, 0, Bhs.NO_TAG);
            Bhs.putDataSn(pdu, 0, dataSn++);
            Bhs.putBufferOffset(pdu, 0, sent);
            if (last) {
                Bhs.putScsiStatus(pdu, 0, task.scsi.status());
                Bhs.putResidual(pdu, 0, residual(task));
                remove(task);
                session.putStatus(pdu);
            } else {
                session.putWindow(pdu);
            }
            outbox.end(pdu, data);
            sent += length;
        }
    }

    private void respond(TargetTask task) {
        ByteBuffer pdu = outbox.begin(Opcode.SCSI_RESPONSE, Bhs.FINAL | residualFlag(task));
        Bhs.putInitiatorTaskTag(pdu, 0, task.tag);
        Bhs.putScsiStatus(pdu, 0, task.scsi.status());
        Bhs.putDataSn(pdu, 0, task.r2tSn);
        Bhs.putResidual(pdu, 0, residual(task));
        remove(task);
        session.putStatus(pdu);
        if (task.scsi.status() == ScsiStatus.CHECK_CONDITION) {
            var sense = ByteBuffer.allocate(Short.BYTES + Sense.FIXED_BYTES).putShort(0, (short) Sense.FIXED_BYTES);
            task.scsi.sense().putFixed(sense, Short.BYTES);
            outbox.end(pdu, sense);
        } else {
            outbox.end(pdu);
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
        abort(task -> task.scsi.lun() == lun, done);
    }

    /// Ends the tasks of a LUN that touch its medium without an answer.
    void abortForFence(int lun, Runnable done) {
        abort(task -> task.scsi.lun() == lun && !task.scsi.isReservation(), done);
    }

    /// Ends all tasks without an answer.
    void abortAll(Runnable done) {
        abort(task -> true, done);
    }

    private void abort(Predicate<TargetTask> which, Runnable done) {
        Set<TargetTask> waiting = Collections.newSetFromMap(new IdentityHashMap<>());
        for (TargetTask task : List.copyOf(active)) {
            if (!which.test(task)) {
                continue;
            }
            boolean touchesVolume = task == current || task.state == State.FINISHING || task.state == State.ABORTED;
            if (touchesVolume) {
                task.state = State.ABORTED;
                waiting.add(task);
            } else {
                remove(task);
            }
        }
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
        TargetTask interrupted = current;
        current = null;
        if (interrupted != null && interrupted.state == State.ABORTED) {
            remove(interrupted);
        }
        abortAll(done);
    }
}
