package pnfs.mds.attribute;

import pnfs.mds.compound.FileHandle;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;

/// A file of any kind, as it is at one moment; its bytes and a directory's names are elsewhere. Immutable: a
/// change makes a new one, under the file's lock, through a [FileChange].
///
/// @param file its number and generation, which is all a client's handle says; a number is never used again
/// @param links names that lead to it; a directory counts as on UNIX: its name, its own `.`, and each child's
///     `..`
/// @param change grows with every change of data or metadata, also across restarts (change_attr_type
///     MONOTONIC_INCR)
public record Inode(FileHandle file, Rights rights, int links, long change, Times times, Content content) {
    /// So many names one file can have: what fits every client's nlink_t.
    public static final int MAX_LINKS = 65_000;

    /// A file that has just got its first name.
    public static Inode create(FileHandle file, Rights rights, Times times, Content content) {
        int links = content instanceof Content.Directory ? 2 : 1;
        return new Inode(file, rights, links, 1, times, content);
    }

    public long id() {
        return file.inode();
    }

    public FileType type() {
        return content.type();
    }

    public long size() {
        return content.size();
    }

    /// Bytes of storage that belong to it.
    public long spaceUsed() {
        return content instanceof Content.Regular regular ? regular.spaceUsed() : 0;
    }

    public boolean isDirectory() {
        return content instanceof Content.Directory;
    }

    public boolean isRegular() {
        return content instanceof Content.Regular;
    }

    /// Its names and cookies.
    ///
    /// @throws NfsException NOTDIR when it is none
    public Content.Directory directory() {
        if (content instanceof Content.Directory directory) {
            return directory;
        }
        throw new NfsException(NfsStatus.NOTDIR, this + " is no directory");
    }

    /// LOOKUP and LOOKUPP alone tell who comes to a symbolic link to follow it (RFC 8881 §15.2).
    ///
    /// @throws NfsException SYMLINK
    public void requireNoLink() {
        if (content instanceof Content.Symlink) {
            throw new NfsException(NfsStatus.SYMLINK, this + " is a symbolic link");
        }
    }

    /// Its size and space.
    ///
    /// @throws NfsException ISDIR for a directory, SYMLINK for a symbolic link, WRONG_TYPE for the other kinds
    ///     (RFC 8881 §18.16.4)
    public Content.Regular regular() {
        return switch (content) {
            case Content.Regular regular -> regular;
            case Content.Directory _ -> throw new NfsException(NfsStatus.ISDIR, this + " is a directory");
            case Content.Symlink _ -> throw new NfsException(NfsStatus.SYMLINK, this + " is a symbolic link");
            case Content.Device _, Content.Meeting _ ->
                throw new NfsException(NfsStatus.WRONG_TYPE, this + " is no regular file");
        };
    }

    /// Whether POSIX permissions give `caller` all of `wanted`, bits of [Rights]. Privilege gives everything
    /// but the execution of what nobody may execute.
    public boolean allows(Caller caller, int wanted) {
        if (caller.isPrivileged()) {
            return (wanted & Rights.EXECUTE) == 0 || isDirectory() || rights.anyoneMayExecute();
        }
        return rights.allow(caller, wanted);
    }

    /// Refuses what [#allows] does not allow.
    ///
    /// @throws NfsException ACCESS
    public void requireAllowed(Caller caller, int wanted) {
        if (!allows(caller, wanted)) {
            throw new NfsException(
                    NfsStatus.ACCESS,
                    this + " mode " + Integer.toOctalString(rights.mode()) + " gives uid "
                            + Integer.toUnsignedString(caller.uid()) + " not " + wanted);
        }
    }

    public boolean isOwnedBy(Caller caller) {
        return caller.uid() == rights.uid();
    }

    /// With so many names more, or fewer.
    public Inode linked(int more, NfsTime now) {
        return new Inode(file, rights, links + more, change + 1, times.changedAt(now), content);
    }

    /// With other rights or times, as SETATTR has worked them out; time_metadata is `now` whatever `times`
    /// says.
    public Inode described(Rights rights, Times times, NfsTime now) {
        return new Inode(file, rights, links, change + 1, times.changedAt(now), content);
    }

    /// A regular file as a client shows it that has yet to write all of it.
    public Inode withSize(long size) {
        return new Inode(
                file,
                rights,
                links,
                change,
                times,
                new Content.Regular(size, spaceUsed(), regular().verifier()));
    }

    /// A regular file after its bytes changed.
    public Inode written(long size, long spaceUsed, NfsTime modified, NfsTime now) {
        var written = new Content.Regular(size, spaceUsed, regular().verifier());
        return new Inode(file, rights, links, change + 1, times.modifiedAt(modified, now), written);
    }

    /// A directory after its names changed; `more` counts subdirectories gained or lost.
    public Inode renamed(Content.Directory names, int more, NfsTime now) {
        return new Inode(file, rights, links + more, change + 1, times.modifiedAt(now, now), names);
    }

    /// A directory under another parent.
    public Inode moved(FileHandle parent, NfsTime now) {
        Content.Directory names = directory();
        var elsewhere = new Content.Directory(parent, names.entries(), names.nextCookie());
        return new Inode(file, rights, links, change + 1, times.changedAt(now), elsewhere);
    }

    /// Number and generation, as the log and a client's handle show them.
    @Override
    public String toString() {
        return "inode " + Long.toHexString(file.inode()) + "." + Long.toHexString(file.generation());
    }
}
