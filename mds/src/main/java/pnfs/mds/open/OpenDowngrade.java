package pnfs.mds.open;

import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.OpenDowngradeArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpenDowngradeResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// OPEN_DOWNGRADE, RFC 8881 §18.18: gives some of the shares back.
final class OpenDowngrade implements Operation<OpenDowngradeArgs> {
    private final Inodes inodes;
    private final FileLocks locks;
    private final OpenFiles opens;

    OpenDowngrade(Inodes inodes, FileLocks locks, OpenFiles opens) {
        this.inodes = inodes;
        this.locks = locks;
        this.opens = opens;
    }

    @Override
    public OpResult run(OpenDowngradeArgs args, CompoundState state) {
        FileHandle file = state.currentFile();
        inodes.requireNotGone(file, state);
        Stateid stateid = state.resolveExactly(args.stateid());
        int access = args.shareAccess() & ShareBits.BOTH; // Linux leaves its wants in
        if (access == 0 || (args.shareDeny() & ~ShareBits.BOTH) != 0) {
            throw new NfsException(NfsStatus.INVAL, "access " + access + ", deny " + args.shareDeny());
        }
        try (var _ = locks.lock(file.inode())) {
            OpenState open = opens.require(stateid, file, state);
            FileChange change = inodes.change();
            opens.downgrade(change.batch(), open, access, args.shareDeny());
            opens.states().append(change, state);
            state.setCurrentStateid(open.stateid());
            return new OpenDowngradeResult(open.stateid());
        }
    }
}
