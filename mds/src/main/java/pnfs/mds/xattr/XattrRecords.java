package pnfs.mds.xattr;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.xdr.Opaque;

/// How extended attributes lie in the store: for each file that has some, one list of them, and each value by
/// itself. Numbers are big-endian; u63 is a u64 below 2^63.
///
/// ```
/// key   = XATTR inode:u63
/// value = version:u8=1 nextCookie:u63 item*
/// item  = cookie:u63 valueLength:u32≤65536 nameLength:u8≥1 name:u8[nameLength]    cookies ascend
///
/// key   = XATTR inode:u63 name:u8[1..255]
/// value = version:u8=1 value:u8[0..65536]
/// ```
///
/// For each item there is a value of its name and length, and the reverse. Anything else is damage:
/// [CorruptStoreException].
public final class XattrRecords {
    private static final byte VERSION = 1;
    private static final int HEAD_BYTES = 1 + Long.BYTES;
    private static final int ITEM_BYTES = Long.BYTES + Integer.BYTES + 1;

    private XattrRecords() {}

    public static byte[] indexKey(long inode) {
        return Keys.XATTR.of(inode);
    }

    public static byte[] writeIndex(XattrIndex index) {
        int bytes = HEAD_BYTES;
        for (XattrIndex.Item item : index.items()) {
            bytes += ITEM_BYTES + item.nameBytes();
        }
        var out = ByteBuffer.allocate(bytes).put(VERSION).putLong(index.nextCookie());
        for (XattrIndex.Item item : index.items()) {
            out.putLong(item.cookie())
                    .putInt(item.valueBytes())
                    .put((byte) item.nameBytes())
                    .put(bytes(item.name()));
        }
        return out.array();
    }

    public static XattrIndex readIndex(long inode, byte[] value) {
        String what = "extended attributes of inode " + Long.toHexString(inode);
        requireVersion(what, value, HEAD_BYTES);
        var in = ByteBuffer.wrap(value, 1, value.length - 1);
        long nextCookie = in.getLong();
        var items = new ArrayList<XattrIndex.Item>();
        long last = 0;
        while (in.hasRemaining()) {
            if (in.remaining() < ITEM_BYTES) {
                throw new CorruptStoreException(what + " end with " + in.remaining() + " bytes");
            }
            long cookie = in.getLong();
            int valueBytes = in.getInt();
            int nameBytes = Byte.toUnsignedInt(in.get());
            if (cookie <= last
                    || cookie >= nextCookie
                    || valueBytes < 0
                    || valueBytes > Nfs4Limits.XATTR_VALUE_BYTES
                    || nameBytes < 1
                    || nameBytes > in.remaining()) {
                throw new CorruptStoreException(
                        what + ": cookie " + cookie + ", " + valueBytes + " bytes, name of " + nameBytes);
            }
            last = cookie;
            var name = new byte[nameBytes];
            in.get(name);
            items.add(new XattrIndex.Item(new String(name, StandardCharsets.UTF_8), cookie, nameBytes, valueBytes));
        }
        return new XattrIndex(nextCookie, items);
    }

    static byte[] valueKey(long inode, String name) {
        return Keys.XATTR.of(inode, bytes(name));
    }

    static byte[] writeValue(Opaque value) {
        return ByteBuffer.allocate(1 + value.length())
                .put(VERSION)
                .put(value.toByteArray())
                .array();
    }

    public static Opaque readValue(long inode, String name, byte[] value) {
        requireVersion("extended attribute '" + name + "' of inode " + Long.toHexString(inode), value, 1);
        return Opaque.of(Arrays.copyOfRange(value, 1, value.length));
    }

    static byte[] bytes(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private static void requireVersion(String what, byte[] value, int leastBytes) {
        if (value.length < leastBytes || value[0] != VERSION) {
            throw new CorruptStoreException(
                    what + ": " + value.length + " bytes, version " + (value.length > 0 ? value[0] : -1));
        }
    }
}
