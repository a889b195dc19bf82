package pnfs.mds.compound;

import java.nio.ByteBuffer;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

/// What names a file for good: its inode and the generation that this inode number was given out in. Persistent
/// in the sense of RFC 8881 §4.2.2: it never comes to mean another file. Immutable.
///
/// ```
/// u8 version = 1 | u8 kind = 0 (file) | u64 inode | u64 generation        18 bytes, big-endian
/// ```
public record FileHandle(long inode, long generation) {
    private static final byte VERSION = 1;
    private static final byte KIND_FILE = 0;
    private static final int INODE_AT = 2;
    private static final int GENERATION_AT = INODE_AT + Long.BYTES;
    private static final int BYTES = GENERATION_AT + Long.BYTES;

    public FileHandle {
        if (inode <= 0) {
            throw new IllegalArgumentException("inode " + inode);
        }
    }

    /// The handle in `bytes`.
    ///
    /// @throws NfsException BADHANDLE when it is none that this server ever gave out
    public static FileHandle fromWire(Opaque bytes) {
        if (bytes.length() != BYTES || bytes.at(0) != VERSION || bytes.at(1) != KIND_FILE) {
            throw new NfsException(NfsStatus.BADHANDLE, "filehandle " + bytes);
        }
        long inode = longAt(bytes, INODE_AT);
        if (inode <= 0) {
            throw new NfsException(NfsStatus.BADHANDLE, "filehandle " + bytes);
        }
        return new FileHandle(inode, longAt(bytes, GENERATION_AT));
    }

    public Opaque toWire() {
        return Opaque.of(ByteBuffer.allocate(BYTES)
                .put(VERSION)
                .put(KIND_FILE)
                .putLong(inode)
                .putLong(generation)
                .array());
    }

    private static long longAt(Opaque bytes, int at) {
        long value = 0;
        for (int i = at; i < at + Long.BYTES; i++) {
            value = (value << Byte.SIZE) | (bytes.at(i) & 0xff);
        }
        return value;
    }
}
