package pnfs.ds.iscsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.ds.scsi.ScsiTask;
import pnfs.wire.iscsi.Bhs;
import pnfs.wire.net.Loop;

/// One SCSI command of a session, from its PDU to its response, and how far its data has come. Belongs to the
/// data path: a slot that is used again. Confined to the session's loop, but for [#finished].
final class TargetTask implements ScsiTask.Waiter {
    final ScsiTask scsi = new ScsiTask();
    private final TaskSet tasks;

    int tag;
    /// As the PDU has it.
    long lun;
    boolean immediate;
    boolean wantsRead;
    boolean wantsWrite;
    /// What the initiator expects to move in its direction; 0 if it names none.
    long expectedBytes;
    /// What the command takes: the first so many bytes of what comes.
    int writeBytes;

    /// Bytes that have come, in order; those beyond `writeBytes` were dropped.
    int received;
    /// Where the present sequence of Data-Out ends: what came unasked, or what an R2T asked for.
    int sequenceEnd;
    /// Tag of the R2T that is being answered; [Bhs#NO_TAG] while data comes unasked. The next one's is one more.
    int transferTag;
    /// R2Ts that are not answered yet, and where the last of them ends.
    int outstandingR2ts;

    int asked;
    boolean receiving;
    int dataSn;
    int r2tSn;

    State state = State.FREE;
    /// Ends the delay of a task that is HELD; null when nothing does.
    Loop.@Nullable Timer release;
    /// Where it stands among the session's tasks.
    int index;

    /// The next one in the list of those that are finished: set by whoever finished them.
    @Nullable
    TargetTask nextFinished;

    /// Where a command is.
    enum State {
        FREE,
        /// Data is on its way to us, or will be asked for.
        RECEIVING,
        /// All data is there; the command has something left to do, such as to make it durable.
        FINISHING,
        /// It is over, but a fault script keeps back the answer for a while, or for ever.
        HELD,
        /// As FINISHING, but nobody wants an answer any more: ends when the volume is no longer touched.
        ABORTED,
        /// As ABORTED, but by another initiator, so that its own one is told.
        ENDED_BY_ANOTHER
    }

    TargetTask(TaskSet tasks) {
        this.tasks = tasks;
    }

    /// Takes in a command PDU.
    void begin(ByteBuffer header, int at) {
        tag = Bhs.initiatorTaskTag(header, at);
        lun = Bhs.lun(header, at);
        immediate = Bhs.isImmediate(header, at);
        wantsRead = Bhs.has(header, at, Bhs.READ);
        wantsWrite = Bhs.has(header, at, Bhs.WRITE);
        expectedBytes = wantsRead || wantsWrite ? Bhs.expectedBytes(header, at) & 0xffff_ffffL : 0;
        writeBytes = 0;
        received = 0;
        sequenceEnd = 0;
        transferTag = Bhs.NO_TAG;
        outstandingR2ts = 0;
        asked = 0;
        receiving = false;
        dataSn = 0;
        r2tSn = 0;
        state = State.RECEIVING;
    }

    @Override
    public void finished() {
        tasks.finished(this);
    }
}
