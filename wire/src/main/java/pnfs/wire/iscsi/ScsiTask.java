package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import pnfs.wire.scsi.Cdb;

/// A command from its submission to its end, and what an initiator must remember about it. Data path: one object a
/// command. Handed from the submitting thread to the initiator's loop, confined to that loop from then on.
final class ScsiTask {
    enum Direction {
        NONE,
        READ,
        WRITE
    }

    /// Whether the same command once more does no harm, so that it may be sent again in a new session.
    enum Repeat {
        HARMLESS,
        HARMFUL
    }

    final long lun;
    final ByteBuffer cdb = ByteBuffer.allocate(Cdb.BYTES);
    final Direction direction;
    final Repeat repeat;
    /// Where read data goes, or write data is: `bytes` bytes at `dataAt`.
    final ByteBuffer data;
    final int dataAt;
    final int bytes;
    final Completion completion;

    /// On the wire: the initiator task tag.
    int tag;
    int cmdSn;
    /// Bytes of read data that came, or of write data that were sent.
    int moved;
    /// When to give up waiting; meaningful on the wire.
    long deadlineNanos;
    /// Whether the deadline has passed and the target is asked to abort it.
    boolean overdue;
    /// Unit attentions so far.
    int attentions;
    /// First time on the wire, to bound how often a busy unit is asked again; 0 before.
    long firstSentNanos;

    ScsiTask(
            long lun,
            Direction direction,
            Repeat repeat,
            ByteBuffer data,
            int dataAt,
            int bytes,
            Completion completion) {
        this.lun = lun;
        this.direction = direction;
        this.repeat = repeat;
        this.data = data;
        this.dataAt = dataAt;
        this.bytes = bytes;
        this.completion = completion;
    }
}
