package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pnfs.layout.device.DeviceId;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;

/// Who may be registered where, in the store: a record before a client is told a reservation key for a volume,
/// until that key is fenced there or its client has gone in peace. Numbers are big-endian.
///
/// ```
/// key    FENCE, u64 reservation key, device[16]
/// value  u8 version = 2 | u8 state: 0 handed out, 1 being fenced, 2 the client's, for no volume yet (device 0)
///        | u64 client id | u32 keys that the client had before this one
/// ```
public final class FenceRecords {
    private static final byte VERSION = 2;
    private static final int VALUE_BYTES = 2 + Long.BYTES + Integer.BYTES;
    private static final DeviceId NO_DEVICE = new DeviceId(0, 0, 0);
    /// No client has this id: keys of this server itself, and of clients that are not known any more.
    static final long NOBODY = 0;
    private static final int KEY_BYTES = 1 + Long.BYTES + DeviceId.BYTES;

    enum State {
        HANDED_OUT,
        BEING_FENCED,
        OWNED
    }

    /// One record.
    ///
    /// @param earlier keys that the client had before this one
    record FenceRecord(long key, DeviceId device, State state, long clientId, int earlier) {
        /// The key that a client got in place of one that is fenced.
        static FenceRecord owned(long key, long clientId, int earlier) {
            return new FenceRecord(key, NO_DEVICE, State.OWNED, clientId, earlier);
        }
    }

    private FenceRecords() {}

    static void put(Batch batch, FenceRecord record) {
        byte state = switch (record.state()) {
            case HANDED_OUT -> 0;
            case BEING_FENCED -> 1;
            case OWNED -> 2;
        };
        byte[] value = ByteBuffer.allocate(VALUE_BYTES)
                .put(VERSION)
                .put(state)
                .putLong(record.clientId())
                .putInt(record.earlier())
                .array();
        batch.put(keyOf(record.key(), record.device()), value);
    }

    static void delete(Batch batch, long key, DeviceId device) {
        batch.delete(keyOf(key, device));
    }

    /// @throws CorruptStoreException when a record is not what [#put] makes
    static List<FenceRecord> readAll(MetadataStore store) {
        var all = new ArrayList<FenceRecord>();
        store.scan(Keys.FENCE.first(), Keys.FENCE.end(), (key, value) -> all.add(read(key, value)));
        return all;
    }

    static void deleteOwned(Batch batch, long key) {
        delete(batch, key, NO_DEVICE);
    }

    /// The volume that a record is about; empty where it is about none.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static Optional<DeviceId> volumeOf(byte[] key, byte[] value) {
        FenceRecord record = read(key, value);
        return record.state() == State.OWNED ? Optional.empty() : Optional.of(record.device());
    }

    /// Whether it cannot be read, and still tells which key may be registered where.
    public static boolean isMendable(byte[] key, byte[] value) {
        try {
            read(key, value);
            return false;
        } catch (CorruptStoreException _) {
            return key.length == KEY_BYTES;
        }
    }

    /// The key is to be fenced, whosever it is.
    ///
    /// @param key of a record that [#isMendable]
    public static void putUnknown(Batch batch, byte[] key) {
        var device = new byte[DeviceId.BYTES];
        ByteBuffer.wrap(key).get(1 + Long.BYTES, device);
        DeviceId volume = DeviceId.of(device);
        if (!volume.equals(NO_DEVICE)) {
            put(batch, new FenceRecord(Keys.number(key), volume, State.BEING_FENCED, NOBODY, 0));
        }
    }

    private static FenceRecord read(byte[] key, byte[] value) {
        if (key.length != KEY_BYTES || value.length != VALUE_BYTES || value[0] != VERSION) {
            throw new CorruptStoreException("fence record of " + key.length + " and " + value.length
                    + " bytes, version " + (value.length == 0 ? "none" : value[0]));
        }
        var device = new byte[DeviceId.BYTES];
        ByteBuffer.wrap(key).get(1 + Long.BYTES, device);
        State state = switch (value[1]) {
            case 0 -> State.HANDED_OUT;
            case 1 -> State.BEING_FENCED;
            case 2 -> State.OWNED;
            default -> throw new CorruptStoreException("fence record in state " + value[1]);
        };
        ByteBuffer in = ByteBuffer.wrap(value, 2, VALUE_BYTES - 2);
        return new FenceRecord(Keys.number(key), DeviceId.of(device), state, in.getLong(), in.getInt());
    }

    private static byte[] keyOf(long key, DeviceId device) {
        return Keys.FENCE.of(key, device.bytes());
    }
}
