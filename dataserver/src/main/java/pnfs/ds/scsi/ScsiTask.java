package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.ds.fault.Fault;
import pnfs.ds.region.Persistence;
import pnfs.ds.region.StoreGate;
import pnfs.ds.volume.Volume;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// One command while it runs (SAM-5 §8): what it wants to move and where, and how it ended. Belongs to the data
/// path: its owner, a transport, uses it again for the next command. Confined to its connection.
///
/// The transport fills it with [#begin], gives it to [ScsiTarget#start], and then moves the bytes as
/// [#transfer] tells. If it then [#isUnfinished], it is to [#finish], and only then to be answered with its
/// [#status].
public final class ScsiTask implements Persistence.Waiter {
    /// Nothing moves.
    public static final int NONE = 0;
    /// Parameter data goes to the initiator: [#reply].
    public static final int REPLY = 1;
    /// Bytes of the volume go to the initiator.
    public static final int READ = 2;
    /// Bytes come from the initiator into the volume: [#view] or [#write].
    public static final int WRITE = 3;
    /// Bytes come from the initiator to the command itself: [#write], in order.
    public static final int TAKE = 4;

    /// Learns that a task is finished, on any thread; must hand over and return.
    @FunctionalInterface
    public interface Waiter {
        void finished();
    }

    /// What a command does with bytes as they come, in order.
    @FunctionalInterface
    interface Taker {
        void take(ScsiTask task, int at, ByteBuffer source);
    }

    /// What is left of a command once its data is there. Calls [#done] when that is over, on any thread.
    @FunctionalInterface
    interface Rest {
        void run(ScsiTask task);
    }

    /// Brings the bytes of an atomic write to their place. False when the medium failed.
    @FunctionalInterface
    interface InPlace {
        boolean put(Volume volume, long offset, ByteBuffer source);
    }

    private static final ByteBuffer NO_REPLY = ByteBuffer.allocate(0);

    private final ByteBuffer cdb = ByteBuffer.allocate(Cdb.BYTES);
    private int lun;
    private long announcedBytes;
    private @Nullable ScsiNexus nexus;

    private int transfer;
    private @Nullable Volume volume;
    private boolean describes;
    private long offset;
    private int bytes;
    private ByteBuffer reply = NO_REPLY;
    private @Nullable Taker taker;
    private @Nullable Rest rest;
    private ByteBuffer gathered = NO_REPLY;
    private @Nullable StagingLimit staging;
    private int stagedBytes;
    private int received;
    private @Nullable Waiter waiter;
    private @Nullable Fault fault;
    private @Nullable InPlace inPlace;
    private int status;
    private Sense sense = Sense.NONE;

    /// Forgets the last command and takes in a new one.
    ///
    /// @param lun as [pnfs.wire.scsi.Lun#fromWire] says; -1 for one that cannot be ours
    /// @param from 16 bytes of CDB at `cdbAt`
    /// @param announced how many bytes the initiator says it sends
    public void begin(ScsiNexus nexus, int lun, ByteBuffer from, int cdbAt, long announced) {
        end();
        this.nexus = nexus;
        this.lun = lun;
        announcedBytes = announced;
        cdb.put(0, from, cdbAt, Cdb.BYTES);
        transfer = NONE;
        volume = null;
        describes = false;
        offset = 0;
        bytes = 0;
        reply = NO_REPLY;
        taker = null;
        rest = null;
        received = 0;
        waiter = null;
        fault = null;
        inPlace = null;
        status = ScsiStatus.GOOD;
        sense = Sense.NONE;
    }

    /// The command is over: gives back the memory that it took.
    public void end() {
        StagingLimit limit = staging;
        if (limit != null && stagedBytes > 0) {
            limit.give(stagedBytes);
            stagedBytes = 0;
        }
        gathered = NO_REPLY;
    }

    /// What limits the memory that the command takes.
    void stageWithin(StagingLimit limit) {
        staging = limit;
    }

    ByteBuffer cdb() {
        return cdb;
    }

    /// -1 for one that cannot be ours.
    public int lun() {
        return lun;
    }

    ScsiNexus nexus() {
        if (nexus == null) {
            throw new IllegalStateException("task without a command");
        }
        return nexus;
    }

    /// Ends the command without any transfer, or after one went wrong.
    public void fail(Sense why) {
        refuse(ScsiStatus.CHECK_CONDITION);
        sense = why;
    }

    /// Somebody else has ended the command (SAM-5 §5.3.1): it moves nothing any more, whatever it was told to do.
    public void endedByAnother() {
        refuse(ScsiStatus.TASK_ABORTED);
        fault = null;
    }

    /// Ends the command with a status that needs no sense data.
    void refuse(int why) {
        transfer = NONE;
        bytes = 0;
        reply = NO_REPLY;
        rest = null;
        status = why;
    }

    /// Answers with parameter data, of which the initiator takes so much at most.
    void replyWith(byte[] data, int allocationBytes) {
        transfer = REPLY;
        reply = ByteBuffer.wrap(data, 0, Math.min(data.length, allocationBytes));
        bytes = reply.remaining();
    }

    /// Has bytes of a volume move, [#READ] or [#WRITE].
    void move(int direction, Volume where, long from, int length) {
        transfer = direction;
        volume = where;
        offset = from;
        bytes = length;
    }

    /// Has bytes come to the command, and then does the rest.
    void take(int length, Taker piece, Rest then) {
        transfer = TAKE;
        bytes = length;
        taker = piece;
        rest = then;
    }

    /// Has bytes come into memory of the command, and then does the rest: see [#gathered]. TASK SET FULL, so
    /// that the initiator repeats it, while commands have taken all the memory that there is for this;
    /// reservations find room always, because a fence must.
    void gather(int length, Rest then) {
        StagingLimit limit = staging;
        if (limit != null && !isReservation()) {
            if (!limit.take(length)) {
                refuse(ScsiStatus.TASK_SET_FULL);
                return;
            }
            stagedBytes = length;
        }
        gathered = ByteBuffer.allocate(length);
        take(length, (task, at, source) -> task.gathered.put(at, source, source.position(), source.remaining()), then);
    }

    /// Takes part of a fault script.
    void strike(Fault by) {
        fault = by;
    }

    /// What the transport has to do to this command: delay or drop its answer, or reset its connection. Null, or a
    /// fault that is none of the transport's business, for nothing.
    public @Nullable Fault fault() {
        return fault;
    }

    /// Moves so many bytes at most, if it reads blocks.
    void shorten(int length) {
        if (transfer == READ) {
            bytes = Math.min(bytes, length);
        }
    }

    /// Does something else with a write that is all there than make it durable.
    void insteadOfDurable(Rest instead) {
        rest = instead;
    }

    /// Has somebody else bring the bytes of an atomic write to their place.
    void inPlaceBy(InPlace other) {
        inPlace = other;
    }

    /// Who brings the bytes of an atomic write to their place; null for the region itself.
    @Nullable
    InPlace inPlace() {
        return inPlace;
    }

    /// Needs no data, but does something that takes its time.
    void later(Rest then) {
        rest = then;
    }

    /// The memory into which bytes come, as many as the command takes; null when it wants to see them one piece
    /// after the other.
    public @Nullable ByteBuffer memory() {
        return transfer == TAKE && gathered.capacity() > 0 ? gathered : null;
    }

    /// What has come, from position to limit.
    ByteBuffer gathered() {
        return gathered.slice(0, received);
    }

    /// How many bytes the initiator says it sends.
    long announcedBytes() {
        return announcedBytes;
    }

    /// How many bytes have come.
    int received() {
        return received;
    }

    /// [#NONE], [#REPLY], [#READ], [#WRITE] or [#TAKE].
    public int transfer() {
        return transfer;
    }

    /// How many bytes the command moves; the initiator may expect more or fewer.
    public int bytes() {
        return bytes;
    }

    /// Parameter data from position to limit.
    public ByteBuffer reply() {
        return reply;
    }

    /// A view of bytes that this command reads or writes: of the volume itself, without a copy.
    ///
    /// @param at from the first byte of the command
    public ByteBuffer view(int at, int length) {
        requireInside(at, length);
        return volume().view(offset + at, length);
    }

    /// The same bytes in a buffer that is everybody's, from index [#windowAt] on: see
    /// [pnfs.ds.region.Region#window].
    public ByteBuffer window(int at, int length) {
        requireInside(at, length);
        return volume().window(offset + at, length);
    }

    /// Where byte `at` of the command is in its [#window].
    public int windowAt(int at) {
        return volume().inWindow(offset + at);
    }

    /// What stores into a view or window go through.
    public StoreGate gate() {
        return volume().gate();
    }

    /// Whether bytes come from the initiator.
    public boolean takesBytes() {
        return transfer == WRITE || transfer == TAKE;
    }

    /// Takes bytes that arrived, from position to limit; the command may fail over them.
    ///
    /// @param at from the first byte of the command
    public void write(int at, ByteBuffer source) {
        write(at, source, source.position(), source.remaining());
    }

    /// Takes `length` bytes that arrived, at `sourceAt` of a buffer; the command may fail over them.
    ///
    /// @param at from the first byte of the command
    public void write(int at, ByteBuffer source, int sourceAt, int length) {
        requireInside(at, length);
        if (taker != null) {
            taker.take(this, at, source.slice(sourceAt, length));
        } else if (!volume().write(offset + at, source, sourceAt, length)) {
            fail(Sense.WRITE_ERROR);
        }
    }

    /// Whether the command has something left to do when all of its data is there: then it must [#finish].
    public boolean isUnfinished() {
        return transfer == WRITE || rest != null;
    }

    /// Does what is left of the command and then tells the waiter, on any thread; the status stands from there
    /// on.
    ///
    /// @param receivedBytes how much has come
    public void finish(int receivedBytes, Waiter told) {
        requireInside(0, receivedBytes);
        received = receivedBytes;
        waiter = told;
        Rest left = rest;
        if (left != null) {
            left.run(this);
        } else {
            volume().countWrite(receivedBytes);
            volume().persist(offset, receivedBytes, this);
        }
    }

    /// The bytes of a write are durable, or never will be.
    @Override
    public void persisted(boolean durable) {
        if (!durable) {
            fail(Sense.WRITE_ERROR);
        }
        done();
    }

    /// What was left is done.
    void done() {
        Waiter told = waiter;
        if (told == null) {
            throw new IllegalStateException("done before it was to finish");
        }
        told.finished();
    }

    /// Whether it is about registrations rather than the medium: those are not ended by PREEMPT AND ABORT,
    /// which is one itself, and may wait for its answer.
    public boolean isReservation() {
        int opcode = Cdb.opcode(cdb, 0);
        return opcode == ScsiOpcode.PERSISTENT_RESERVE_OUT || opcode == ScsiOpcode.PERSISTENT_RESERVE_IN;
    }

    private void requireInside(int at, int length) {
        if (at < 0 || length < 0 || length > bytes - at) {
            throw new IndexOutOfBoundsException(at + "+" + length + " of " + bytes);
        }
    }

    private Volume volume() {
        if (volume == null) {
            throw new IllegalStateException("command moves no blocks");
        }
        return volume;
    }

    /// Whether nothing has gone wrong so far.
    boolean isGood() {
        return status == ScsiStatus.GOOD;
    }

    /// Has sense data told in descriptor format, as the unit's control page wants it (D_SENSE).
    void describeSense() {
        describes = true;
    }

    /// What CHECK CONDITION means, as the initiator gets it.
    ///
    /// @return how many bytes were written at `at`, at most [Sense#MAX_BYTES]
    public int putSense(ByteBuffer out, int at) {
        return describes ? sense.putDescriptors(out, at) : sense.putFixed(out, at);
    }

    /// GOOD, CHECK CONDITION and so on: [ScsiStatus].
    public int status() {
        return status;
    }

    /// What CHECK CONDITION means.
    public Sense sense() {
        return sense;
    }
}
