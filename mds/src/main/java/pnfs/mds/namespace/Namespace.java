package pnfs.mds.namespace;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.SetAttributes;
import pnfs.mds.attribute.Times;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;

/// The tree of names, and the steps that several operations share: find a place and hold it, make a file, give
/// it its name. Safe for any thread.
public final class Namespace {
    /// In the handle of a root that nobody can look into.
    private static final long UNREADABLE_GENERATION = 0;

    private final Inodes inodes;
    private final Directories directories;
    private final FileLocks locks;

    public Namespace(MetadataStore store, Inodes inodes, FileLocks locks) {
        this.inodes = inodes;
        this.directories = new Directories(store);
        this.locks = locks;
    }

    /// Locks of one or two places, given back together.
    public static final class Hold implements AutoCloseable {
        private final FileLocks.Held held;
        private final List<Place> places;

        private Hold(FileLocks.Held held, List<Place> places) {
            this.held = held;
            this.places = places;
        }

        /// In the order they were asked for.
        public Place place(int index) {
            return places.get(index);
        }

        @Override
        public void close() {
            held.close();
        }
    }

    /// What these names lead to from `root`, for nobody in particular; empty where one of them is missing or leads
    /// to no directory.
    public Optional<FileHandle> find(FileHandle root, List<String> names) {
        FileHandle at = root;
        for (String name : names) {
            Inode directory = inodes.find(at.inode()).value();
            if (directory == null || !directory.isDirectory()) {
                return Optional.empty();
            }
            Optional<Entry> entry = directories.find(directory, name);
            if (entry.isEmpty()) {
                return Optional.empty();
            }
            at = entry.get().file();
        }
        return Optional.of(at);
    }

    /// The root directory of an export. A store that has none yet gets one, with `rights`. One whose record is
    /// damaged has a handle all the same, so that other exports can be served, and this one is told what is
    /// wrong.
    public FileHandle root(int export, Rights rights, NfsTime now) {
        try {
            Inode root = inodes.find(Inodes.rootOf(export)).value();
            if (root != null) {
                return root.file();
            }
        } catch (CorruptStoreException damage) {
            inodes.damaged().met(damage);
            return new FileHandle(Inodes.rootOf(export), UNREADABLE_GENERATION);
        }
        var file = new FileHandle(Inodes.rootOf(export), inodes.newFile(export).generation());
        FileChange change = inodes.change();
        change.put(Inode.create(file, rights, Times.allAt(now), Content.Directory.empty(file)));
        change.append();
        return file;
    }

    /// The entry of a name, for readers, who hold nothing.
    ///
    /// @throws NfsException NOTDIR, ACCESS, NOENT
    Entry lookup(Inode directory, String name, CompoundState state) {
        directory.directory();
        directory.requireAllowed(Caller.of(state), Rights.EXECUTE);
        return directories.require(directory, name, state);
    }

    Directories directories() {
        return directories;
    }

    /// Holds the directories of all `spots` and the files that their names lead to, and `also`.
    ///
    /// What a name leads to is known only after a look, and has to be locked together with its directory: so
    /// this looks, locks, looks again, and begins anew where somebody was quicker.
    ///
    /// @param also an inode more: that of a file about to be made or linked
    /// @throws NfsException STALE, NOTDIR, and ACCESS when the caller may not search a directory
    public Hold hold(CompoundState state, long also, Place.Spot... spots) {
        while (true) {
            long[] needed = new long[1 + 2 * spots.length];
            needed[0] = also;
            for (int i = 0; i < spots.length; i++) {
                Place seen = look(spots[i], state);
                needed[1 + 2 * i] = seen.directory().id();
                needed[2 + 2 * i] = fileOf(seen);
            }
            FileLocks.Held held = locks.lock(needed);
            List<Place> places = null;
            try {
                places = lookAgain(spots, needed, state);
            } finally {
                if (places == null) {
                    held.close();
                }
            }
            if (places != null) {
                return new Hold(held, places);
            }
        }
    }

    /// Null when a name leads elsewhere by now.
    private @Nullable List<Place> lookAgain(Place.Spot[] spots, long[] locked, CompoundState state) {
        var places = new ArrayList<Place>(spots.length);
        for (int i = 0; i < spots.length; i++) {
            Place place = look(spots[i], state);
            if (fileOf(place) != locked[2 + 2 * i]) {
                return null;
            }
            places.add(place);
        }
        return places;
    }

    private Place look(Place.Spot spot, CompoundState state) {
        Inode directory = inodes.require(spot.directory(), state);
        directory.directory();
        directory.requireAllowed(Caller.of(state), Rights.EXECUTE);
        Entry entry = directories.find(directory, spot.name(), state);
        return new Place(
                directory,
                spot.name(),
                entry,
                entry == null ? null : inodes.find(entry.file().inode(), state));
    }

    private static long fileOf(Place place) {
        Entry entry = place.entry();
        return entry == null ? place.directory().id() : entry.file().inode();
    }

    /// The file at `place`, which is held.
    ///
    /// @throws NfsException NOENT when the name is free
    public static Inode requireFile(Place place) {
        Inode file = place.file();
        if (file == null) {
            if (place.entry() != null) {
                throw new CorruptStoreException(place + " leads to a file that is not there: " + place.entry());
            }
            throw new NfsException(NfsStatus.NOENT, "no " + place);
        }
        return file;
    }

    static Entry requireEntry(Place place) {
        Entry entry = place.entry();
        if (entry == null) {
            throw new NfsException(NfsStatus.NOENT, "no " + place);
        }
        return entry;
    }

    /// @throws NfsException EXIST when the name leads to a file already
    static void requireFree(Place place) {
        if (place.entry() != null) {
            throw new NfsException(NfsStatus.EXIST, place.toString());
        }
    }

    /// A name and number for a file that is going to be made in `directory`.
    public FileHandle newFile(FileHandle directory) {
        return inodes.newFile(Inodes.exportOf(directory.inode()));
    }

    /// The root of its export.
    static boolean isRoot(Inode directory) {
        return directory.id() == Inodes.rootOf(Inodes.exportOf(directory.id()));
    }

    /// @throws NfsException XDEV when a name would lead out of its export
    static void requireSameExport(FileHandle file, FileHandle directory) {
        if (Inodes.exportOf(file.inode()) != Inodes.exportOf(directory.inode())) {
            throw new NfsException(NfsStatus.XDEV, file + " and " + directory + " are of different exports");
        }
    }

    /// Makes `file` at a free `place`, both held.
    ///
    /// @return the directory after that, and the file
    /// @throws NfsException EXIST, ACCESS, PERM, MLINK
    public Made make(
            FileChange change,
            Place place,
            FileHandle file,
            Content content,
            SetAttributes wanted,
            CompoundState state) {
        state.requireWritable();
        requireFree(place);
        Caller caller = Caller.of(state);
        Inode directory = place.directory();
        directory.requireAllowed(caller, Rights.WRITE | Rights.EXECUTE);
        boolean isDirectory = content instanceof Content.Directory;
        Rights rights = wanted.rightsOfNew(directory, isDirectory, caller);
        Inode made = Inode.create(file, rights, wanted.timesOfNew(state.now()), content);
        change.put(made);
        return new Made(enter(change, place, made, state.now()), made);
    }

    /// What [#make] made.
    public record Made(ChangeInfo directory, Inode file) {}

    /// Gives `file` the free name of `place`, both held.
    ChangeInfo enter(FileChange change, Place place, Inode file, NfsTime now) {
        Inode before = place.directory();
        requireRoomForLink(before, file);
        Content.Directory names = directories.enter(change, before.id(), before.directory(), place.name(), file.file());
        Inode after = before.renamed(names, file.isDirectory() ? 1 : 0, now);
        change.put(after);
        return changed(before, after);
    }

    /// A subdirectory's `..` is a link to its parent.
    static void requireRoomForLink(Inode directory, Inode child) {
        if (child.isDirectory() && directory.links() >= Inode.MAX_LINKS) {
            throw new NfsException(NfsStatus.MLINK, directory + " has " + directory.links() + " links");
        }
    }

    /// Whoever may write a directory may remove from it; from a sticky one, only what is the caller's own.
    static void requireMayRemove(Place place, Inode file, Caller caller) {
        Inode directory = place.directory();
        directory.requireAllowed(caller, Rights.WRITE | Rights.EXECUTE);
        boolean sticky = (directory.rights().mode() & Rights.STICKY) != 0;
        if (sticky && !caller.isPrivileged() && !directory.isOwnedBy(caller) && !file.isOwnedBy(caller)) {
            throw new NfsException(NfsStatus.ACCESS, place + " belongs to another, and the directory is sticky");
        }
    }

    static void requireEmpty(Inode directory) {
        if (directory.directory().entries() > 0) {
            throw new NfsException(
                    NfsStatus.NOTEMPTY,
                    directory + " has " + directory.directory().entries() + " entries");
        }
    }

    /// What a directory's change attribute did while it was locked.
    static ChangeInfo changed(Inode before, Inode after) {
        return new ChangeInfo(true, before.change(), after.change());
    }
}
