package pnfs.ds.region;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// The bytes of one logical unit, mapped into memory: offset 0 is the first byte that an initiator sees.
/// Belongs to the data path.
///
/// **Invariants.**
/// 1. What is acknowledged is durable (I5): a command answers GOOD only after [#persist] has told its waiter
///    so, and the waiter is told only after a force that began later than its bytes were stored and covers all
///    of them.
/// 2. Nobody reaches a byte outside of the region or outside of the range asked for: [#covers] is the question,
///    in arithmetic that cannot overflow, and each view is cut to its range before it is handed out. Views are
///    what sockets read into and write from, so a connection that dies half-way has touched its own range only.
/// 3. The file's size never changes while it is open, and nobody else has it open.
///
/// **Concurrency.** Safe for use by many threads and loops at once. Nothing here orders two commands over the
/// same bytes: a reader may see part of a concurrent write, as SCSI allows (SBC-3 §4.2), unless a command
/// claims the [#gate]. [#persist] orders the caller's own stores before the force; stores that another thread
/// made must happen-before the call.
///
/// **Failure.** A failed page (an uncorrectable memory error, a file cut off under us) shows as an
/// [InternalError] from the access. [#write] and [#readable] turn that into `false`, which becomes a medium
/// error; they touch memory in bulk because only bulk accesses raise it where it happens rather than a little
/// later. A failed force is final for the region until it is opened again: [Flusher] says why. Power loss may
/// leave any mix of old and new words in a range that was being written and was not yet acknowledged, but for
/// [#writeAtomic], which leaves all old or all new ones.
///
/// **Not here.** Blocks, identity and engines ([pnfs.ds.volume]); who may write ([pnfs.ds.scsi] and the
/// reservations); the file format ([RegionHeader]) and how a file becomes a region ([RegionFile]).
public final class Region implements AutoCloseable {
    private static final int PAGE_BYTES = 4096;
    private static final int TOUCH_BYTES = 128;
    /// Where touched bytes go. Many threads write it and nobody reads it.
    private static final MemorySegment TOUCHED = Arena.global().allocate(TOUCH_BYTES);

    /// Volatile, so that nobody can know how often the loop of [#awaitFault] runs.
    private static volatile int faultRounds = 2;

    /// A window begins at each multiple of this, and reaches over the next one's beginning.
    private static final long WINDOW_BYTES = 1L << 30;

    /// No range that is reached through a window is longer.
    public static final int MAX_WINDOW_RANGE_BYTES = 64 << 20;

    private static final MemorySegment ZEROS =
            Arena.global().allocate(PAGE_BYTES).asReadOnly();

    private final RegionHeader header;
    private final MemorySegment data;
    /// All of the region in buffers that are made once, because a buffer for each access would be garbage for
    /// each.
    private final ByteBuffer[] windows;

    private final Persistence persistence;
    private final Memo memo;
    private final Journal journal;
    private final StoreGate gate = new StoreGate();
    private final Runnable unmap;

    /// A region over memory that somebody else mapped, with a journal that lasts as long as the process.
    ///
    /// @param data as long as the header says
    /// @param memo is closed with the region
    /// @param unmap runs last in [#close]
    public Region(RegionHeader header, MemorySegment data, Persistence persistence, Memo memo, Runnable unmap) {
        this(header, data, persistence, memo, Journal.volatileJournal(), unmap);
    }

    /// @param journal is closed with the region
    Region(
            RegionHeader header,
            MemorySegment data,
            Persistence persistence,
            Memo memo,
            Journal journal,
            Runnable unmap) {
        if (data.byteSize() != header.sizeBytes()) {
            throw new IllegalArgumentException(
                    "mapping of " + data.byteSize() + " bytes for a region of " + header.sizeBytes());
        }
        this.header = header;
        this.data = data;
        this.persistence = persistence;
        this.memo = memo;
        this.journal = journal;
        this.unmap = unmap;
        this.windows = new ByteBuffer[(int) Math.ceilDiv(data.byteSize(), WINDOW_BYTES)];
        for (int i = 0; i < windows.length; i++) {
            long from = i * WINDOW_BYTES;
            long length = Math.min(data.byteSize() - from, WINDOW_BYTES + MAX_WINDOW_RANGE_BYTES);
            windows[i] = data.asSlice(from, length).asByteBuffer();
        }
    }

    public RegionHeader header() {
        return header;
    }

    /// What the region keeps for its owner.
    public Memo memo() {
        return memo;
    }

    public long sizeBytes() {
        return header.sizeBytes();
    }

    public Durability durability() {
        return persistence.durability();
    }

    /// Whether the medium has failed for good: no write is acknowledged until the region is opened again.
    public boolean hasFailed() {
        return persistence.hasFailed() || journal.hasFailed();
    }

    /// Whether a range lies inside, whatever the two numbers are.
    public boolean covers(long offset, long length) {
        return offset >= 0 && length >= 0 && length <= sizeBytes() - offset;
    }

    private void requireCovered(long offset, long length) {
        if (!covers(offset, length)) {
            throw new IndexOutOfBoundsException(offset + "+" + length + " of " + sizeBytes());
        }
    }

    /// A view of a range, without a copy: what is put into it is in the region, though not yet durable. The
    /// view lives as long as the region is open.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public ByteBuffer view(long offset, int length) {
        return data.asSlice(offset, length).asByteBuffer();
    }

    /// A buffer that has all of a range, from index [#inWindow] on, in the region itself as with [#view]. It is
    /// everybody's: nobody may move its position or limit.
    ///
    /// @param length at most [#MAX_WINDOW_RANGE_BYTES]
    /// @throws IndexOutOfBoundsException when the range is not inside the region, or too long
    public ByteBuffer window(long offset, int length) {
        if (!covers(offset, length) || length > MAX_WINDOW_RANGE_BYTES) {
            throw new IndexOutOfBoundsException(offset + "+" + length + " of " + sizeBytes());
        }
        return windows[(int) (Math.min(offset, sizeBytes() - 1) / WINDOW_BYTES)];
    }

    /// Where a range begins in its [#window].
    public static int inWindow(long offset) {
        return (int) (offset % WINDOW_BYTES);
    }

    /// Whether every page of a range can be reached. Ask before a view goes to a socket, where a failed page
    /// would end the connection instead of the command. Loads pages that are not in memory.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean readable(long offset, long length) {
        requireCovered(offset, length);
        try {
            long last = length - Math.min(length, TOUCH_BYTES);
            for (long at = 0; at < last; at += PAGE_BYTES) {
                MemorySegment.copy(data, offset + at, TOUCHED, 0, TOUCH_BYTES);
            }
            MemorySegment.copy(data, offset + last, TOUCHED, 0, length - last);
            awaitFault();
            return true;
        } catch (InternalError poisoned) {
            return false;
        }
    }

    /// Copies what remains of a buffer into the region; the buffer's position moves to its limit. Returns false
    /// when the medium failed.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean write(long offset, ByteBuffer source) {
        boolean good = write(offset, source, source.position(), source.remaining());
        if (good) {
            source.position(source.limit());
        }
        return good;
    }

    /// Copies a range of a buffer into the region, at most [#MAX_WINDOW_RANGE_BYTES]; the buffer's position stays.
    /// Returns false when the medium failed.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean write(long offset, ByteBuffer source, int sourceAt, int length) {
        boolean entered = gate.enter();
        try {
            window(offset, length).put(inWindow(offset), source, sourceAt, length);
            awaitFault();
            return true;
        } catch (InternalError poisoned) {
            return false;
        } finally {
            if (entered) {
                gate.leave();
            }
        }
    }

    /// What stores go through; who stores into a [#view] or [#window] has to do so too.
    public StoreGate gate() {
        return gate;
    }

    /// Writes what remains of a buffer so that a crash leaves all of it or nothing, and tells the waiter when
    /// it is durable: before this returns, or later from another thread. The bytes stay as they are until then.
    /// Who must see no part of it claims the [#gate].
    ///
    /// @param source 1 to [Journal#MAX_BYTES]
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public void writeAtomic(long offset, ByteBuffer source, Persistence.Waiter waiter) {
        writeAtomic(offset, source, this::storeUndisturbed, waiter);
    }

    /// As above, with the bytes put in their place by somebody else, who may be interrupted there: opening the
    /// region does it again.
    public void writeAtomic(long offset, ByteBuffer source, Journal.Store inPlace, Persistence.Waiter waiter) {
        requireCovered(offset, source.remaining());
        journal.write(offset, source, inPlace, persistence, waiter);
    }

    private boolean storeUndisturbed(long offset, ByteBuffer bytes) {
        var stored = new boolean[1];
        gate.undisturbed(() -> stored[0] = write(offset, bytes, bytes.position(), bytes.remaining()));
        return stored[0];
    }

    /// Fills a range with one pattern again and again. Returns false when the medium failed.
    ///
    /// @param length a multiple of the pattern's
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean fill(long offset, long length, ByteBuffer pattern) {
        var range = data.asSlice(offset, length);
        boolean entered = gate.enter();
        try {
            long done = Math.min(length, pattern.remaining());
            MemorySegment.copy(MemorySegment.ofBuffer(pattern), 0, range, 0, done);
            while (done < length) {
                long more = Math.min(done, length - done);
                MemorySegment.copy(range, 0, range, done, more);
                done += more;
            }
            awaitFault();
            return true;
        } catch (InternalError poisoned) {
            return false;
        } finally {
            if (entered) {
                gate.leave();
            }
        }
    }

    /// Whether a range reads as zeros. Ask [#readable] first.
    ///
    /// @param length at most a page
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean isZero(long offset, int length) {
        return data.asSlice(offset, length).mismatch(ZEROS.asSlice(0, length)) < 0;
    }

    /// Raises the fault of an access before it here and nowhere later. The virtual machine raises it at the next
    /// place where it looks for one, and in hot code the next such place may lie behind the caller's `catch`; the
    /// end of a round of a loop that cannot be unrolled is one.
    private static void awaitFault() {
        int round = 0;
        while (round < faultRounds) {
            round++;
        }
    }

    /// Makes a range durable and tells the waiter, exactly once: before this returns, or later from another
    /// thread. Nothing undoes then what was stored there before.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public void persist(long offset, long length, Persistence.Waiter waiter) {
        requireCovered(offset, length);
        if (journal.isUnderWay(offset, length)) {
            journal.whenOver(() -> persist(offset, length, waiter));
        } else if (journal.hasFailed()) {
            waiter.persisted(false);
        } else {
            persistence.persist(offset, length, waiter);
        }
    }

    /// Makes durable what was asked for and lets go of the file. Nothing may use the region or its views from
    /// here on.
    @Override
    public void close() {
        journal.close();
        memo.close();
        persistence.close();
        unmap.run();
    }
}
