package pnfs.ds.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import pnfs.ds.region.Journal;
import pnfs.ds.region.Persistence;
import pnfs.ds.region.StoreGate;
import pnfs.ds.volume.Volume;
import pnfs.wire.scsi.Cdb;
import pnfs.wire.scsi.LbaStatus;
import pnfs.wire.scsi.ScsiCommand;
import pnfs.wire.scsi.ScsiException;
import pnfs.wire.scsi.ScsiOpcode;
import pnfs.wire.scsi.Sense;
import pnfs.wire.scsi.UnmapRange;

/// Commands that move, compare, fill or look at blocks of one volume (SBC-3 §5). READ and WRITE belong to the
/// data path and allocate nothing; safe for use by many connections.
///
/// Unmapped blocks are blocks of zeros and keep their space: a region never gives any back. So a block that
/// reads as zeros is as good as unmapped (SBC-3 §4.7.3.5 lets a mapped one become so by itself), and that is
/// how GET LBA STATUS tells them apart.
///
/// COMPARE AND WRITE, WRITE ATOMIC and ORWRITE change their blocks while no other command stores into the
/// volume, plain WRITEs included, whose bytes go from their sockets straight into it: see [StoreGate]. A READ
/// is sent from the volume as the connection takes it and may show part of each.
final class BlockCommands {
    /// The most bytes that one command moves, fills or unmaps; block limits (VPD page B0h) tell it to initiators.
    static final int MAX_TRANSFER_BYTES = 16 << 20;
    /// The most bytes that COMPARE AND WRITE compares. Twice as much waits in memory until all of it is there.
    static final int MAX_COMPARE_AND_WRITE_BYTES = 64 << 10;
    private static final int OR_PIECE_BYTES = 64 << 10;
    /// The most pieces of one UNMAP.
    static final int MAX_UNMAP_RANGES = 256;
    /// The most pieces that GET LBA STATUS tells at once.
    private static final int MAX_STATUS_PIECES = 64;
    private static final int UNMAP_HEADER_BYTES = 8;
    private static final int UNMAP_RANGE_BYTES = 16;

    // BYTCHK of VERIFY.
    private static final int NO_DATA = 0;
    private static final int AS_MUCH_DATA = 1;
    private static final int ONE_BLOCK = 3;

    private final Volume volume;
    private final Consumer<Runnable> settle;

    /// @param settle as [ScsiTarget.Transport#settle]
    BlockCommands(Volume volume, Consumer<Runnable> settle) {
        this.volume = volume;
        this.settle = settle;
    }

    void read(ScsiTask task) {
        if (requireMedium(task, Sense.UNRECOVERED_READ_ERROR)) {
            int bytes = bytes(task);
            volume.countRead(bytes);
            task.move(ScsiTask.READ, volume, offset(task), bytes);
        }
    }

    /// WRITE, and WRITE AND VERIFY as well: the medium is memory, so what it holds is what came.
    void write(ScsiTask task) {
        if (requireMedium(task, Sense.WRITE_ERROR)) {
            task.move(ScsiTask.WRITE, volume, offset(task), bytes(task));
        }
    }

    /// VERIFY, against nothing, as much data, or one block that all are to be like.
    void verify(ScsiTask task) {
        int check = Cdb.byteCheck(task.cdb(), 0);
        if (check != NO_DATA && check != AS_MUCH_DATA && check != ONE_BLOCK) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (requireMedium(task, Sense.UNRECOVERED_READ_ERROR) && bytes(task) > 0) {
            if (check == AS_MUCH_DATA) {
                task.take(bytes(task), this::compare, BlockCommands::requireAll);
            } else if (check == ONE_BLOCK) {
                task.gather(volume.blockBytes(), this::compareEach);
            }
        }
    }

    /// Compares a piece of data as it comes.
    private void compare(ScsiTask task, int at, ByteBuffer piece) {
        int differs = volume.view(offset(task) + at, piece.remaining()).mismatch(piece);
        if (differs >= 0) {
            task.fail(Sense.MISCOMPARE.withInformation((long) at + differs));
        }
    }

    private void compareEach(ScsiTask task) {
        requireAllThen(task, () -> {
            ByteBuffer wanted = task.gathered();
            for (int at = 0; at < bytes(task) && task.isGood(); at += volume.blockBytes()) {
                compare(task, at, wanted);
            }
            task.done();
        });
    }

    private static void requireAll(ScsiTask task) {
        requireAllThen(task, task::done);
    }

    /// An initiator that announces less than its CDB takes cannot be served.
    private static void requireAllThen(ScsiTask task, Runnable then) {
        if (task.received() < task.bytes()) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            task.done();
        } else {
            then.run();
        }
    }

    void synchronize(ScsiTask task) {
        requireBlocks(task);
    }

    /// There is no cache to fetch into: GOOD rather than CONDITION MET (SBC-3 §5.12).
    void prefetch(ScsiTask task) {
        requireBlocks(task);
    }

    void compareAndWrite(ScsiTask task) {
        // Data that does not go with the CDB is a mistake here rather than a residual: half of it would be compared
        // with the wrong half of the blocks.
        if (bytes(task) > MAX_COMPARE_AND_WRITE_BYTES || task.announcedBytes() != 2L * bytes(task)) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (requireMedium(task, Sense.UNRECOVERED_READ_ERROR)) {
            task.gather(2 * bytes(task), this::finishCompareAndWrite);
        }
    }

    private void finishCompareAndWrite(ScsiTask task) {
        requireAllThen(task, () -> {
            StoreGate gate = volume.gate();
            gate.claim();
            settle.accept(() -> {
                gate.undisturbed(() -> compareThenWrite(task, task.gathered()));
                gate.release();
                if (task.isGood()) {
                    persist(task, offset(task), bytes(task));
                } else {
                    task.done();
                }
            });
        });
    }

    private void compareThenWrite(ScsiTask task, ByteBuffer data) {
        int half = data.remaining() / 2;
        compare(task, 0, data.slice(0, half));
        if (task.isGood() && !volume.write(offset(task), data.slice(half, half))) {
            task.fail(Sense.WRITE_ERROR);
        }
    }

    /// All of the blocks or none, over a crash too.
    void writeAtomic(ScsiTask task) {
        if (!requireBlocks(task)) {
            return;
        }
        if (blocks(task) * volume.blockBytes() > Journal.MAX_BYTES) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (requireMedium(task, Sense.WRITE_ERROR) && bytes(task) > 0) {
            task.gather(bytes(task), this::finishWriteAtomic);
        }
    }

    private void finishWriteAtomic(ScsiTask task) {
        requireAllThen(task, () -> {
            StoreGate gate = volume.gate();
            gate.claim();
            settle.accept(() -> {
                volume.countWrite(bytes(task));
                writeAtomic(task, durable -> {
                    gate.release();
                    task.persisted(durable);
                });
            });
        });
    }

    private void writeAtomic(ScsiTask task, Persistence.Waiter waiter) {
        ScsiTask.InPlace other = task.inPlace();
        if (other == null) {
            volume.writeAtomic(offset(task), task.gathered(), waiter);
        } else {
            volume.writeAtomic(offset(task), task.gathered(), (at, bytes) -> other.put(volume, at, bytes), waiter);
        }
    }

    void orWrite(ScsiTask task) {
        if (requireMedium(task, Sense.UNRECOVERED_READ_ERROR)) {
            task.gather(bytes(task), this::finishOrWrite);
        }
    }

    /// A piece at a time, so that nobody waits long.
    private void finishOrWrite(ScsiTask task) {
        requireAllThen(task, () -> {
            StoreGate gate = volume.gate();
            gate.claim();
            settle.accept(() -> {
                ByteBuffer data = task.gathered();
                for (int at = 0; at < data.limit(); at += OR_PIECE_BYTES) {
                    int from = at;
                    ByteBuffer piece = data.slice(at, Math.min(OR_PIECE_BYTES, data.limit() - at));
                    gate.undisturbed(() -> or(task, from, piece));
                }
                gate.release();
                if (task.isGood()) {
                    persist(task, offset(task), bytes(task));
                } else {
                    task.done();
                }
            });
        });
    }

    private void or(ScsiTask task, int at, ByteBuffer piece) {
        var both = new byte[piece.limit()];
        volume.view(offset(task) + at, both.length).get(0, both);
        for (int i = 0; i < both.length; i++) {
            both[i] |= piece.get(i);
        }
        if (!volume.write(offset(task) + at, ByteBuffer.wrap(both))) {
            task.fail(Sense.WRITE_ERROR);
        }
    }

    /// WRITE SAME. Blocks that it unmaps read as zeros, whatever block comes with it (SBC-3 §4.7.3.4, LBPRZ).
    void writeSame(ScsiTask task) {
        boolean withoutData = Cdb.isWithoutData(task.cdb(), 0);
        if (!withoutData && task.announcedBytes() != volume.blockBytes()) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (requireMedium(task, Sense.WRITE_ERROR)) {
            if (withoutData) {
                task.later(this::zero);
            } else {
                task.gather(
                        volume.blockBytes(),
                        Cdb.isUnmap(task.cdb(), 0) ? this::zero : whole -> fill(whole, whole.gathered()));
            }
        }
    }

    private void zero(ScsiTask task) {
        fill(task, ByteBuffer.allocate(volume.blockBytes()));
    }

    private void fill(ScsiTask task, ByteBuffer block) {
        long offset = offset(task);
        int length = bytes(task);
        if (volume.fill(offset, length, block)) {
            persist(task, offset, length);
        } else {
            task.fail(Sense.WRITE_ERROR);
            task.done();
        }
    }

    private void persist(ScsiTask task, long offset, int length) {
        volume.countWrite(length);
        volume.persist(offset, length, task);
    }

    void unmap(ScsiCommand.Unmap command, ScsiTask task) {
        if (command.parameterBytes() > UNMAP_HEADER_BYTES + MAX_UNMAP_RANGES * UNMAP_RANGE_BYTES) {
            task.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else if (command.parameterBytes() > 0) {
            task.gather(command.parameterBytes(), this::finishUnmap);
        }
    }

    private void finishUnmap(ScsiTask task) {
        List<UnmapRange> ranges;
        try {
            ranges = UnmapRange.read(task.gathered(), MAX_UNMAP_RANGES);
            long blocks = 0;
            for (UnmapRange range : ranges) {
                if (!volume.covers(range.firstBlock(), range.blocks())) {
                    throw ScsiException.check(Sense.LBA_OUT_OF_RANGE);
                }
                blocks += range.blocks();
            }
            if (blocks * volume.blockBytes() > MAX_TRANSFER_BYTES) {
                throw ScsiException.check(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
            }
        } catch (ScsiException refused) {
            task.fail(refused.sense());
            task.done();
            return;
        }
        var left = new AtomicInteger(ranges.size() + 1);
        var allDurable = new AtomicBoolean(true);
        ByteBuffer zeros = ByteBuffer.allocate(volume.blockBytes());
        for (UnmapRange range : ranges) {
            long offset = volume.offsetOf(range.firstBlock());
            int length = (int) (range.blocks() * volume.blockBytes());
            boolean filled = volume.fill(offset, length, zeros);
            volume.persist(offset, length, durable -> ended(task, left, allDurable, filled && durable));
        }
        ended(task, left, allDurable, true);
    }

    /// One of several pieces has ended; the last one ends the task.
    private static void ended(ScsiTask task, AtomicInteger left, AtomicBoolean allDurable, boolean durable) {
        if (!durable) {
            allDurable.set(false);
        }
        if (left.decrementAndGet() == 0) {
            task.persisted(allDurable.get());
        }
    }

    /// Tells runs of zeros from runs of other blocks, as far as one command may look.
    void lbaStatus(ScsiCommand.GetLbaStatus command, ScsiTask task) {
        long first = command.firstBlock();
        if (first < 0 || first >= volume.blocks()) {
            task.fail(Sense.LBA_OUT_OF_RANGE);
            return;
        }
        long blocks = Math.min(volume.blocks() - first, MAX_TRANSFER_BYTES / volume.blockBytes());
        if (!volume.readable(volume.offsetOf(first), blocks * volume.blockBytes())) {
            task.fail(Sense.UNRECOVERED_READ_ERROR.withInformation(first));
            return;
        }
        var pieces = new ArrayList<LbaStatus>();
        long from = first;
        int state = state(first);
        for (long block = first + 1; block <= first + blocks && pieces.size() < MAX_STATUS_PIECES; block++) {
            int next = block < first + blocks ? state(block) : -1;
            if (next != state) {
                pieces.add(new LbaStatus(from, block - from, state));
                from = block;
                state = next;
            }
        }
        task.replyWith(LbaStatus.toBytes(pieces), command.allocationBytes());
    }

    private int state(long block) {
        return volume.isZero(volume.offsetOf(block), volume.blockBytes()) ? LbaStatus.DEALLOCATED : LbaStatus.MAPPED;
    }

    /// False, and the command refused, when it names blocks that are not there.
    private boolean requireBlocks(ScsiTask task) {
        if (volume.covers(Cdb.firstBlock(task.cdb(), 0), blocks(task))) {
            return true;
        }
        task.fail(Sense.LBA_OUT_OF_RANGE);
        return false;
    }

    /// False, and the command refused or failed, unless its blocks are there, no more than block limits allow, and
    /// can be reached.
    private boolean requireMedium(ScsiTask task, Sense failure) {
        if (!requireBlocks(task)) {
            return false;
        }
        if (blocks(task) * volume.blockBytes() > MAX_TRANSFER_BYTES) {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
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
        return (int) (blocks(task) * volume.blockBytes());
    }

    /// How many blocks the command names; for WRITE SAME 0 means all that follow.
    private long blocks(ScsiTask task) {
        long blocks = Cdb.blocks(task.cdb(), 0);
        if (blocks > 0) {
            return blocks;
        }
        return switch (Cdb.opcode(task.cdb(), 0)) {
            case ScsiOpcode.WRITE_SAME_10, ScsiOpcode.WRITE_SAME_16 ->
                Math.max(0, volume.blocks() - Math.max(0, Cdb.firstBlock(task.cdb(), 0)));
            default -> 0;
        };
    }
}
