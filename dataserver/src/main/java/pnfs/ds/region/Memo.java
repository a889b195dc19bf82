package pnfs.ds.region;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A few bytes that a region keeps beside its data, replaced as a whole: after a crash there are either the old
/// ones or the new ones. Control path; safe for use by many threads.
///
/// ```
/// memo  := slot slot                  in the region's file, at [RegionHeader#MEMO_OFFSET]
/// slot  := sequence length crc32c bytes pad
///   at 0   sequence  u64              counts what was kept, from 1; the valid slot with the greater one counts
///   at 8   length    u32              of the bytes, at most [#MAX_BYTES]
///   at 12  crc32c    u32              over sequence, length and bytes
///   at 16  bytes
/// ```
/// All integers big-endian. A region that has kept nothing yet has zeros here. What is kept goes into the slot
/// that does not count, so a torn write leaves the other one; and the next one begins only when this one is
/// durable. What a killed run left is made durable before anybody sees it: it counts, so the next one goes over
/// the one that was durable. Once the medium has failed nothing is kept: the other slot may be the last good
/// one.
public final class Memo implements AutoCloseable {
    /// The longest content.
    public static final int MAX_BYTES = RegionHeader.MEMO_SLOT_BYTES - 16;

    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int SEQUENCE_AT = 0;
    private static final int LENGTH_AT = 8;
    private static final int CHECKSUM_AT = 12;
    private static final int CONTENT_AT = 16;

    private final MemorySegment slots;
    private final Persistence persistence;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private long sequence;
    private boolean writing;
    private byte @Nullable [] next;
    private List<Persistence.Waiter> waiters = new ArrayList<>();

    /// The memo in memory that somebody else mapped.
    ///
    /// @param slots twice [RegionHeader#MEMO_SLOT_BYTES]
    /// @param found makes what is found there durable, now
    /// @param persistence of those bytes alone
    public Memo(MemorySegment slots, Persistence.Force found, Persistence persistence) {
        if (slots.byteSize() != RegionHeader.MEMO_BYTES) {
            throw new IllegalArgumentException("memo of " + slots.byteSize() + " bytes");
        }
        found.force(0, RegionHeader.MEMO_BYTES);
        this.slots = slots;
        this.persistence = persistence;
        this.sequence = Math.max(sequenceOf(slot(0)), sequenceOf(slot(1)));
    }

    /// One that lasts as long as the process.
    public static Memo volatileMemo() {
        var slots = MemorySegment.ofArray(new byte[RegionHeader.MEMO_BYTES]);
        return new Memo(slots, (offset, length) -> {}, InlinePersistence.none());
    }

    /// What was kept last before the region was opened, or since.
    public Optional<byte[]> content() {
        lock.lock();
        try {
            if (sequence == 0) {
                return Optional.empty();
            }
            MemorySegment slot = slot(sequence);
            return Optional.of(
                    slot.asSlice(CONTENT_AT, slot.get(U32, LENGTH_AT)).toArray(ValueLayout.JAVA_BYTE));
        } finally {
            lock.unlock();
        }
    }

    /// Replaces the content, and tells the waiter once that is durable: before this returns, or later from
    /// another thread. When others come meanwhile, the last one counts and serves them all.
    public void keep(byte[] bytes, Persistence.Waiter waiter) {
        if (bytes.length > MAX_BYTES) {
            throw new IllegalArgumentException("memo of " + bytes.length + " bytes, may have " + MAX_BYTES);
        }
        if (persistence.hasFailed()) {
            waiter.persisted(false);
            return;
        }
        lock.lock();
        try {
            next = bytes.clone();
            waiters.add(waiter);
            if (writing) {
                return;
            }
            writing = true;
        } finally {
            lock.unlock();
        }
        writeNext();
    }

    /// Puts down what is next; whoever has set `writing` calls it.
    private void writeNext() {
        long offset;
        long length;
        List<Persistence.Waiter> served;
        lock.lock();
        try {
            byte[] bytes = next;
            if (bytes == null) {
                writing = false;
                return;
            }
            next = null;
            served = waiters;
            waiters = new ArrayList<>();
            sequence++;
            put(slot(sequence), bytes);
            offset = slotOffset(sequence);
            length = CONTENT_AT + (long) bytes.length;
        } finally {
            lock.unlock();
        }
        persistence.persist(offset, length, durable -> {
            served.forEach(waiter -> waiter.persisted(durable));
            if (durable) {
                writeNext();
            } else {
                giveUp();
            }
        });
    }

    private void giveUp() {
        List<Persistence.Waiter> unserved;
        lock.lock();
        try {
            next = null;
            writing = false;
            unserved = waiters;
            waiters = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        unserved.forEach(waiter -> waiter.persisted(false));
    }

    private void put(MemorySegment slot, byte[] bytes) {
        slot.set(U64, SEQUENCE_AT, sequence);
        slot.set(U32, LENGTH_AT, bytes.length);
        MemorySegment.copy(bytes, 0, slot, ValueLayout.JAVA_BYTE, CONTENT_AT, bytes.length);
        slot.set(U32, CHECKSUM_AT, checksum(slot, bytes.length));
    }

    /// 0 for a slot that is damaged or was never written.
    private static long sequenceOf(MemorySegment slot) {
        int length = slot.get(U32, LENGTH_AT);
        boolean valid = length >= 0 && length <= MAX_BYTES && slot.get(U32, CHECKSUM_AT) == checksum(slot, length);
        return valid ? Math.max(slot.get(U64, SEQUENCE_AT), 0) : 0;
    }

    private static int checksum(MemorySegment slot, int length) {
        var crc = new CRC32C();
        crc.update(slot.asSlice(SEQUENCE_AT, CHECKSUM_AT).asByteBuffer());
        crc.update(slot.asSlice(CONTENT_AT, length).asByteBuffer());
        return (int) crc.getValue();
    }

    private static long slotOffset(long sequence) {
        return (sequence & 1) * RegionHeader.MEMO_SLOT_BYTES;
    }

    private MemorySegment slot(long sequence) {
        return slots.asSlice(slotOffset(sequence), RegionHeader.MEMO_SLOT_BYTES);
    }

    /// Makes durable what was asked for; nothing may be kept from here on.
    @Override
    public void close() {
        persistence.close();
    }
}
