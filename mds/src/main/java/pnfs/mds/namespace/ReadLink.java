package pnfs.mds.namespace;

import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ReadLinkArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.ReadLinkResult;

/// READLINK, RFC 8881 §18.24.
final class ReadLink implements Operation<ReadLinkArgs> {
    private final Inodes inodes;

    ReadLink(Inodes inodes) {
        this.inodes = inodes;
    }

    @Override
    public OpResult run(ReadLinkArgs args, CompoundState state) {
        Inode inode = inodes.requireCurrent(state);
        if (inode.content() instanceof Content.Symlink(var target)) {
            return new ReadLinkResult(target);
        }
        throw new NfsException(NfsStatus.WRONG_TYPE, inode + " is no symbolic link");
    }
}
