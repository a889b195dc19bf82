package pnfs.mds.namespace;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.store.DamagedRecords;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsTime;

/// Files that have lost their last name but not yet their life: somebody has them open, or a client holds a
/// layout over their blocks. They are listed in the store, so that a restart does not forget them. Safe for any
/// thread.
public final class Orphans {
    private final MetadataStore store;
    private final Inodes inodes;
    private final FileLocks locks;
    private final FileSpace space;
    private final InUse inUse;

    /// Who keeps files alive; the open room implements it.
    @FunctionalInterface
    public interface InUse {
        /// Whether somebody has it open, or could take back that he had. Called under the file's lock.
        boolean mayBeOpen(long inode);
    }

    public Orphans(MetadataStore store, Inodes inodes, FileLocks locks, FileSpace space, InUse inUse) {
        this.store = store;
        this.inodes = inodes;
        this.locks = locks;
        this.space = space;
        this.inUse = inUse;
    }

    /// Takes one name from `file`, and with the last one its life or, if that cannot be yet, gives it a place
    /// in the list. Called under the file's lock.
    void unlink(FileChange change, Inode file, NfsTime now) {
        if (file.isDirectory()) {
            change.remove(file); // has one name, and nobody opens it
            return;
        }
        Inode less = file.linked(-1, now);
        if (less.links() > 0) {
            change.put(less);
        } else if (!end(change, less)) {
            change.put(less);
            change.batch().put(DirectoryRecords.orphanKey(less.id()), DirectoryRecords.writeOrphan());
        }
    }

    /// Ends `inode` if it is an orphan that nothing holds any more; otherwise nothing happens, nor where a
    /// record of it is damaged. For whoever held it last: a CLOSE, a returned layout. Takes the file's lock.
    public void reap(long inode) {
        store.damaged().leaveOut(() -> {
            if (orphan(inode) != null) {
                try (var _ = locks.lock(inode)) {
                    reapLocked(inode);
                }
            }
        });
    }

    private void reapLocked(long inode) {
        Inode file = orphan(inode);
        FileChange change = inodes.change();
        if (file != null && end(change, file)) {
            change.batch().delete(DirectoryRecords.orphanKey(inode));
            change.append();
        }
    }

    /// Null where it is gone, or has a name.
    private @Nullable Inode orphan(long inode) {
        Inode file = inodes.find(inode).value();
        return file != null && file.links() == 0 ? file : null;
    }

    /// Reaps all of them: after a restart, once clients have had their time to reclaim what they had open.
    public void reapAll() {
        var all = new ArrayList<Long>();
        DamagedRecords damaged = store.damaged();
        damaged.leaveOut(() -> store.scan(Keys.ORPHAN.first(), Keys.ORPHAN.end(), (key, value) -> {
            damaged.leaveOut(() -> all.add(DirectoryRecords.readOrphan(key, value)));
            return true;
        }));
        all.forEach(this::reap);
    }

    private boolean end(FileChange change, Inode file) {
        if (inUse.mayBeOpen(file.id()) || (file.isRegular() && !space.release(change, file))) {
            return false;
        }
        change.remove(file);
        return true;
    }
}
