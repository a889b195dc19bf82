package pnfs.mds.lock;

import java.nio.ByteBuffer;
import pnfs.mds.lock.ByteRangeLocks.Held;
import pnfs.mds.lock.ByteRangeLocks.Kind;
import pnfs.mds.open.StateRecords;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// Byte-range locks in the store. The record of a lock stateid begins as [StateRecords] says, and goes on:
///
/// ```
/// u64 number of the open it is under | opaque<1024> owner
/// ```
///
/// What an owner locks belongs to all its stateids of the file, and is recorded under the first of them.
/// Numbers are big-endian.
///
/// ```
/// key    RANGE, inode:u63 number:u64 offset:u63
/// value  version:u8=1 kind:u8 end:u63                       kind 0 READ, 1 WRITE
/// ```
public final class LockRecords {
    private static final byte VERSION = 1;
    private static final int KEY_BYTES = 1 + 3 * Long.BYTES;
    private static final int VALUE_BYTES = 2 + Long.BYTES;
    private static final byte READ = 0;
    private static final byte WRITE = 1;

    /// A lock stateid.
    ///
    /// @param open the number of the open it is under
    public record Recorded(StateRecords.Facts facts, long open, Opaque owner) {}

    /// A locked range.
    ///
    /// @param number of the stateid it is recorded under
    record RecordedRange(long inode, long number, FileRange range, Kind kind) {}

    private LockRecords() {}

    static void put(Batch batch, LockState lock) {
        XdrWriter out = StateRecords.begin(lock);
        out.writeUint64(lock.open().number());
        out.writeOpaque(lock.owner().owner());
        batch.put(StateRecords.key(Keys.LOCK, lock), out.toByteArray());
    }

    static void delete(Batch batch, LockState lock) {
        batch.delete(StateRecords.key(Keys.LOCK, lock));
    }

    /// What the record of a lock stateid says.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static Recorded read(byte[] key, byte[] value) {
        return StateRecords.read(
                key, value, (facts, in) -> new Recorded(facts, in.readUint64(), in.readOpaque(Nfs4Limits.OWNER_BYTES)));
    }

    static void put(Batch batch, long inode, long number, Held<?> held) {
        byte[] value = ByteBuffer.allocate(VALUE_BYTES)
                .put(VERSION)
                .put(held.kind() == Kind.WRITE ? WRITE : READ)
                .putLong(held.range().end())
                .array();
        batch.put(rangeKey(inode, number, held), value);
    }

    static void delete(Batch batch, long inode, long number, Held<?> held) {
        batch.delete(rangeKey(inode, number, held));
    }

    private static byte[] rangeKey(long inode, long number, Held<?> held) {
        byte[] rest = ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(number)
                .putLong(held.range().offset())
                .array();
        return Keys.RANGE.of(inode, rest);
    }

    /// @throws CorruptStoreException when the record is not what [#put] makes
    static RecordedRange readRange(byte[] key, byte[] value) {
        if (key.length != KEY_BYTES
                || value.length != VALUE_BYTES
                || value[0] != VERSION
                || value[1] < READ
                || value[1] > WRITE) {
            throw new CorruptStoreException("locked range with a key of " + key.length + " and " + value.length
                    + " bytes of version " + (value.length == 0 ? "none" : value[0]));
        }
        var at = ByteBuffer.wrap(key, 1, key.length - 1);
        long inode = at.getLong();
        long number = at.getLong();
        long offset = at.getLong();
        long end = ByteBuffer.wrap(value).getLong(2);
        if (offset < 0 || end <= offset) {
            throw new CorruptStoreException("locked range from " + offset + " to " + end + " of inode " + inode);
        }
        return new RecordedRange(inode, number, new FileRange(offset, end), value[1] == WRITE ? Kind.WRITE : Kind.READ);
    }

    /// The number of the lock stateid that a range is recorded under.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static long stateOfRange(byte[] key, byte[] value) {
        return readRange(key, value).number();
    }
}
