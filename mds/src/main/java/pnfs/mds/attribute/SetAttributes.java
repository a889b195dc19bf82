package pnfs.mds.attribute;

import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.MaskedMode;
import pnfs.wire.nfs4.AttributeValue.ModeUmask;
import pnfs.wire.nfs4.AttributeValue.SetTime;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.xdr.XdrException;

/// What a client wants attributes to be, in SETATTR, CREATE or OPEN: understood and in range, not yet
/// permitted. Immutable.
public final class SetAttributes {
    /// For a file that is made without a word about its mode.
    private static final int MODE_OF_FILE = 0644;

    private static final int MODE_OF_DIRECTORY = 0755;

    /// The ways to say a mode, of which one is enough.
    private static final Bitmap MODES = Bitmap.of(Attribute.MODE, Attribute.MODE_SET_MASKED, Attribute.MODE_UMASK);

    private final Attributes values;
    private final @Nullable Integer uid;
    private final @Nullable Integer gid;

    private SetAttributes(Attributes values, Owners owners) {
        this.values = values;
        this.uid = values.has(Attribute.OWNER) ? owners.uid(values.text(Attribute.OWNER)) : null;
        this.gid = values.has(Attribute.OWNER_GROUP) ? owners.gid(values.text(Attribute.OWNER_GROUP)) : null;
    }

    /// Of SETATTR.
    ///
    /// @throws NfsException ATTRNOTSUPP for an attribute that the server does not have, INVAL for one
    ///     that cannot be set or not so, BADOWNER for an owner who is not known, BADXDR
    static SetAttributes forChange(Fattr wanted, FileAttributes attributes, CompoundState state) {
        SetAttributes set = read(wanted, attributes, FileAttributes.SETTABLE, state);
        if (set.values.has(Attribute.MODE_UMASK)) {
            throw new NfsException(NfsStatus.INVAL, "mode_umask is for files that are made");
        }
        return set;
    }

    /// Of CREATE and OPEN; throws as [#forChange].
    public static SetAttributes forCreate(Fattr wanted, FileAttributes attributes, CompoundState state) {
        return read(wanted, attributes, FileAttributes.SETTABLE, state);
    }

    /// Of an OPEN that creates exclusively; throws as [#forChange], and INVAL for what suppattr_exclcreat does
    /// not name.
    public static SetAttributes forExclusiveCreate(Fattr wanted, FileAttributes attributes, CompoundState state) {
        return read(wanted, attributes, FileAttributes.SETTABLE_BY_EXCLUSIVE_CREATE, state);
    }

    private static SetAttributes read(Fattr wanted, FileAttributes attributes, Bitmap settable, CompoundState state) {
        Bitmap named = wanted.attributes();
        Bitmap supported = attributes.supported(state.minorVersion());
        if (!supported.containsAll(named)) {
            throw new NfsException(NfsStatus.ATTRNOTSUPP, "attributes " + named.minus(supported));
        }
        if (!settable.containsAll(named)) {
            throw new NfsException(NfsStatus.INVAL, "attributes " + named.minus(settable) + " cannot be set here");
        }
        try {
            var set = new SetAttributes(AttributeCodec.read(wanted), attributes.owners());
            set.requireModeInRange();
            return set;
        } catch (XdrException e) {
            throw new NfsException(NfsStatus.BADXDR, "attributes " + named + ": " + e.getMessage());
        }
    }

    /// The attributes it names: what a successful operation reports as set.
    public Bitmap names() {
        return values.present();
    }

    public boolean isEmpty() {
        return names().isEmpty();
    }

    public boolean hasSize() {
        return values.has(Attribute.SIZE);
    }

    public long size() {
        return values.size();
    }

    boolean setsMode() {
        return values.has(Attribute.MODE) || values.has(Attribute.MODE_SET_MASKED);
    }

    boolean setsModified() {
        return values.has(Attribute.TIME_MODIFY_SET);
    }

    /// The rights of a file that `caller` makes in `directory`. Group and set-group-id come from a directory
    /// that has set-group-id, as on every UNIX since BSD's files met System V's.
    ///
    /// @throws NfsException PERM for an owner or group that is not the caller's to give
    public Rights rightsOfNew(Inode directory, boolean isDirectory, Caller caller) {
        boolean inherits = (directory.rights().mode() & Rights.SET_GID) != 0;
        int group = inherits ? directory.rights().gid() : caller.gid();
        int mode = modeOfNew(isDirectory ? MODE_OF_DIRECTORY : MODE_OF_FILE);
        if (inherits && isDirectory) {
            mode |= Rights.SET_GID;
        }
        var own = new Rights(mode, caller.uid(), group);
        return keepSetGidForMembers(chown(own, caller), isDirectory, caller);
    }

    /// The times of a file made `now`.
    public Times timesOfNew(NfsTime now) {
        return settle(Times.allAt(now), now);
    }

    /// All that SETATTR changes but the size.
    ///
    /// @throws NfsException PERM for what only the owner may do, ACCESS for times that need write permission
    Inode applyTo(Inode inode, Caller caller, NfsTime now) {
        requireMayChange(inode, caller);
        Rights rights = chown(inode.rights(), caller);
        if ((uid != null || gid != null) && !inode.isDirectory()) {
            rights = rights.withoutSetId();
        }
        if (setsMode()) {
            rights = rights.withMode(modeAfter(rights.mode()));
            rights = keepSetGidForMembers(rights, inode.isDirectory(), caller);
        }
        return inode.described(rights, settle(inode.times(), now), now);
    }

    private void requireMayChange(Inode inode, Caller caller) {
        if (caller.isPrivileged() || inode.isOwnedBy(caller)) {
            return;
        }
        Bitmap others = names().minus(Bitmap.of(Attribute.SIZE, Attribute.TIME_ACCESS_SET, Attribute.TIME_MODIFY_SET));
        if (!others.isEmpty()
                || setsTimeOfClient(Attribute.TIME_ACCESS_SET)
                || setsTimeOfClient(Attribute.TIME_MODIFY_SET)) {
            throw new NfsException(
                    NfsStatus.PERM, "uid " + Integer.toUnsignedString(caller.uid()) + " does not own " + inode);
        }
        if (values.has(Attribute.TIME_ACCESS_SET) || values.has(Attribute.TIME_MODIFY_SET)) {
            inode.requireAllowed(caller, Rights.WRITE);
        }
    }

    /// Only privilege gives files away (chown_restricted), and a group only to its members.
    private Rights chown(Rights rights, Caller caller) {
        int owner = uid == null ? rights.uid() : uid;
        int group = gid == null ? rights.gid() : gid;
        boolean givesAway = owner != rights.uid() || (group != rights.gid() && !caller.isIn(group));
        if (givesAway && !caller.isPrivileged()) {
            throw new NfsException(
                    NfsStatus.PERM,
                    "uid " + Integer.toUnsignedString(caller.uid()) + " may not give to "
                            + Integer.toUnsignedString(owner) + ":" + Integer.toUnsignedString(group));
        }
        return new Rights(rights.mode(), owner, group);
    }

    private static Rights keepSetGidForMembers(Rights rights, boolean isDirectory, Caller caller) {
        boolean keeps = isDirectory || caller.isPrivileged() || caller.isIn(rights.gid());
        return keeps ? rights : rights.withMode(rights.mode() & ~Rights.SET_GID);
    }

    private int modeOfNew(int otherwise) {
        if (values.has(Attribute.MODE_UMASK)) {
            ModeUmask mode = values.modeUmask();
            return mode.mode() & ~mode.umask();
        }
        return modeAfter(otherwise);
    }

    /// What becomes of a mode: another one, or some of its bits change (mode_set_masked, RFC 8881 §6.2.5).
    private int modeAfter(int before) {
        if (values.has(Attribute.MODE_SET_MASKED)) {
            MaskedMode masked = values.maskedMode();
            return (before & ~masked.mask()) | (masked.value() & masked.mask());
        }
        return values.has(Attribute.MODE) ? values.uint32(Attribute.MODE) : before;
    }

    private void requireModeInRange() {
        Bitmap modes = names().and(MODES);
        if (modes.stream().count() > 1) {
            throw new NfsException(NfsStatus.INVAL, "attributes " + modes + " together");
        }
        int bits = values.has(Attribute.MODE_UMASK)
                ? values.modeUmask().mode()
                : values.has(Attribute.MODE_SET_MASKED)
                        ? values.maskedMode().value() | values.maskedMode().mask()
                        : modeAfter(0);
        if ((bits & ~Rights.MODE_BITS) != 0) {
            throw new NfsException(NfsStatus.INVAL, "mode " + Integer.toOctalString(bits));
        }
    }

    private Times settle(Times times, NfsTime now) {
        return new Times(
                time(Attribute.TIME_ACCESS_SET, times.accessed(), now),
                time(Attribute.TIME_MODIFY_SET, times.modified(), now),
                times.changed(),
                values.has(Attribute.TIME_CREATE) ? values.time(Attribute.TIME_CREATE) : times.created());
    }

    private NfsTime time(Attribute attribute, NfsTime otherwise, NfsTime now) {
        return values.has(attribute) ? values.setTime(attribute).time().orElse(now) : otherwise;
    }

    private boolean setsTimeOfClient(Attribute attribute) {
        return values.has(attribute) && !values.setTime(attribute).equals(SetTime.TO_SERVER_TIME);
    }
}
