package pnfs.mds.namespace;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Nfs4Limits;

/// How the names of directories lie in the store: each entry twice, by its name for LOOKUP and by its cookie
/// for READDIR. Numbers are big-endian; u63 is a u64 below 2^63.
///
/// ```
/// key   = ENTRY directory:u63 name:u8[1..255]
/// value = version:u8=1 file:u63 generation:u64 cookie:u63≥3
///
/// key   = COOKIE directory:u63 cookie:u63≥3
/// value = version:u8=1 file:u63 generation:u64 name:u8[1..255]
///
/// key   = ORPHAN file:u63                      a file without a name whose space is still to be freed
/// value = version:u8=1
/// ```
///
/// For each ENTRY there is the COOKIE of the same directory, cookie, name and file, and the reverse. Anything
/// else is damage: [CorruptStoreException].
public final class DirectoryRecords {
    private static final byte VERSION = 1;
    private static final int HEAD_BYTES = 1 + 2 * Long.BYTES;
    private static final int COOKIE_KEY_BYTES = 1 + 2 * Long.BYTES;
    private static final byte[] ORPHAN = {VERSION};

    private DirectoryRecords() {}

    public static byte[] entryKey(long directory, String name) {
        return Keys.ENTRY.of(directory, name.getBytes(StandardCharsets.UTF_8));
    }

    public static byte[] writeEntry(Entry entry) {
        return head(entry.file(), Long.BYTES).putLong(entry.cookie()).array();
    }

    public static Entry readEntry(long directory, String name, byte[] value) {
        String what = "entry '" + name + "' of directory " + directory;
        if (value.length != HEAD_BYTES + Long.BYTES) {
            throw new CorruptStoreException(what + " has " + value.length + " bytes");
        }
        ByteBuffer in = afterVersion(what, value);
        return new Entry(name, readFile(what, in), requireCookie(what, in.getLong()));
    }

    public static byte[] cookieKey(long directory, long cookie) {
        return Keys.COOKIE.of(directory, cookie);
    }

    public static byte[] writeCookie(Entry entry) {
        byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
        return head(entry.file(), name.length).put(name).array();
    }

    public static Entry readCookie(byte[] key, byte[] value) {
        if (key.length != COOKIE_KEY_BYTES) {
            throw new CorruptStoreException("a cookie's key has " + key.length + " bytes");
        }
        var place = ByteBuffer.wrap(key, 1, 2 * Long.BYTES);
        long directory = place.getLong();
        long cookie = place.getLong();
        String what = "cookie " + cookie + " of directory " + directory;
        int nameBytes = value.length - HEAD_BYTES;
        if (nameBytes < 1 || nameBytes > Nfs4Limits.NAME_BYTES) {
            throw new CorruptStoreException(what + " has " + value.length + " bytes");
        }
        FileHandle file = readFile(what, afterVersion(what, value));
        var name = new String(value, HEAD_BYTES, nameBytes, StandardCharsets.UTF_8);
        return new Entry(name, file, requireCookie(what, cookie));
    }

    public static byte[] orphanKey(long file) {
        return Keys.ORPHAN.of(file);
    }

    public static byte[] writeOrphan() {
        return ORPHAN;
    }

    public static long readOrphan(byte[] key, byte[] value) {
        if (key.length != 1 + Long.BYTES || !Arrays.equals(value, ORPHAN)) {
            throw new CorruptStoreException("orphan of " + key.length + " and " + value.length + " bytes");
        }
        return ByteBuffer.wrap(key, 1, Long.BYTES).getLong();
    }

    private static ByteBuffer head(FileHandle file, int moreBytes) {
        return ByteBuffer.allocate(HEAD_BYTES + moreBytes)
                .put(VERSION)
                .putLong(file.inode())
                .putLong(file.generation());
    }

    private static ByteBuffer afterVersion(String what, byte[] value) {
        if (value[0] != VERSION) {
            throw new CorruptStoreException(what + ": version " + value[0] + ", not " + VERSION);
        }
        return ByteBuffer.wrap(value, 1, value.length - 1);
    }

    private static FileHandle readFile(String what, ByteBuffer in) {
        long inode = in.getLong();
        if (inode < 1) {
            throw new CorruptStoreException(what + " leads to inode " + inode);
        }
        return new FileHandle(inode, in.getLong());
    }

    private static long requireCookie(String what, long cookie) {
        if (cookie < 0) {
            throw new CorruptStoreException(what + ": cookie " + cookie);
        }
        return cookie;
    }
}
