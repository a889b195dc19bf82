package pnfs.mds.namespace;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Operation;
import pnfs.mds.store.CorruptStoreException;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.NfsTime;
import pnfs.wire.nfs4.OpArgs.RenameArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.RenameResult;

/// RENAME, RFC 8881 §18.26, with the cases of POSIX: a target of the same kind is replaced in the same step,
/// two names of one file stay as they are, and no directory moves into itself.
final class Rename implements Operation<RenameArgs> {
    private final Inodes inodes;
    private final Namespace namespace;
    private final Orphans orphans;

    /// Held while a name goes from one directory to another, before any file's lock: so no directory's
    /// ancestors change while somebody walks up along them.
    private final ReentrantLock moves = new ReentrantLock();

    Rename(Inodes inodes, Namespace namespace, Orphans orphans) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.orphans = orphans;
    }

    @Override
    public OpResult run(RenameArgs args, CompoundState state) {
        state.requireWritable();
        Namespace.requireSameExport(state.savedFile(), state.currentFile());
        var from = new Place.Spot(state.savedFile(), args.oldName());
        var to = new Place.Spot(state.currentFile(), args.newName());
        if (from.directory().equals(to.directory())) {
            return rename(from, to, state);
        }
        moves.lock();
        try {
            return rename(from, to, state);
        } finally {
            moves.unlock();
        }
    }

    private OpResult rename(Place.Spot from, Place.Spot to, CompoundState state) {
        try (var hold = namespace.hold(state, from.directory().inode(), from, to)) {
            Place source = hold.place(0);
            Place target = hold.place(1);
            Inode file = Namespace.requireFile(source);
            Caller caller = Caller.of(state);
            Namespace.requireMayRemove(source, file, caller);
            target.directory().requireAllowed(caller, Rights.WRITE | Rights.EXECUTE);
            Inode replaced = target.entry() == null ? null : Namespace.requireFile(target);
            if (replaced != null && replaced.id() == file.id()) {
                return new RenameResult(unchanged(source.directory()), unchanged(target.directory()));
            }
            boolean moves = !from.directory().equals(to.directory());
            if (file.isDirectory() && moves) {
                // Its `..` is going to be written.
                file.requireAllowed(caller, Rights.WRITE);
                requireNotInside(target.directory(), file, state);
            }
            if (replaced != null) {
                requireReplaceable(target, replaced, file, caller);
            }
            FileChange change = inodes.change();
            if (replaced != null) {
                orphans.unlink(change, replaced, state.now());
            }
            change.put(
                    file.isDirectory() && moves
                            ? file.moved(to.directory(), state.now())
                            : file.linked(0, state.now()));
            OpResult result = moves
                    ? move(change, source, target, file, replaced, state.now())
                    : renameInside(change, source, target, replaced, state.now());
            change.append(state);
            return result;
        }
    }

    private OpResult renameInside(
            FileChange change, Place source, Place target, @Nullable Inode replaced, NfsTime now) {
        Directories directories = namespace.directories();
        Inode before = source.directory();
        Content.Directory names = before.directory();
        if (replaced != null) {
            names = directories.drop(change, before.id(), names, Namespace.requireEntry(target));
        }
        names = directories.rename(change, before.id(), names, Namespace.requireEntry(source), target.name());
        Inode after = before.renamed(names, -subdirectories(replaced), now);
        change.put(after);
        ChangeInfo info = Namespace.changed(before, after);
        return new RenameResult(info, info);
    }

    private OpResult move(
            FileChange change, Place source, Place target, Inode file, @Nullable Inode replaced, NfsTime now) {
        Directories directories = namespace.directories();
        Inode from = source.directory();
        Inode to = target.directory();
        if (replaced == null) {
            Namespace.requireRoomForLink(to, file);
        }
        Content.Directory left = directories.drop(change, from.id(), from.directory(), Namespace.requireEntry(source));
        Content.Directory names = to.directory();
        if (replaced != null) {
            names = directories.drop(change, to.id(), names, Namespace.requireEntry(target));
        }
        names = directories.enter(change, to.id(), names, target.name(), file.file());
        int moved = subdirectories(file);
        Inode fromAfter = from.renamed(left, -moved, now);
        Inode toAfter = to.renamed(names, moved - subdirectories(replaced), now);
        change.put(fromAfter);
        change.put(toAfter);
        return new RenameResult(Namespace.changed(from, fromAfter), Namespace.changed(to, toAfter));
    }

    private static int subdirectories(@Nullable Inode file) {
        return file != null && file.isDirectory() ? 1 : 0;
    }

    private static void requireReplaceable(Place target, Inode replaced, Inode by, Caller caller) {
        Namespace.requireMayRemove(target, replaced, caller);
        if (replaced.isDirectory() && !by.isDirectory()) {
            throw new NfsException(NfsStatus.ISDIR, target + " is a directory");
        }
        if (!replaced.isDirectory() && by.isDirectory()) {
            throw new NfsException(NfsStatus.NOTDIR, target + " is no directory");
        }
        if (replaced.isDirectory()) {
            Namespace.requireEmpty(replaced);
        }
    }

    /// Walks up from `directory` to the root.
    private void requireNotInside(Inode directory, Inode moved, CompoundState state) {
        Inode step = directory;
        while (!Namespace.isRoot(step)) {
            if (step.id() == moved.id()) {
                throw new NfsException(NfsStatus.INVAL, moved + " would move into itself");
            }
            FileHandle parent = step.directory().parent();
            Inode above = inodes.find(parent.inode(), state);
            if (above == null) {
                throw new CorruptStoreException(step + " has a parent that is not there: " + parent);
            }
            step = above;
        }
    }

    private static ChangeInfo unchanged(Inode directory) {
        return Namespace.changed(directory, directory);
    }
}
