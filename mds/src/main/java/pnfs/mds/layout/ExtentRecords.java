package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentChange;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.space.SpaceChange;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;

/// How extents and free space lie in the store. Numbers are big-endian; u63 is a u64 below 2^63; all offsets
/// and lengths are bytes and whole blocks of 4096.
///
/// ```
/// key   = EXTENT inode:u63 offset:u63            an extent of a file, by where it starts in the file
/// value = version:u8=1 state:u8 device:u8[16] length:u63 volumeOffset:u63
/// state = pnfs_block_extent_state4 (RFC 5663 §2.3): 0 READ_WRITE_DATA, 2 INVALID_DATA
///
/// key   = SPACE device:u8[16] offset:u63         a free range of a volume, by where it starts
/// value = version:u8=1 length:u63
///
/// key   = SPACE device:u8[16]                    the volume has been formatted: what is not free is used
/// value = version:u8=1 capacity:u63
/// ```
///
/// Extents of a file do not overlap, nor do free ranges of a volume. A value ends where its grammar ends. Anything
/// else is damage: [CorruptStoreException].
public final class ExtentRecords {
    private static final byte VERSION = 1;
    private static final int EXTENT_BYTES = 2 + DeviceId.BYTES + 2 * Long.BYTES;
    private static final int NUMBER_BYTES = 1 + Long.BYTES;
    private static final int EXTENT_OFFSET_AT = 1 + Long.BYTES;
    private static final int SPACE_OFFSET_AT = 1 + DeviceId.BYTES;

    private ExtentRecords() {}

    /// Adds what became of the extents of `inode`.
    public static void addExtents(Batch batch, long inode, List<ExtentChange> changes) {
        for (ExtentChange change : changes) {
            byte[] key = Keys.EXTENT.of(inode, change.offset());
            switch (change) {
                case ExtentChange.Put put -> batch.put(key, write(put.extent()));
                case ExtentChange.Delete _ -> batch.delete(key);
            }
        }
    }

    /// Adds what became of free space.
    static void addSpace(Batch batch, List<SpaceChange> changes) {
        for (SpaceChange change : changes) {
            byte[] key = keyOf(change.volume(), change.offset());
            switch (change) {
                case SpaceChange.Put put -> batch.put(key, write(put.free().length()));
                case SpaceChange.Delete _ -> batch.delete(key);
            }
        }
    }

    /// A file's extents, and the youngest ticket that they depend on.
    record Loaded(ExtentMap extents, long ticket) {}

    static Loaded readExtents(MetadataStore store, long inode) {
        byte[] start = Keys.EXTENT.of(inode);
        var stored = new ArrayList<Extent>();
        long ticket = store.scan(start, Keys.after(start), (key, value) -> stored.add(read(inode, key, value)));
        try {
            return new Loaded(ExtentMap.restore(stored), ticket);
        } catch (IllegalArgumentException e) {
            throw new CorruptStoreException("extents of inode " + inode + ": " + e.getMessage(), e);
        }
    }

    /// Notes that `volume` is formatted.
    public static void addFormatted(Batch batch, Volume volume) {
        batch.put(Keys.SPACE.of(volume.id().bytes()), write(volume.capacity()));
    }

    /// Removes all that is known of the space of `volume`.
    static void addForgotten(Batch batch, MetadataStore store, Volume volume) {
        byte[] start = Keys.SPACE.of(volume.id().bytes());
        store.scan(start, Keys.after(start), (key, value) -> {
            batch.delete(key);
            return true;
        });
    }

    /// The free ranges of a volume; empty where it was never formatted.
    static Optional<List<ByteRange>> readFree(MetadataStore store, Volume volume) {
        byte[] start = Keys.SPACE.of(volume.id().bytes());
        byte[] formatted = store.get(start).value();
        if (formatted == null) {
            return Optional.empty();
        }
        checkFormatted(volume, formatted);
        var free = new ArrayList<ByteRange>();
        store.scan(start, Keys.after(start), (key, value) -> {
            if (key.length > SPACE_OFFSET_AT) {
                free.add(readFree(key, value));
            }
            return true;
        });
        return Optional.of(free);
    }

    /// A volume has the capacity that it was formatted with.
    ///
    /// @param formatted the record that says that `volume` is
    /// @throws CorruptStoreException when it says something else
    public static void checkFormatted(Volume volume, byte[] formatted) {
        long capacity = readNumber(formatted, "size of volume " + volume.id());
        if (capacity != volume.capacity()) {
            throw new CorruptStoreException("volume " + volume.id() + " has " + volume.capacity()
                    + " bytes and was formatted with " + capacity);
        }
    }

    /// A free range of a volume, from its record.
    public static ByteRange readFree(byte[] key, byte[] value) {
        if (key.length != SPACE_OFFSET_AT + Long.BYTES) {
            throw new CorruptStoreException("a free range's key has " + key.length + " bytes");
        }
        long offset = ByteBuffer.wrap(key).getLong(SPACE_OFFSET_AT);
        try {
            return rangeOf(offset, readNumber(value, "a free range"));
        } catch (IllegalArgumentException e) {
            throw new CorruptStoreException("free range at " + offset + ": " + e.getMessage(), e);
        }
    }

    /// Makes `now` the free ranges of a volume, which were `before`.
    public static void addFree(Batch batch, Volume volume, List<ByteRange> before, List<ByteRange> now) {
        before.forEach(range -> batch.delete(keyOf(volume.id(), range.offset())));
        now.forEach(range -> batch.put(keyOf(volume.id(), range.offset()), write(range.length())));
    }

    private static byte[] keyOf(DeviceId volume, long offset) {
        return Keys.SPACE.of(ByteBuffer.allocate(DeviceId.BYTES + Long.BYTES)
                .put(volume.bytes())
                .putLong(offset)
                .array());
    }

    private static byte[] write(Extent extent) {
        return ByteBuffer.allocate(EXTENT_BYTES)
                .put(VERSION)
                .put((byte) extent.state().wire())
                .put(extent.device().bytes())
                .putLong(extent.file().length())
                .putLong(extent.volumeOffset())
                .array();
    }

    /// An extent of a file, from its record.
    public static Extent read(long inode, byte[] key, byte[] value) {
        if (key.length != EXTENT_OFFSET_AT + Long.BYTES) {
            throw new CorruptStoreException("extent of inode " + inode + ": a key of " + key.length + " bytes");
        }
        long offset = ByteBuffer.wrap(key).getLong(EXTENT_OFFSET_AT);
        try {
            return read(offset, value);
        } catch (IllegalArgumentException e) {
            throw new CorruptStoreException("extent at " + offset + " of inode " + inode + ": " + e.getMessage(), e);
        }
    }

    private static Extent read(long offset, byte[] value) {
        if (value.length != EXTENT_BYTES || value[0] != VERSION) {
            throw new IllegalArgumentException(
                    value.length + " bytes of version " + (value.length == 0 ? "none" : value[0]));
        }
        var in = ByteBuffer.wrap(value, 1, EXTENT_BYTES - 1);
        ExtentState state = readState(in.get());
        var device = new byte[DeviceId.BYTES];
        in.get(device);
        return new Extent(DeviceId.of(device), rangeOf(offset, in.getLong()), in.getLong(), state);
    }

    private static ExtentState readState(byte wire) {
        if (wire == ExtentState.READ_WRITE_DATA.wire()) {
            return ExtentState.READ_WRITE_DATA;
        }
        if (wire == ExtentState.INVALID_DATA.wire()) {
            return ExtentState.INVALID_DATA;
        }
        throw new IllegalArgumentException("state " + wire);
    }

    private static ByteRange rangeOf(long offset, long length) {
        if (offset < 0 || length <= 0 || length > Long.MAX_VALUE - offset) {
            throw new IllegalArgumentException("offset " + offset + ", length " + length);
        }
        return ByteRange.ofLength(offset, length);
    }

    private static byte[] write(long number) {
        return ByteBuffer.allocate(NUMBER_BYTES).put(VERSION).putLong(number).array();
    }

    private static long readNumber(byte[] value, String what) {
        if (value.length != NUMBER_BYTES || value[0] != VERSION) {
            throw new CorruptStoreException(
                    what + ": " + value.length + " bytes of version " + (value.length == 0 ? "none" : value[0]));
        }
        return ByteBuffer.wrap(value, 1, Long.BYTES).getLong();
    }
}
