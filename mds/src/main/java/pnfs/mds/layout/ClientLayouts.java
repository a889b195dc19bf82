package pnfs.mds.layout;

import java.util.Optional;
import pnfs.layout.grant.LayoutChanges;
import pnfs.layout.grant.LayoutManager;
import pnfs.layout.grant.LayoutManager.Recalled;
import pnfs.layout.grant.LayoutType;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.session.Clients;
import pnfs.mds.session.StateHolder;
import pnfs.wire.nfs4.NfsException;

/// All layouts of one client, for when it gives them back at once or is gone. Safe for any thread; takes each
/// file's lock in turn.
///
/// A client that is gone because it fell silent could still write to its blocks; its layouts are dropped all the
/// same.
final class ClientLayouts implements StateHolder {
    private final Clients clients;
    private final Inodes inodes;
    private final FileLocks locks;
    private final LayoutManager manager;
    private final FileLayouts layouts;
    private final Orphans orphans;

    ClientLayouts(
            Clients clients,
            Inodes inodes,
            FileLocks locks,
            LayoutManager manager,
            FileLayouts layouts,
            Orphans orphans) {
        this.clients = clients;
        this.inodes = inodes;
        this.locks = locks;
        this.manager = manager;
        this.layouts = layouts;
        this.orphans = orphans;
    }

    @Override
    public boolean holdsStateOf(long clientId) {
        return !manager.filesOf(clientId).isEmpty();
    }

    @Override
    public void release(long clientId) {
        giveBackAll(clientId, Optional.empty());
    }

    void giveBackAll(long clientId, Optional<LayoutType> type) {
        for (long inode : manager.filesOf(clientId)) {
            boolean orphan;
            try (var _ = locks.lock(inode)) {
                orphan = giveBack(inode, clientId, type);
            }
            if (orphan) {
                reap(inode);
            }
        }
    }

    /// What was recalled is not the client's any more, whatever the client thinks; nothing where it was returned.
    void giveBack(Recalled recalled) {
        boolean orphan;
        try (var _ = locks.lock(recalled.inode())) {
            orphan = manager.isOut(recalled)
                    && giveBack(recalled.inode(), recalled.client(), Optional.of(recalled.type()));
        }
        if (orphan) {
            reap(recalled.inode());
        }
    }

    /// Whether the file is to be reaped now.
    private boolean giveBack(long inode, long clientId, Optional<LayoutType> type) {
        Inode file = inodes.find(inode).value();
        if (file == null) {
            throw new IllegalStateException("layouts of inode " + inode + " outlived it");
        }
        giveBack(file, clientId, type);
        return file.links() == 0 && !manager.isHeld(inode);
    }

    /// Takes back what a client was just granted, if the client has been let go meanwhile: who let it go may have
    /// passed this file already. Under the file's lock.
    ///
    /// @throws NfsException EXPIRED
    void requireLive(Inode file, long clientId) {
        try {
            clients.checkLive(clientId);
        } catch (NfsException gone) {
            giveBack(file, clientId, Optional.empty());
            throw gone;
        }
    }

    private void giveBack(Inode file, long clientId, Optional<LayoutType> type) {
        try (var _ = layouts.lockSpace()) {
            append(file, manager.giveBackAll(layouts.view(file), clientId, type));
        }
    }

    /// Appends what a return changed, under the locks of the file and of space. Nobody waits for it: a crash
    /// that takes it back leaves storage that is the file's and unwritten.
    void append(Inode file, LayoutChanges changes) {
        if (!changes.isEmpty()) {
            FileChange change = inodes.change();
            change.put(FileLayouts.withSpaceUsed(file, changes.allocatedBytes()));
            layouts.append(change, file.id(), changes);
        }
    }

    /// The file has no name, and the last layout of it is gone.
    void reap(long inode) {
        orphans.reap(inode);
    }
}
