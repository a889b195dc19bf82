package pnfs.mds.attribute;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.xdr.Opaque;

/// How inodes lie in the store. Numbers are big-endian; u8, u16, u32 are unsigned, u63 is a u64 below 2^63.
///
/// ```
/// key     = INODE id:u63
/// value   = version:u8=1 type:u8 generation:u64 mode:u16 uid:u32 gid:u32 links:u32 change:u63
///           accessed:time modified:time changed:time created:time content
/// time    = seconds:i64 nanos:u32<10^9
/// type    = nfs_ftype4 (RFC 8881 §3.2): 1 REG, 2 DIR, 3 BLK, 4 CHR, 5 LNK, 6 SOCK, 7 FIFO
/// content = REG: size:u63 spaceUsed:u63 exclusive:u8<2 (verifier:u64 where exclusive is 1)
///         | DIR: parent:u63 parentGeneration:u64 entries:u63 nextCookie:u63≥3
///         | BLK, CHR: major:u32 minor:u32
///         | LNK: length:u16 target:u8[length]
///         | SOCK, FIFO: nothing
///
/// key     = META "inodes"
/// value   = version:u8=1 reserved:u63     numbers below it may have been given to files
/// ```
///
/// A value ends where its grammar ends. Another version, a number out of its range, a byte too few or too many
/// are damage: [CorruptStoreException].
public final class InodeRecords {
    private static final byte VERSION = 1;
    private static final int FIXED_BYTES = 1 + 1 + 8 + 2 + 4 + 4 + 4 + 8 + 4 * 12;
    private static final int LARGEST_FIXED_CONTENT = 4 * Long.BYTES;

    private static final byte[] RESERVED_KEY =
            Keys.META.of(Opaque.ofUtf8("inodes").toByteArray());

    private InodeRecords() {}

    public static byte[] key(long id) {
        return Keys.INODE.of(id);
    }

    public static byte[] write(Inode inode) {
        int contentBytes = inode.content() instanceof Content.Symlink(var target)
                ? Short.BYTES + target.length()
                : LARGEST_FIXED_CONTENT;
        var out = ByteBuffer.allocate(FIXED_BYTES + contentBytes);
        out.put(VERSION);
        out.put((byte) inode.type().wire());
        out.putLong(inode.file().generation());
        out.putShort((short) inode.rights().mode());
        out.putInt(inode.rights().uid());
        out.putInt(inode.rights().gid());
        out.putInt(inode.links());
        out.putLong(inode.change());
        writeTime(out, inode.times().accessed());
        writeTime(out, inode.times().modified());
        writeTime(out, inode.times().changed());
        writeTime(out, inode.times().created());
        writeContent(out, inode.content());
        return written(out);
    }

    private static void writeContent(ByteBuffer out, Content content) {
        switch (content) {
            case Content.Regular(long size, long spaceUsed, Long verifier) -> {
                out.putLong(size);
                out.putLong(spaceUsed);
                out.put((byte) (verifier == null ? 0 : 1));
                if (verifier != null) {
                    out.putLong(verifier);
                }
            }
            case Content.Directory(FileHandle parent, long entries, long nextCookie) -> {
                out.putLong(parent.inode());
                out.putLong(parent.generation());
                out.putLong(entries);
                out.putLong(nextCookie);
            }
            case Content.Device device -> {
                out.putInt(device.major());
                out.putInt(device.minor());
            }
            case Content.Symlink(Opaque target) -> {
                out.putShort((short) target.length());
                out.put(target.toByteArray());
            }
            case Content.Meeting _ -> {}
        }
    }

    /// The same of a record under its key.
    public static Inode read(byte[] key, byte[] value) {
        if (!isKey(key)) {
            throw new CorruptStoreException("an inode's key has " + key.length + " bytes");
        }
        return read(Keys.number(key), value);
    }

    /// Whether an inode may be under a key of this kind.
    public static boolean isKey(byte[] key) {
        return key.length == 1 + Long.BYTES;
    }

    /// The inode in a record.
    ///
    /// @throws CorruptStoreException when these bytes are not what [#write] makes
    public static Inode read(long id, byte[] value) {
        var in = ByteBuffer.wrap(value);
        try {
            Inode inode = read(id, in);
            if (in.hasRemaining()) {
                throw damaged(id, in.remaining() + " bytes too many");
            }
            return inode;
        } catch (BufferUnderflowException e) {
            throw new CorruptStoreException("inode " + id + " is cut short at " + value.length + " bytes", e);
        } catch (IllegalArgumentException | NfsException e) {
            throw new CorruptStoreException("inode " + id + ": " + e.getMessage(), e);
        }
    }

    private static Inode read(long id, ByteBuffer in) {
        byte version = in.get();
        if (version != VERSION) {
            throw damaged(id, "version " + version + ", not " + VERSION);
        }
        FileType type = FileType.fromWire(in.get());
        var file = new FileHandle(id, in.getLong());
        var rights = new Rights(Short.toUnsignedInt(in.getShort()), in.getInt(), in.getInt());
        int links = in.getInt();
        long change = in.getLong();
        var times = new Times(readTime(in), readTime(in), readTime(in), readTime(in));
        return new Inode(file, rights, links, change, times, readContent(id, type, in));
    }

    private static Content readContent(long id, FileType type, ByteBuffer in) {
        return switch (type) {
            case REGULAR -> new Content.Regular(in.getLong(), in.getLong(), readVerifier(id, in));
            case DIRECTORY ->
                new Content.Directory(new FileHandle(in.getLong(), in.getLong()), in.getLong(), in.getLong());
            case BLOCK_DEVICE, CHARACTER_DEVICE -> new Content.Device(type, in.getInt(), in.getInt());
            case SYMLINK -> {
                var target = new byte[Short.toUnsignedInt(in.getShort())];
                in.get(target);
                yield new Content.Symlink(Opaque.of(target));
            }
            case SOCKET, FIFO -> new Content.Meeting(type);
            case ATTRIBUTE_DIRECTORY, NAMED_ATTRIBUTE -> throw damaged(id, "type " + type);
        };
    }

    private static @Nullable Long readVerifier(long id, ByteBuffer in) {
        byte exclusive = in.get();
        return switch (exclusive) {
            case 0 -> null;
            case 1 -> in.getLong();
            default -> throw damaged(id, "exclusive " + exclusive);
        };
    }

    private static void writeTime(ByteBuffer out, NfsTime time) {
        out.putLong(time.seconds());
        out.putInt(time.nanos());
    }

    private static NfsTime readTime(ByteBuffer in) {
        return new NfsTime(in.getLong(), in.getInt());
    }

    static byte[] reservedKey() {
        return RESERVED_KEY;
    }

    static byte[] writeReserved(long reserved) {
        return ByteBuffer.allocate(1 + Long.BYTES)
                .put(VERSION)
                .putLong(reserved)
                .array();
    }

    static long readReserved(byte[] value) {
        if (value.length != 1 + Long.BYTES || value[0] != VERSION) {
            throw new CorruptStoreException("reserved inode numbers: " + value.length + " bytes of version "
                    + (value.length == 0 ? "none" : value[0]));
        }
        return ByteBuffer.wrap(value, 1, Long.BYTES).getLong();
    }

    private static byte[] written(ByteBuffer out) {
        var value = new byte[out.position()];
        out.flip().get(value);
        return value;
    }

    private static CorruptStoreException damaged(long id, String what) {
        return new CorruptStoreException("inode " + id + ": " + what);
    }
}
