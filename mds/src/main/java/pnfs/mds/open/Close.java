package pnfs.mds.open;

import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.session.StateHolder;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CloseResult;
import pnfs.wire.nfs4.Stateid;

/// CLOSE, RFC 8881 §18.2, and the end of all that a client has open.
final class Close implements Operation<CloseArgs>, StateHolder {
    private final Inodes inodes;
    private final FileLocks locks;
    private final OpenFiles opens;
    private final Orphans orphans;

    Close(Inodes inodes, FileLocks locks, OpenFiles opens, Orphans orphans) {
        this.inodes = inodes;
        this.locks = locks;
        this.opens = opens;
        this.orphans = orphans;
    }

    @Override
    public OpResult run(CloseArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        inodes.requireNotGone(file, state);
        Stateid stateid = state.resolveExactly(args.stateid());
        try (var _ = locks.lock(file.inode())) {
            OpenState open = opens.require(stateid, file, state);
            close(open);
            state.setCurrentStateid(open.stateid()); // which names nothing any more
        }
        orphans.reap(file.inode());
        return new CloseResult(Stateid.INVALID);
    }

    @Override
    public boolean holdsStateOf(long clientId) {
        return !opens.of(clientId).isEmpty();
    }

    @Override
    public void release(long clientId) {
        for (OpenState open : opens.of(clientId)) {
            try (var _ = locks.lock(open.file().inode())) {
                close(open);
            }
            orphans.reap(open.file().inode());
        }
    }

    /// No reply shows anything of this: none waits for it.
    private void close(OpenState open) {
        FileChange change = inodes.change();
        opens.close(change.batch(), open);
        change.append();
    }
}
