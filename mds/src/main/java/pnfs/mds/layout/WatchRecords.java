package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import pnfs.layout.device.DeviceId;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DeviceNotice;
import pnfs.wire.nfs4.LayoutType;
import pnfs.wire.nfs4.NfsException;

/// How it lies in the store who wants to hear of a device. Numbers are big-endian.
///
/// ```
/// key    WATCH, u64 client id, device[16]: the volume
/// value  u8 version = 1 | device[16] by which the client knows the volume | u32 layout type
///        | u8 what it wants to hear of: 1 change, 2 deletion, 3 both
///        | u32 where the volume was when the client asked
/// ```
///
/// Anything else is damage: [CorruptStoreException].
public final class WatchRecords {
    private static final byte VERSION = 1;
    private static final int CHANGE = 1;
    private static final int DELETE = 2;
    private static final int KEY_BYTES = 1 + Long.BYTES + DeviceId.BYTES;
    private static final int VALUE_BYTES = 1 + DeviceId.BYTES + Integer.BYTES + 1 + Integer.BYTES;

    /// One record.
    ///
    /// @param id by which the client knows the volume
    /// @param wanted of [DeviceNotice#CHANGE] and [DeviceNotice#DELETE], one at least
    /// @param place where the volume was when the client asked, as [DeviceWatch.Places] tells it
    public record WatchRecord(long clientId, DeviceId volume, DeviceId id, LayoutType type, Bitmap wanted, int place) {}

    private WatchRecords() {}

    static void put(Batch batch, WatchRecord record) {
        int wanted = (record.wanted().intersects(DeviceNotice.CHANGE) ? CHANGE : 0)
                | (record.wanted().intersects(DeviceNotice.DELETE) ? DELETE : 0);
        batch.put(
                keyOf(record.clientId(), record.volume()),
                ByteBuffer.allocate(VALUE_BYTES)
                        .put(VERSION)
                        .put(record.id().bytes())
                        .putInt(record.type().wire())
                        .put((byte) wanted)
                        .putInt(record.place())
                        .array());
    }

    static void delete(Batch batch, long clientId, DeviceId volume) {
        batch.delete(keyOf(clientId, volume));
    }

    /// @throws CorruptStoreException when a record is not what [#put] makes
    static List<WatchRecord> readAll(MetadataStore store) {
        var all = new ArrayList<WatchRecord>();
        store.scan(Keys.WATCH.first(), Keys.WATCH.end(), (key, value) -> all.add(read(key, value)));
        return all;
    }

    /// One record.
    ///
    /// @throws CorruptStoreException when it is not what [#put] makes
    public static WatchRecord read(byte[] key, byte[] value) {
        if (key.length != KEY_BYTES || value.length != VALUE_BYTES || value[0] != VERSION) {
            throw new CorruptStoreException("watch record of " + key.length + " and " + value.length
                    + " bytes, version " + (value.length == 0 ? "none" : value[0]));
        }
        var name = ByteBuffer.wrap(key, 1, KEY_BYTES - 1);
        var in = ByteBuffer.wrap(value, 1, VALUE_BYTES - 1);
        try {
            return new WatchRecord(
                    name.getLong(),
                    readDevice(name),
                    readDevice(in),
                    LayoutType.fromWire(in.getInt()),
                    readWanted(in.get()),
                    in.getInt());
        } catch (NfsException | IllegalArgumentException e) {
            throw new CorruptStoreException(
                    "watch record of client " + Long.toHexString(Keys.number(key)) + ": " + e.getMessage(), e);
        }
    }

    private static Bitmap readWanted(byte wanted) {
        return switch (wanted) {
            case CHANGE -> DeviceNotice.CHANGE;
            case DELETE -> DeviceNotice.DELETE;
            case CHANGE | DELETE -> DeviceNotice.CHANGE.or(DeviceNotice.DELETE);
            default -> throw new IllegalArgumentException("wants to hear of " + wanted);
        };
    }

    private static DeviceId readDevice(ByteBuffer in) {
        var device = new byte[DeviceId.BYTES];
        in.get(device);
        return DeviceId.of(device);
    }

    private static byte[] keyOf(long clientId, DeviceId volume) {
        return Keys.WATCH.of(clientId, volume.bytes());
    }
}
