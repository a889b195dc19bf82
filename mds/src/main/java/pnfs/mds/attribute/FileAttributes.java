package pnfs.mds.attribute;

import static pnfs.wire.nfs4.Attribute.ACLSUPPORT;
import static pnfs.wire.nfs4.Attribute.CANSETTIME;
import static pnfs.wire.nfs4.Attribute.CASE_INSENSITIVE;
import static pnfs.wire.nfs4.Attribute.CASE_PRESERVING;
import static pnfs.wire.nfs4.Attribute.CHANGE;
import static pnfs.wire.nfs4.Attribute.CHANGE_ATTR_TYPE;
import static pnfs.wire.nfs4.Attribute.CHOWN_RESTRICTED;
import static pnfs.wire.nfs4.Attribute.FH_EXPIRE_TYPE;
import static pnfs.wire.nfs4.Attribute.FILEHANDLE;
import static pnfs.wire.nfs4.Attribute.FILEID;
import static pnfs.wire.nfs4.Attribute.FILES_AVAIL;
import static pnfs.wire.nfs4.Attribute.FILES_FREE;
import static pnfs.wire.nfs4.Attribute.FILES_TOTAL;
import static pnfs.wire.nfs4.Attribute.FSID;
import static pnfs.wire.nfs4.Attribute.FS_CHARSET_CAP;
import static pnfs.wire.nfs4.Attribute.FS_LAYOUT_TYPES;
import static pnfs.wire.nfs4.Attribute.HOMOGENEOUS;
import static pnfs.wire.nfs4.Attribute.LAYOUT_ALIGNMENT;
import static pnfs.wire.nfs4.Attribute.LAYOUT_BLKSIZE;
import static pnfs.wire.nfs4.Attribute.LAYOUT_TYPES;
import static pnfs.wire.nfs4.Attribute.LEASE_TIME;
import static pnfs.wire.nfs4.Attribute.LINK_SUPPORT;
import static pnfs.wire.nfs4.Attribute.MAXFILESIZE;
import static pnfs.wire.nfs4.Attribute.MAXLINK;
import static pnfs.wire.nfs4.Attribute.MAXNAME;
import static pnfs.wire.nfs4.Attribute.MAXREAD;
import static pnfs.wire.nfs4.Attribute.MAXWRITE;
import static pnfs.wire.nfs4.Attribute.MODE;
import static pnfs.wire.nfs4.Attribute.MODE_SET_MASKED;
import static pnfs.wire.nfs4.Attribute.MODE_UMASK;
import static pnfs.wire.nfs4.Attribute.MOUNTED_ON_FILEID;
import static pnfs.wire.nfs4.Attribute.NAMED_ATTR;
import static pnfs.wire.nfs4.Attribute.NO_TRUNC;
import static pnfs.wire.nfs4.Attribute.NUMLINKS;
import static pnfs.wire.nfs4.Attribute.OWNER;
import static pnfs.wire.nfs4.Attribute.OWNER_GROUP;
import static pnfs.wire.nfs4.Attribute.RAWDEV;
import static pnfs.wire.nfs4.Attribute.RDATTR_ERROR;
import static pnfs.wire.nfs4.Attribute.SIZE;
import static pnfs.wire.nfs4.Attribute.SPACE_AVAIL;
import static pnfs.wire.nfs4.Attribute.SPACE_FREE;
import static pnfs.wire.nfs4.Attribute.SPACE_FREED;
import static pnfs.wire.nfs4.Attribute.SPACE_TOTAL;
import static pnfs.wire.nfs4.Attribute.SPACE_USED;
import static pnfs.wire.nfs4.Attribute.SUPPATTR_EXCLCREAT;
import static pnfs.wire.nfs4.Attribute.SUPPORTED_ATTRS;
import static pnfs.wire.nfs4.Attribute.SYMLINK_SUPPORT;
import static pnfs.wire.nfs4.Attribute.TIME_ACCESS;
import static pnfs.wire.nfs4.Attribute.TIME_ACCESS_SET;
import static pnfs.wire.nfs4.Attribute.TIME_CREATE;
import static pnfs.wire.nfs4.Attribute.TIME_DELTA;
import static pnfs.wire.nfs4.Attribute.TIME_METADATA;
import static pnfs.wire.nfs4.Attribute.TIME_MODIFY;
import static pnfs.wire.nfs4.Attribute.TIME_MODIFY_SET;
import static pnfs.wire.nfs4.Attribute.TYPE;
import static pnfs.wire.nfs4.Attribute.UNIQUE_HANDLES;
import static pnfs.wire.nfs4.Attribute.XATTR_SUPPORT;

import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeType;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// The attributes that this server has (RFC 8881 §5) and their values, written straight from an [Inode] to XDR:
/// GETATTR is what clients ask most. Immutable.
public final class FileAttributes {
    private static final Bitmap OF_EVERY_EXPORT = Bitmap.of(
            SUPPORTED_ATTRS,
            TYPE,
            FH_EXPIRE_TYPE,
            CHANGE,
            SIZE,
            LINK_SUPPORT,
            SYMLINK_SUPPORT,
            NAMED_ATTR,
            FSID,
            UNIQUE_HANDLES,
            LEASE_TIME,
            RDATTR_ERROR,
            ACLSUPPORT,
            CANSETTIME,
            CASE_INSENSITIVE,
            CASE_PRESERVING,
            CHOWN_RESTRICTED,
            FILEHANDLE,
            FILEID,
            FILES_AVAIL,
            FILES_FREE,
            FILES_TOTAL,
            HOMOGENEOUS,
            MAXFILESIZE,
            MAXLINK,
            MAXNAME,
            MAXREAD,
            MAXWRITE,
            MODE,
            NO_TRUNC,
            NUMLINKS,
            OWNER,
            OWNER_GROUP,
            RAWDEV,
            SPACE_AVAIL,
            SPACE_FREE,
            SPACE_TOTAL,
            SPACE_USED,
            TIME_ACCESS,
            TIME_ACCESS_SET,
            TIME_CREATE,
            TIME_DELTA,
            TIME_METADATA,
            TIME_MODIFY,
            TIME_MODIFY_SET,
            MOUNTED_ON_FILEID,
            MODE_SET_MASKED,
            SUPPATTR_EXCLCREAT,
            FS_CHARSET_CAP,
            SPACE_FREED,
            CHANGE_ATTR_TYPE,
            MODE_UMASK,
            XATTR_SUPPORT);
    private static final Bitmap OF_PNFS = Bitmap.of(FS_LAYOUT_TYPES, LAYOUT_TYPES, LAYOUT_BLKSIZE, LAYOUT_ALIGNMENT);
    private static final Bitmap WRITE_ONLY = Bitmap.of(TIME_ACCESS_SET, TIME_MODIFY_SET, MODE_SET_MASKED, MODE_UMASK);
    /// Clients of 4.1 do not know the numbers from here on.
    private static final Bitmap SINCE_MINOR_VERSION_2 =
            Bitmap.of(SPACE_FREED, CHANGE_ATTR_TYPE, MODE_UMASK, XATTR_SUPPORT);

    /// What an exclusive create can set in the same step (suppattr_exclcreat, RFC 8881 §5.8.1.14): the verifier
    /// has a place of its own in the inode, so nothing has to give way to it.
    static final Bitmap SETTABLE_BY_EXCLUSIVE_CREATE = Bitmap.of(
            MODE, OWNER, OWNER_GROUP, TIME_ACCESS_SET, TIME_CREATE, TIME_MODIFY_SET, MODE_SET_MASKED, MODE_UMASK);

    static final Bitmap SETTABLE = SETTABLE_BY_EXCLUSIVE_CREATE.or(Bitmap.of(SIZE));

    private static final NfsTime ONE_NANOSECOND = new NfsTime(0, 1);
    private static final int NEVER_EXPIRES = 0;
    private static final int ONLY_UTF8 = 2;
    /// Inodes come out of the store like everything else; there is no table of them that could fill.
    private static final long FILES = 1L << 48;

    private final FileSystemFacts facts;
    private final FileSpace space;
    private final Owners owners;
    private final Bitmap supported;
    private final Bitmap supportedByMinorVersion1;

    public FileAttributes(FileSystemFacts facts, FileSpace space, Owners owners) {
        this.facts = facts;
        this.space = space;
        this.owners = owners;
        this.supported = facts.layoutTypes().isEmpty() ? OF_EVERY_EXPORT : OF_EVERY_EXPORT.or(OF_PNFS);
        this.supportedByMinorVersion1 = supported.minus(SINCE_MINOR_VERSION_2);
    }

    /// What a client of that minor version may name.
    public Bitmap supported(int minorVersion) {
        return minorVersion < 2 ? supportedByMinorVersion1 : supported;
    }

    Owners owners() {
        return owners;
    }

    /// Those of `wanted` that the server has.
    ///
    /// @throws NfsException INVAL when one of them can only be set
    public Fattr read(Inode inode, Bitmap wanted, CompoundState state) {
        return select(wanted, state).of(inode);
    }

    /// For answers that have those of `wanted` that the server has, of many files.
    ///
    /// @throws NfsException INVAL when one of them can only be set
    public Selection select(Bitmap wanted, CompoundState state) {
        requireReadable(wanted);
        return new Selection(wanted, supported(state.minorVersion()));
    }

    /// What a listing says of a file whose attributes cannot be had (RFC 8881 §5.8.1.12): why.
    public static Fattr unreadable(NfsStatus why) {
        var out = new XdrWriter();
        out.writeUint32(why.number());
        return new Fattr(Bitmap.of(RDATTR_ERROR), Opaque.of(out.toByteArray(0)));
    }

    /// What one request asks of every file in its answer. Used by one thread.
    public final class Selection {
        private final Bitmap known;
        private final Bitmap given;
        private final XdrWriter out = new XdrWriter();

        private Selection(Bitmap wanted, Bitmap known) {
            this.known = known;
            this.given = wanted.and(known);
        }

        /// Which they are.
        public Bitmap names() {
            return given;
        }

        public Fattr of(Inode inode) {
            out.truncate(0);
            for (int number = given.next(0); number >= 0; number = given.next(number + 1)) {
                write(out, number, inode, known);
            }
            return new Fattr(given, out.toOpaque());
        }
    }

    /// Refuses what nobody can read.
    ///
    /// @throws NfsException INVAL when one of `wanted` can only be set
    private static void requireReadable(Bitmap wanted) {
        if (wanted.intersects(WRITE_ONLY)) {
            throw new NfsException(NfsStatus.INVAL, "attributes " + wanted.and(WRITE_ONLY) + " can only be set");
        }
    }

    private void write(XdrWriter out, int number, Inode inode, Bitmap known) {
        Attribute attribute = Attribute.of(number).orElseThrow();
        switch (attribute) {
            case SUPPORTED_ATTRS -> AttributeCodec.writeBitmap(out, known);
            case TYPE -> out.writeUint32(inode.type().wire());
            case FH_EXPIRE_TYPE -> out.writeUint32(NEVER_EXPIRES);
            case CHANGE -> out.writeUint64(inode.change());
            case SIZE -> out.writeUint64(inode.size());
            case LINK_SUPPORT, SYMLINK_SUPPORT, UNIQUE_HANDLES, XATTR_SUPPORT -> out.writeBool(true);
            case NAMED_ATTR, CASE_INSENSITIVE -> out.writeBool(false);
            case FSID -> {
                out.writeUint64(facts.fsidMajor());
                out.writeUint64(Inodes.exportOf(inode.id()));
            }
            case LEASE_TIME -> out.writeUint32(facts.leaseSeconds());
            case RDATTR_ERROR -> out.writeUint32(NfsStatus.OK.number());
            case ACLSUPPORT -> out.writeUint32(0);
            case CANSETTIME, CASE_PRESERVING, CHOWN_RESTRICTED, HOMOGENEOUS, NO_TRUNC -> out.writeBool(true);
            case FILEHANDLE -> out.writeOpaque(inode.file().toWire());
            // No two files of all exports have one number, so the root of an export keeps its own where it is seen.
            case FILEID, MOUNTED_ON_FILEID -> out.writeUint64(inode.id());
            case FILES_AVAIL, FILES_FREE, FILES_TOTAL -> out.writeUint64(FILES);
            case MAXFILESIZE -> out.writeUint64(FileSystemFacts.MAX_FILE_BYTES);
            case MAXLINK -> out.writeUint32(Inode.MAX_LINKS);
            case MAXNAME -> out.writeUint32(Nfs4Limits.NAME_BYTES);
            case MAXREAD, MAXWRITE -> out.writeUint64(facts.maxIoBytes());
            case MODE -> out.writeUint32(inode.rights().mode());
            case NUMLINKS -> out.writeUint32(inode.links());
            case OWNER -> out.writeString(owners.user(inode.rights().uid()));
            case OWNER_GROUP -> out.writeString(owners.group(inode.rights().gid()));
            case RAWDEV -> writeDevice(out, inode);
            case SPACE_AVAIL, SPACE_FREE -> out.writeUint64(space.capacity().freeBytes());
            case SPACE_TOTAL -> out.writeUint64(space.capacity().totalBytes());
            // No two files share space: all that one uses comes back.
            case SPACE_USED, SPACE_FREED -> out.writeUint64(inode.spaceUsed());
            case TIME_ACCESS -> AttributeCodec.writeTime(out, inode.times().accessed());
            case TIME_CREATE -> AttributeCodec.writeTime(out, inode.times().created());
            case TIME_DELTA -> AttributeCodec.writeTime(out, ONE_NANOSECOND);
            case TIME_METADATA -> AttributeCodec.writeTime(out, inode.times().changed());
            case TIME_MODIFY -> AttributeCodec.writeTime(out, inode.times().modified());
            case FS_LAYOUT_TYPES, LAYOUT_TYPES -> AttributeCodec.writeLayoutTypes(out, facts.layoutTypes());
            case LAYOUT_BLKSIZE, LAYOUT_ALIGNMENT -> out.writeUint32(FileSystemFacts.LAYOUT_BLOCK_BYTES);
            case SUPPATTR_EXCLCREAT -> AttributeCodec.writeBitmap(out, SETTABLE_BY_EXCLUSIVE_CREATE.and(known));
            case FS_CHARSET_CAP -> out.writeUint32(ONLY_UTF8);
            case CHANGE_ATTR_TYPE -> out.writeUint32(ChangeType.MONOTONIC_INCREASE.wire());
            // One that is supported and not above: our bug, found by the test that asks for each.
            default -> throw new IllegalStateException(attribute + " is supported but never written");
        }
    }

    private static void writeDevice(XdrWriter out, Inode inode) {
        if (inode.content() instanceof Content.Device device) {
            out.writeUint32(device.major());
            out.writeUint32(device.minor());
        } else {
            out.writeUint64(0);
        }
    }
}
