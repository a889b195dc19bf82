package pnfs.client;

import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.extent.RangeSet;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;

/// The layouts that we hold of one open file, and what we wrote into them: a memory without I/O. Safe for all
/// threads; guarded by its own lock.
///
/// Who moves bytes where a layout says holds a [Use] of it. Layouts go back to the server in a [Return], which
/// waits for the uses before it and holds up those after it: from the moment the server has them back, a block may
/// be somebody else's.
///
/// A write that failed may still be carried out by a data server that did not answer. Until it is known that it is
/// not, the layouts must not go back either.
///
/// An extent that the server calls INVALID_DATA holds garbage until we write it. So we remember which of its
/// blocks we wrote, read those from storage and all others as zeros, and name them in the next LAYOUTCOMMIT.
final class FileLayout {
    private final ReentrantLock lock = new ReentrantLock();
    private Held writable = new Held();
    private Held readable = new Held();
    /// Whole blocks of INVALID_DATA that we wrote since the last commit.
    private RangeSet uncommitted = new RangeSet();
    /// The end of the last byte written since the last commit; 0: nothing was.
    private long writtenEnd;
    /// How often something was written, so that a commit knows what came after it was sent.
    private long writes;
    /// Counts how often everything was forgotten: what was planned before does not hold after.
    private long generation;
    /// Bytes that we wrote and that never became part of the file, because a layout was lost before its commit.
    private long lostBytes;
    private @Nullable Stateid stateid;
    /// Volumes that a failed write may still reach, until then.
    private final Map<DeviceId, CompletableFuture<Void>> late = new HashMap<>();
    private final Condition changed = lock.newCondition();
    private int uses;
    private boolean returning;
    /// Whether a LAYOUTGET is under way: the server may have granted what we do not know of.
    private boolean asking;

    /// Bytes are under way where a mapping said.
    interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /// The layouts are on their way back, and nobody may use them.
    interface Return extends AutoCloseable {
        @Override
        void close();
    }

    /// A layout of one iomode. Where `known` has a range and `extents` has nothing, the file has a hole.
    private static final class Held {
        private final ExtentMap extents = new ExtentMap();
        private final RangeSet known = new RangeSet();

        void put(ByteRange range, List<Extent> granted) {
            extents.punch(range);
            for (Extent extent : granted) {
                if (extent.state() != ExtentState.NONE_DATA) {
                    extents.insert(extent);
                }
            }
            extents.drainChanges(); // ours need no journal
            known.add(range);
        }

        /// Up to where the start of `range` is known.
        long knownFrom(ByteRange range) {
            List<ByteRange> parts = known.intersect(range);
            boolean startKnown = !parts.isEmpty() && parts.getFirst().offset() == range.offset();
            return startKnown ? parts.getFirst().end() : range.offset();
        }

        void drop(ByteRange range) {
            extents.punch(range);
            extents.drainChanges();
            known.remove(range);
        }

        boolean covers(ByteRange range) {
            return known.intersect(range).equals(List.of(range));
        }
    }

    /// Where the bytes of a range are, in the order of the file: `extents` lie one behind the other where
    /// `range` is writable and leave out holes and unwritten blocks where it is for reading. Good for one
    /// `generation`.
    record Mapping(ByteRange range, List<Extent> extents, long generation) {
        Mapping {
            extents = List.copyOf(extents);
        }
    }

    /// What a LAYOUTCOMMIT has to say.
    ///
    /// @param ranges blocks that were INVALID_DATA, in order
    /// @param end of the last byte written
    /// @param writes how many writes this covers
    record Uncommitted(List<ByteRange> ranges, long end, long writes, long generation) {
        Uncommitted {
            ranges = List.copyOf(ranges);
        }

        long bytes() {
            return ranges.stream().mapToLong(ByteRange::length).sum();
        }
    }

    /// Waits until nothing is on its way back.
    Use use() throws InterruptedIOException {
        lock.lock();
        try {
            awaitReturned();
            uses++;
        } finally {
            lock.unlock();
        }
        return this::used;
    }

    private void used() {
        lock.lock();
        try {
            uses--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Waits until nothing is on its way back, then for all uses to end.
    Return beginReturn() throws InterruptedIOException {
        lock.lock();
        try {
            awaitReturned();
            returning = true;
        } finally {
            lock.unlock();
        }
        return this::returned;
    }

    /// Ends what [#beginReturn], or a recall that was answered with OK, began.
    void returned() {
        lock.lock();
        try {
            returning = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// While a return is under way: waits for the uses from before it.
    void awaitUnused() {
        lock.lock();
        try {
            while (uses > 0) {
                changed.awaitUninterruptibly(); // what a data server has is not called back
            }
        } finally {
            lock.unlock();
        }
    }

    /// A write to this volume has failed and may still reach it, until `over` is done or [#noneLate] is said.
    /// To be told within its [Use].
    void mayComeLate(DeviceId volume, CompletableFuture<Void> over) {
        lock.lock();
        try {
            late.merge(volume, over, CompletableFuture::allOf);
        } finally {
            lock.unlock();
        }
    }

    /// The volumes that failed writes may still reach.
    Set<DeviceId> late() {
        lock.lock();
        try {
            late.values().removeIf(CompletableFuture::isDone);
            return Set.copyOf(late.keySet());
        } finally {
            lock.unlock();
        }
    }

    /// The server says that nothing of ours is on its way to the volume; nor has anything been sent meanwhile.
    void noneLate(DeviceId volume) {
        lock.lock();
        try {
            late.remove(volume);
        } finally {
            lock.unlock();
        }
    }

    /// To be followed by [#use], or by another look.
    void awaitNoReturn() throws InterruptedIOException {
        lock.lock();
        try {
            awaitReturned();
        } finally {
            lock.unlock();
        }
    }

    private void awaitReturned() throws InterruptedIOException {
        try {
            while (returning) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a layout was given back");
        }
    }

    /// A LAYOUTGET begins or ends. False where a return is under way, which it would undo.
    boolean ask() {
        lock.lock();
        try {
            asking = !returning;
            return asking;
        } finally {
            lock.unlock();
        }
    }

    void asked() {
        lock.lock();
        try {
            asking = false;
        } finally {
            lock.unlock();
        }
    }

    /// What to answer to a recall of this file's layouts under `recalled` (RFC 8881 §12.5.5.2, §20.3). After OK a
    /// return is under way. Does not wait.
    NfsStatus recall(Stateid recalled) {
        lock.lock();
        try {
            if (returning || (stateid == null && (asking || uses > 0))) {
                return NfsStatus.DELAY;
            }
            if (stateid == null) {
                return NfsStatus.NOMATCHING_LAYOUT;
            }
            if (!stateid.other().equals(recalled.other())) {
                return NfsStatus.BAD_STATEID;
            }
            int ahead = recalled.seqid() - stateid.seqid();
            if (ahead <= 0) {
                return NfsStatus.OLD_STATEID;
            }
            if (!recalled.equals(stateid.next())) {
                return NfsStatus.DELAY; // the reply to a LAYOUTGET or LAYOUTRETURN is still to come
            }
            stateid = recalled;
            returning = true;
            return NfsStatus.OK;
        } finally {
            lock.unlock();
        }
    }

    /// As the other, for a recall of more than this file.
    NfsStatus recall() {
        lock.lock();
        try {
            if (returning || asking || (stateid == null && uses > 0)) {
                return NfsStatus.DELAY;
            }
            returning = stateid != null;
            return returning ? NfsStatus.OK : NfsStatus.NOMATCHING_LAYOUT;
        } finally {
            lock.unlock();
        }
    }

    /// Where `blocks` can be written, or null where a LAYOUTGET has to come first.
    @Nullable
    Mapping forWriting(ByteRange blocks) {
        lock.lock();
        try {
            return writable.covers(blocks) ? new Mapping(blocks, writable.extents.extents(blocks), generation) : null;
        } finally {
            lock.unlock();
        }
    }

    /// Where the data of `blocks` is, or null where a LAYOUTGET has to come first. What is not in the mapping
    /// is zeros.
    @Nullable
    Mapping forReading(ByteRange blocks) {
        lock.lock();
        try {
            var data = new ArrayList<Extent>();
            long at = blocks.offset();
            // Where there is a layout for writing it is right; one for reading may be older than our own writes.
            for (ByteRange own : writable.known.intersect(blocks)) {
                if (!addData(readable, new ByteRange(at, own.offset()), data)) {
                    return null;
                }
                addData(writable, own, data);
                at = own.end();
            }
            if (!addData(readable, new ByteRange(at, blocks.end()), data)) {
                return null;
            }
            return new Mapping(blocks, data, generation);
        } finally {
            lock.unlock();
        }
    }

    /// Adds what of `range` has data; false where the layout does not know all of it.
    private boolean addData(Held held, ByteRange range, List<Extent> data) {
        if (range.isEmpty()) {
            return true;
        }
        for (Extent extent : held.extents.extents(range)) {
            if (extent.state() == ExtentState.INVALID_DATA) {
                uncommitted.intersect(extent.file()).forEach(written -> data.add(extent.cutTo(written)));
            } else {
                data.add(extent);
            }
        }
        return held.covers(range);
    }

    /// The first byte of `blocks` that the next LAYOUTGET has to ask for.
    long firstUnknown(ByteRange blocks, Access access) {
        lock.lock();
        try {
            long at = blocks.offset();
            boolean known = true;
            while (known && at < blocks.end()) {
                var rest = new ByteRange(at, blocks.end());
                long next = writable.knownFrom(rest);
                next = access == Access.WRITE || next > at ? next : readable.knownFrom(rest);
                known = next > at;
                at = next;
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /// The server granted `range`.
    void granted(Access access, ByteRange range, List<Extent> extents, Stateid newStateid) {
        lock.lock();
        try {
            (access == Access.WRITE ? writable : readable).put(range, extents);
            stateid = newStateid;
        } finally {
            lock.unlock();
        }
    }

    /// `bytes` were written where `mapping` said. False when the layout was lost meanwhile: then they are nowhere.
    boolean written(Mapping mapping, ByteRange bytes) {
        lock.lock();
        try {
            if (mapping.generation() != generation) {
                return false;
            }
            for (Extent extent : writable.extents.extents(bytes.widened())) {
                if (extent.state() == ExtentState.INVALID_DATA) {
                    uncommitted.add(extent.file());
                }
            }
            writtenEnd = Math.max(writtenEnd, bytes.end());
            writes++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// The server wrote `bytes` for us and made them part of the file: blocks that were unwritten are not any
    /// more, and holes may be filled.
    void writtenThroughMds(ByteRange bytes) {
        lock.lock();
        try {
            writable.extents.markWritten(bytes.widened());
            writable.extents.drainChanges();
            readable = new Held();
        } finally {
            lock.unlock();
        }
    }

    /// What a commit has to name now; null: nothing was written since the last.
    @Nullable
    Uncommitted uncommitted() {
        lock.lock();
        try {
            return writtenEnd == 0 ? null : new Uncommitted(uncommitted.ranges(), writtenEnd, writes, generation);
        } finally {
            lock.unlock();
        }
    }

    /// The server has committed this.
    void committed(Uncommitted what) {
        lock.lock();
        try {
            if (what.generation() != generation) {
                return;
            }
            for (ByteRange range : what.ranges()) {
                writable.extents.markWritten(range);
                uncommitted.remove(range);
            }
            writable.extents.drainChanges();
            if (writes == what.writes()) {
                writtenEnd = 0;
            }
        } finally {
            lock.unlock();
        }
    }

    /// The server has `blocks` back, of which nothing was uncommitted; `remaining` is the stateid of the rest.
    void gaveBack(ByteRange blocks, Stateid remaining) {
        lock.lock();
        try {
            writable.drop(blocks);
            readable.drop(blocks);
            stateid = remaining;
        } finally {
            lock.unlock();
        }
    }

    /// Whether we hold a layout of any part of `blocks`.
    boolean overlaps(ByteRange blocks) {
        lock.lock();
        try {
            return !writable.known.intersect(blocks).isEmpty()
                    || !readable.known.intersect(blocks).isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /// Forgets all layouts. What was written into unwritten blocks since the last commit is lost with them.
    /// What may come late is the server's affair: before it gives the blocks to anybody else it fences us.
    void forget() {
        lock.lock();
        try {
            lostBytes +=
                    uncommitted.ranges().stream().mapToLong(ByteRange::length).sum();
            writable = new Held();
            readable = new Held();
            uncommitted = new RangeSet();
            writtenEnd = 0;
            stateid = null;
            late.clear();
            generation++;
        } finally {
            lock.unlock();
        }
    }

    /// What was lost since this was asked last.
    long takeLostBytes() {
        lock.lock();
        try {
            long lost = lostBytes;
            lostBytes = 0;
            return lost;
        } finally {
            lock.unlock();
        }
    }

    /// That of the layouts held; null: none are.
    @Nullable
    Stateid stateid() {
        lock.lock();
        try {
            return stateid;
        } finally {
            lock.unlock();
        }
    }

    enum Access {
        READ,
        WRITE
    }
}
