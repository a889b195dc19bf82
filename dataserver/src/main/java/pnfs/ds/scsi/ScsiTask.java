package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.ds.region.Persistence;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.ScsiStatus;
import pnfs.wire.scsi.Sense;

/// One command while it runs (SAM-5 §8): what it wants to move and where, and how it ended. Belongs to the data
/// path: its owner, a transport, uses it again for the next command. Confined to its connection.
///
/// The transport fills it with [#begin], gives it to [ScsiTarget#start], and then moves the bytes as
/// [#transfer] tells. After a [#WRITE] it asks [#persist], and only then answers [#status].
public final class ScsiTask {
    /// Nothing moves.
    public static final int NONE = 0;
    /// Parameter data goes to the initiator: [#reply].
    public static final int REPLY = 1;
    /// Bytes of the volume go to the initiator.
    public static final int READ = 2;
    /// Bytes come from the initiator into the volume.
    public static final int WRITE = 3;

    private static final ByteBuffer NO_REPLY = ByteBuffer.allocate(0);

    private final ByteBuffer cdb = ByteBuffer.allocate(Cdb.BYTES);
    private int lun;
    private @Nullable ScsiNexus nexus;

    private int transfer;
    private @Nullable LogicalUnit unit;
    private long offset;
    private int bytes;
    private ByteBuffer reply = NO_REPLY;
    private int status;
    private Sense sense = Sense.NONE;

    /// Forgets the last command and takes in a new one.
    ///
    /// @param lun as [pnfs.wire.scsi.Lun#fromWire] says; -1 for one that cannot be ours
    /// @param from 16 bytes of CDB at `cdbAt`
    public void begin(ScsiNexus nexus, int lun, ByteBuffer from, int cdbAt) {
        this.nexus = nexus;
        this.lun = lun;
        cdb.put(0, from, cdbAt, Cdb.BYTES);
        transfer = NONE;
        unit = null;
        offset = 0;
        bytes = 0;
        reply = NO_REPLY;
        status = ScsiStatus.GOOD;
        sense = Sense.NONE;
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
        transfer = NONE;
        bytes = 0;
        reply = NO_REPLY;
        status = ScsiStatus.CHECK_CONDITION;
        sense = why;
    }

    /// Answers with parameter data, of which the initiator takes so much at most.
    void replyWith(byte[] data, int allocationBytes) {
        transfer = REPLY;
        reply = ByteBuffer.wrap(data, 0, Math.min(data.length, allocationBytes));
        bytes = reply.remaining();
    }

    /// Has bytes of a unit move, [#READ] or [#WRITE].
    void move(int direction, LogicalUnit where, long from, int length) {
        transfer = direction;
        unit = where;
        offset = from;
        bytes = length;
    }

    /// [#NONE], [#REPLY], [#READ] or [#WRITE].
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
        return unit().volume().view(offset + at, length);
    }

    /// Copies bytes that arrived into the volume; the command fails when the medium does.
    ///
    /// @param at from the first byte of the command
    public void write(int at, ByteBuffer source) {
        requireInside(at, source.remaining());
        if (!unit().volume().write(offset + at, source)) {
            fail(Sense.WRITE_ERROR);
        }
    }

    /// Makes the first `length` bytes of the command durable and then tells the waiter, on any thread.
    public void persist(int length, Persistence.Waiter waiter) {
        requireInside(0, length);
        unit().persist(offset, length, waiter);
    }

    private void requireInside(int at, int length) {
        if (at < 0 || length < 0 || length > bytes - at) {
            throw new IndexOutOfBoundsException(at + "+" + length + " of " + bytes);
        }
    }

    private LogicalUnit unit() {
        if (unit == null) {
            throw new IllegalStateException("command moves no blocks");
        }
        return unit;
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
