package pnfs.ds.region;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// Makes a write of many bytes all or nothing over a crash: what is to be written is made durable here first,
/// then put where it belongs and made durable there, and then forgotten here. A crash before the first of these
/// leaves the old bytes; one after it has the rest done again when the region is opened.
///
/// ```
/// journal := offset length crc32c pad bytes    in the region's file, behind the data
///   at 0    offset   u64   where the bytes belong, from the start of the region's data
///   at 8    length   u32   of the bytes, at most [#MAX_BYTES]; 0 when there is nothing to be done again
///   at 12   crc32c   u32   over offset, length and bytes
///   at 4096 bytes
/// ```
/// All integers big-endian. A new region has zeros here.
///
/// The answer to a write waits until it is forgotten, durably: a plain write to the same bytes that is
/// acknowledged later must not be undone by doing this one again. And a plain write that meets one that is
/// under way waits for that ([Region#persist]): it may have been stored over it. One write is under way at a
/// time, the others wait in their order; how many may wait is for those to limit who ask.
///
/// Safe for use by many threads; waiters are told on any.
public final class Journal {
    /// The longest write.
    public static final int MAX_BYTES = 1 << 20;

    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int OFFSET_AT = 0;
    private static final int LENGTH_AT = 8;
    private static final int CHECKSUM_AT = 12;
    private static final int HEAD_BYTES = 16;
    private static final int BYTES_AT = 4096;

    /// Null where nothing outlasts the process: there is nothing to be remembered.
    private final @Nullable MemorySegment record;

    private final Persistence persistence;

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final ArrayDeque<Write> waiting = new ArrayDeque<>();
    private final List<Runnable> behind = new ArrayList<>();
    private boolean starting;
    /// Set with the lock held.
    private volatile @Nullable Write underWay;

    /// Puts bytes where they belong. False when the medium failed.
    @FunctionalInterface
    public interface Store {
        boolean put(long offset, ByteBuffer bytes);
    }

    private record Write(
            long offset, ByteBuffer bytes, Store store, Persistence afterwards, Persistence.Waiter waiter) {
        boolean meets(long from, long length) {
            return from < offset + bytes.remaining() && offset < from + length;
        }
    }

    /// @param record [RegionHeader#JOURNAL_BYTES] long, of a region that has been [#replay]ed
    /// @param persistence of the record alone
    Journal(MemorySegment record, Persistence persistence) {
        if (record.byteSize() != RegionHeader.JOURNAL_BYTES) {
            throw new IllegalArgumentException("journal of " + record.byteSize() + " bytes");
        }
        this.record = record;
        this.persistence = persistence;
    }

    private Journal() {
        this.record = null;
        this.persistence = InlinePersistence.none();
    }

    /// One that lasts as long as the process: it only puts one write after the other.
    static Journal volatileJournal() {
        return new Journal();
    }

    /// Does again what a crash has interrupted. Where there is nothing, that is made durable: a killed run may
    /// have forgotten a write in memory only, and what is written to its place from here on must not be undone.
    ///
    /// @return whether there was anything
    static boolean replay(
            MemorySegment record, MemorySegment data, Persistence.Force ofRecord, Persistence.Force ofData) {
        int length = record.get(U32, LENGTH_AT);
        boolean interrupted =
                length > 0 && length <= MAX_BYTES && record.get(U32, CHECKSUM_AT) == checksum(record, length);
        if (interrupted) {
            long offset = record.get(U64, OFFSET_AT);
            MemorySegment.copy(record, BYTES_AT, data, offset, length);
            ofData.force(offset, length);
        }
        forget(record);
        ofRecord.force(0, HEAD_BYTES);
        return interrupted;
    }

    /// Writes all of the bytes or none, and tells the waiter when they are durable where they belong.
    ///
    /// @param bytes at most [#MAX_BYTES] from position to limit, and as they are until the waiter is told
    /// @param afterwards of where they belong
    void write(long offset, ByteBuffer bytes, Store store, Persistence afterwards, Persistence.Waiter waiter) {
        if (!bytes.hasRemaining() || bytes.remaining() > MAX_BYTES) {
            throw new IllegalArgumentException("atomic write of " + bytes.remaining() + " bytes");
        }
        lock.lock();
        try {
            waiting.addLast(new Write(offset, bytes, store, afterwards, waiter));
        } finally {
            lock.unlock();
        }
        startNext();
    }

    /// Whether a write that is under way lies over this range: it could be done again over what was stored there
    /// meanwhile. For who has stored there, since a write that begins later is stored later. A volatile read where
    /// there is none.
    boolean isUnderWay(long offset, long length) {
        Write write = underWay;
        return write != null && record != null && write.meets(offset, length);
    }

    /// Runs `then` when the write that is under way is over: forgotten, or the medium has failed.
    void whenOver(Runnable then) {
        lock.lock();
        try {
            if (underWay != null) {
                behind.add(then);
                return;
            }
        } finally {
            lock.unlock();
        }
        then.run();
    }

    /// Starts writes until one does not end at once. Not by itself again: with a medium that needs no waiting
    /// each would stand on the stack of the one before it.
    private void startNext() {
        boolean first = true;
        while (true) {
            Write next;
            lock.lock();
            try {
                if (first && starting) {
                    return;
                }
                first = false;
                next = underWay == null ? waiting.pollFirst() : null;
                starting = next != null;
                if (next == null) {
                    return;
                }
                underWay = next;
            } finally {
                lock.unlock();
            }
            remember(next);
        }
    }

    private void remember(Write write) {
        int length = write.bytes().remaining();
        if (record != null) {
            record.set(U64, OFFSET_AT, write.offset());
            record.set(U32, LENGTH_AT, length);
            MemorySegment.copy(MemorySegment.ofBuffer(write.bytes()), 0, record, BYTES_AT, length);
            record.set(U32, CHECKSUM_AT, checksum(record, length));
        }
        persistence.persist(0, BYTES_AT + (long) length, durable -> {
            if (durable) {
                store(write);
            } else {
                forgetAnd(write, false);
            }
        });
    }

    private void store(Write write) {
        boolean stored = write.store().put(write.offset(), write.bytes());
        write.afterwards()
                .persist(write.offset(), write.bytes().remaining(), durable -> forgetAnd(write, stored && durable));
    }

    private void forgetAnd(Write write, boolean good) {
        if (record != null) {
            forget(record);
        }
        persistence.persist(0, HEAD_BYTES, forgotten -> {
            over().forEach(Runnable::run);
            write.waiter().persisted(good && forgotten);
            startNext();
        });
    }

    /// Who was behind the write that was under way.
    private List<Runnable> over() {
        lock.lock();
        try {
            underWay = null;
            List<Runnable> all = List.copyOf(behind);
            behind.clear();
            return all;
        } finally {
            lock.unlock();
        }
    }

    private static void forget(MemorySegment record) {
        record.set(U64, LENGTH_AT, 0); // length and checksum
    }

    private static int checksum(MemorySegment record, int length) {
        var crc = new CRC32C();
        crc.update(record.asSlice(OFFSET_AT, CHECKSUM_AT).asByteBuffer());
        crc.update(record.asSlice(BYTES_AT, length).asByteBuffer());
        return (int) crc.getValue();
    }

    /// Whether the medium has failed. Then a write that was to be forgotten may be remembered after all, and done
    /// again over everything that is written to its place from here on.
    boolean hasFailed() {
        return persistence.hasFailed();
    }

    /// Makes durable what was asked for; nothing may be written from here on.
    void close() {
        persistence.close();
    }
}
