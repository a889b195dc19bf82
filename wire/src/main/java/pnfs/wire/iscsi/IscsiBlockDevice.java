package pnfs.wire.iscsi;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import pnfs.wire.scsi.Capacity;
import pnfs.wire.scsi.ReserveOutParameters;
import pnfs.wire.scsi.ScsiCommand.ReserveOutAction;
import pnfs.wire.scsi.VpdPage;

/// One unit of a target as a row of bytes, to be read and written in whole blocks. May be called from any thread;
/// completions run on the initiator's loop.
///
/// Long transfers become several commands of at most [#maxTransferBytes], some of them at a time, so one long
/// transfer does not keep others waiting. The unit carries out overlapping transfers in any order.
public final class IscsiBlockDevice {
    /// Commands of one transfer on their way at a time.
    private static final int PARTS_AT_A_TIME = 8;
    /// Longest transfer of one command unless the unit wants less: long enough that its own cost does not show.
    private static final int DEFAULT_TRANSFER_BYTES = 1 << 20;

    private final IscsiInitiator initiator;
    private final int lun;
    private final Capacity capacity;
    private final int maxTransferBytes;

    private IscsiBlockDevice(IscsiInitiator initiator, int lun, Capacity capacity, int maxTransferBytes) {
        this.initiator = initiator;
        this.lun = lun;
        this.capacity = capacity;
        this.maxTransferBytes = maxTransferBytes;
    }

    /// Asks the unit for its size and limits. Fails as [IscsiInitiator#ask] does.
    public static CompletableFuture<IscsiBlockDevice> open(IscsiInitiator initiator, int lun) {
        return initiator.readCapacity(lun).thenCombine(maxTransferBlocks(initiator, lun), (capacity, maxBlocks) -> {
            long blocks = maxBlocks == 0 ? Long.MAX_VALUE : maxBlocks;
            int most = Math.max(1, DEFAULT_TRANSFER_BYTES / capacity.blockBytes());
            int maxTransferBytes = (int) Math.min(blocks, most) * capacity.blockBytes();
            return new IscsiBlockDevice(initiator, lun, capacity, maxTransferBytes);
        });
    }

    /// 0 for a unit that tells no limit, or does not have the page that tells it.
    private static CompletableFuture<Long> maxTransferBlocks(IscsiInitiator initiator, int lun) {
        return initiator
                .vitalProductData(lun, VpdPage.BLOCK_LIMITS)
                .thenApply(page -> page instanceof VpdPage.BlockLimits limits ? limits.maxTransferBlocks() : 0L)
                .exceptionally(absent -> 0L);
    }

    public long capacityBytes() {
        return capacity.bytes();
    }

    public int blockBytes() {
        return capacity.blockBytes();
    }

    public int maxTransferBytes() {
        return maxTransferBytes;
    }

    /// Fills `into` from its position to its limit with the bytes from `offset` on. Both must be multiples of the
    /// block size and within the unit. The buffer belongs to us until `done`; its position does not move.
    ///
    /// @throws IllegalArgumentException if they are not
    public void read(long offset, ByteBuffer into, Completion done) {
        transfer(Kind.READ, offset, into, done);
    }

    /// Writes the bytes of `from` from its position to its limit at `offset`; as [#read] otherwise.
    public void write(long offset, ByteBuffer from, Completion done) {
        transfer(Kind.WRITE, offset, from, done);
    }

    /// Registers us with `key` for persistent reservations, whatever we were registered with before, so that a
    /// reservation for registrants lets us in; 0 takes the registration away. It survives a restart of the unit
    /// (SPC-4 §5.13.7, APTPL).
    public CompletableFuture<Void> register(long key) {
        return initiator.persistentReserveOut(
                lun, ReserveOutAction.REGISTER_AND_IGNORE_EXISTING_KEY, 0, new ReserveOutParameters(0, key, true));
    }

    /// Makes all that was written durable.
    public void flush(Completion done) {
        initiator.synchronizeCache(lun, done);
    }

    private enum Kind {
        READ,
        WRITE
    }

    private void transfer(Kind kind, long offset, ByteBuffer data, Completion done) {
        int bytes = data.remaining();
        int blockBytes = capacity.blockBytes();
        if (offset % blockBytes != 0 || bytes % blockBytes != 0) {
            throw new IllegalArgumentException(
                    bytes + " bytes at " + offset + " are not whole blocks of " + blockBytes + " bytes");
        }
        if (offset < 0 || bytes > capacity.bytes() - offset) {
            throw new IllegalArgumentException(
                    bytes + " bytes at " + offset + " are not within " + capacity.bytes() + " bytes");
        }
        if (bytes == 0) {
            done.done(0, null);
        } else if (bytes <= maxTransferBytes) {
            command(kind, offset, data, done);
        } else {
            new Transfer(kind, offset, data.slice(), done).begin();
        }
    }

    private void command(Kind kind, long offset, ByteBuffer data, Completion done) {
        long firstBlock = offset / capacity.blockBytes();
        int blocks = data.remaining() / capacity.blockBytes();
        switch (kind) {
            case READ -> initiator.read(lun, firstBlock, blocks, data, done);
            case WRITE -> initiator.write(lun, firstBlock, blocks, data, done);
        }
    }

    /// A transfer in several commands. Guarded by itself: a part that is refused ends on the submitting thread,
    /// the others end on the loop.
    private final class Transfer {
        private final Kind kind;
        private final long offset;
        private final ByteBuffer data;
        private final Completion done;
        private int begun;
        private int moved;
        private int onTheirWay;
        private @Nullable RuntimeException failure;

        Transfer(Kind kind, long offset, ByteBuffer data, Completion done) {
            this.kind = kind;
            this.offset = offset;
            this.data = data;
            this.done = done;
        }

        void begin() {
            for (int i = 0; i < PARTS_AT_A_TIME; i++) {
                next();
            }
        }

        private void next() {
            int from;
            int bytes;
            synchronized (this) {
                from = begun;
                bytes = Math.min(maxTransferBytes, data.capacity() - begun);
                if (bytes == 0 || failure != null) {
                    return;
                }
                begun += bytes;
                onTheirWay++;
            }
            command(kind, offset + from, data.slice(from, bytes), this::partDone);
        }

        /// Whether the part may take effect yet, which whoever hears of the whole has to know.
        private static boolean isLate(@Nullable RuntimeException partFailure) {
            return partFailure instanceof IscsiSessionException lost
                    && !lost.over().isDone();
        }

        private void partDone(int bytes, @Nullable RuntimeException partFailure) {
            boolean over;
            synchronized (this) {
                moved += bytes;
                onTheirWay--;
                if (failure == null || isLate(partFailure)) {
                    failure = partFailure;
                }
                over = onTheirWay == 0 && (begun == data.capacity() || failure != null);
            }
            if (over) {
                done.done(moved, failure);
            } else {
                next();
            }
        }
    }
}
