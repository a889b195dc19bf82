package pnfs.mds.export;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;

/// Which numbers exports have, for good: a number is the minor part of the fsid and stands in the inodes.
/// Numbers are big-endian.
///
/// ```
/// key   = EXPORT path:u8[1..]          as "/srv/data", UTF-8
/// value = version:u8=1 number:u16      2 to 32767; "/" has 0 and no record, 1 is the directories that join exports
/// ```
///
/// No two have one number. Anything else is damage: [CorruptStoreException].
final class ExportRecords {
    static final int ROOT = 0;
    static final int JUNCTIONS = 1;
    static final int FIRST = 2;

    private static final byte VERSION = 1;
    private static final int BYTES = 1 + Short.BYTES;

    private ExportRecords() {}

    static byte[] key(String path) {
        return Keys.EXPORT.of(path.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] write(int number) {
        return ByteBuffer.allocate(BYTES).put(VERSION).putShort((short) number).array();
    }

    static int read(byte[] value) {
        int number = value.length == BYTES ? ByteBuffer.wrap(value).getShort(1) : -1;
        if (number < FIRST || number >= Inodes.MAX_EXPORTS || value[0] != VERSION) {
            throw new CorruptStoreException("export of " + value.length + " bytes has number " + number);
        }
        return number;
    }
}
