package pnfs.mds.attribute;

/// Who owns a file and what POSIX lets whom do with it. Immutable.
///
/// @param mode the low 12 bits of st_mode
/// @param uid, gid unsigned
public record Rights(int mode, int uid, int gid) {
    public static final int MODE_BITS = 0xfff;
    public static final int SET_UID = 0x800;
    public static final int SET_GID = 0x400;
    public static final int STICKY = 0x200;

    private static final int GROUP_EXECUTE = 0x8;

    /// Bits of a request, as in each digit of a mode.
    public static final int READ = 4;

    public static final int WRITE = 2;
    public static final int EXECUTE = 1;

    public Rights {
        if ((mode & ~MODE_BITS) != 0) {
            throw new IllegalArgumentException("mode " + Integer.toOctalString(mode));
        }
    }

    public Rights withMode(int changed) {
        return new Rights(changed, uid, gid);
    }

    /// What is left after somebody without privilege changed owner, group or bytes: a program no longer runs as
    /// its owner. A set-group-id bit without group execution marks something else (mandatory locks) and stays.
    public Rights withoutSetId() {
        int cleared = mode & ~SET_UID;
        return withMode((mode & GROUP_EXECUTE) != 0 ? cleared & ~SET_GID : cleared);
    }

    /// Whether the class that `caller` falls into (owner, group, other; the first that fits alone) has all of
    /// `wanted`. Privilege is not looked at here: [Inode#allows] does.
    boolean allow(Caller caller, int wanted) {
        int granted = caller.uid() == uid ? mode >> 6 : caller.isIn(gid) ? mode >> 3 : mode;
        return (granted & wanted) == wanted;
    }

    boolean anyoneMayExecute() {
        return (mode & 0111) != 0;
    }
}
