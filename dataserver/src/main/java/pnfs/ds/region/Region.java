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
/// same bytes: a reader may see part of a concurrent write, as SCSI allows (SBC-3 §4.2). [#persist] orders the
/// caller's own stores before the force; stores that another thread made must happen-before the call.
///
/// **Failure.** A failed page (an uncorrectable memory error, a file cut off under us) shows as an
/// [InternalError] from the access. [#write] and [#readable] turn that into `false`, which becomes a medium
/// error; they touch memory in bulk because only bulk accesses raise it where it happens rather than a little
/// later. A failed force is final for the region until it is opened again: [Flusher] says why. Power loss may
/// leave any mix of old and new words in a range that was being written and was not yet acknowledged.
///
/// **Not here.** Blocks, identity and engines ([pnfs.ds.volume]); who may write ([pnfs.ds.scsi] and the
/// reservations); atomic sectors (an engine above); the file format ([RegionHeader]) and how a file becomes a
/// region ([RegionFile]).
public final class Region implements AutoCloseable {
    private static final int PAGE_BYTES = 4096;
    private static final int TOUCH_BYTES = 128;
    /// Where touched bytes go. Many threads write it and nobody reads it.
    private static final MemorySegment TOUCHED = Arena.global().allocate(TOUCH_BYTES);

    private final RegionHeader header;
    private final MemorySegment data;
    private final Persistence persistence;
    private final Memo memo;
    private final Runnable unmap;

    /// A region over memory that somebody else mapped.
    ///
    /// @param data as long as the header says
    /// @param memo is closed with the region
    /// @param unmap runs last in [#close]
    public Region(RegionHeader header, MemorySegment data, Persistence persistence, Memo memo, Runnable unmap) {
        if (data.byteSize() != header.sizeBytes()) {
            throw new IllegalArgumentException(
                    "mapping of " + data.byteSize() + " bytes for a region of " + header.sizeBytes());
        }
        this.header = header;
        this.data = data;
        this.persistence = persistence;
        this.memo = memo;
        this.unmap = unmap;
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
        return persistence.hasFailed();
    }

    /// Whether a range lies inside, whatever the two numbers are.
    public boolean covers(long offset, long length) {
        return offset >= 0 && length >= 0 && length <= sizeBytes() - offset;
    }

    /// A view of a range, without a copy: what is put into it is in the region, though not yet durable. The
    /// view lives as long as the region is open.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public ByteBuffer view(long offset, int length) {
        return data.asSlice(offset, length).asByteBuffer();
    }

    /// Whether every page of a range can be reached. Ask before a view goes to a socket, where a failed page
    /// would end the connection instead of the command. Loads pages that are not in memory.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public boolean readable(long offset, long length) {
        var range = data.asSlice(offset, length);
        try {
            long last = length - Math.min(length, TOUCH_BYTES);
            for (long at = 0; at < last; at += PAGE_BYTES) {
                MemorySegment.copy(range, at, TOUCHED, 0, TOUCH_BYTES);
            }
            MemorySegment.copy(range, last, TOUCHED, 0, length - last);
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
        int length = source.remaining();
        try {
            MemorySegment.copy(MemorySegment.ofBuffer(source), 0, data, offset, length);
        } catch (InternalError poisoned) {
            return false;
        }
        source.position(source.limit());
        return true;
    }

    /// Makes a range durable and tells the waiter, exactly once: before this returns, or later from another
    /// thread.
    ///
    /// @throws IndexOutOfBoundsException when the range is not inside the region
    public void persist(long offset, long length, Persistence.Waiter waiter) {
        if (!covers(offset, length)) {
            throw new IndexOutOfBoundsException(offset + "+" + length + " of " + sizeBytes());
        }
        persistence.persist(offset, length, waiter);
    }

    /// Makes durable what was asked for and lets go of the file. Nothing may use the region or its views from
    /// here on.
    @Override
    public void close() {
        memo.close();
        persistence.close();
        unmap.run();
    }
}
