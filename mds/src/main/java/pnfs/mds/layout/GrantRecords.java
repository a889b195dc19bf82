package pnfs.mds.layout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import pnfs.layout.extent.ByteRange;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;

/// What of a file a client was granted unwritten, in the store: who may commit it after a restart (LAYOUTCOMMIT
/// with `loca_reclaim`, RFC 8881 §18.42.3), and what nobody will commit any more. Numbers are big-endian.
///
/// ```
/// key    GRANT, inode:u63 client:u64
/// value  version:u8=1 (offset:u63 length:u63)*             whole blocks, ascending, apart
/// ```
public final class GrantRecords {
    private static final byte VERSION = 1;
    private static final int RANGE_BYTES = 2 * Long.BYTES;

    private GrantRecords() {}

    /// Notes what the client may commit now; nothing where `unwritten` is empty.
    static void put(Batch batch, long inode, long client, List<ByteRange> unwritten) {
        byte[] key = Keys.GRANT.of(inode, client);
        if (unwritten.isEmpty()) {
            batch.delete(key);
            return;
        }
        var value = ByteBuffer.allocate(1 + unwritten.size() * RANGE_BYTES).put(VERSION);
        unwritten.forEach(range -> value.putLong(range.offset()).putLong(range.length()));
        batch.put(key, value.array());
    }

    /// What one client may commit of a file, from its record.
    ///
    /// @throws CorruptStoreException when the record is not what [#put] makes
    public static List<ByteRange> read(long inode, byte[] value) {
        if (value.length % RANGE_BYTES != 1 || value[0] != VERSION) {
            throw damaged(inode, value.length + " bytes of version " + (value.length == 0 ? "none" : value[0]));
        }
        var in = ByteBuffer.wrap(value, 1, value.length - 1);
        var ranges = new ArrayList<ByteRange>();
        while (in.hasRemaining()) {
            long offset = in.getLong();
            long length = in.getLong();
            if (offset < 0 || length <= 0 || length > Long.MAX_VALUE - offset) {
                throw damaged(inode, "a range at " + offset + " of length " + length);
            }
            ranges.add(ByteRange.ofLength(offset, length));
        }
        return ranges;
    }

    /// What clients have to commit, by client and file.
    static Map<Long, Map<Long, List<ByteRange>>> readAll(MetadataStore store) {
        var all = new HashMap<Long, Map<Long, List<ByteRange>>>();
        store.scan(Keys.GRANT.first(), Keys.GRANT.end(), (key, value) -> {
            long inode = Keys.number(key);
            if (key.length != 1 + 2 * Long.BYTES) {
                throw damaged(inode, "a key of " + key.length + " bytes");
            }
            long client = Keys.secondNumber(key);
            all.computeIfAbsent(client, _ -> new TreeMap<>()).put(inode, read(inode, value));
            return true;
        });
        return all;
    }

    private static CorruptStoreException damaged(long inode, String how) {
        return new CorruptStoreException("grant on inode " + inode + ": " + how);
    }
}
