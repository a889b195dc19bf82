package pnfs.mds.proxy;

import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CommitResult;

/// COMMIT, RFC 8881 §18.3. Every WRITE was FILE_SYNC, so there is nothing to do but to say so.
final class Commit implements Operation<CommitArgs> {
    private final Inodes inodes;
    private final long verifier;

    Commit(Inodes inodes, long verifier) {
        this.inodes = inodes;
        this.verifier = verifier;
    }

    @Override
    public OpResult run(CommitArgs args, CompoundState state) {
        inodes.requireCurrent(state).regular();
        return new CommitResult(verifier);
    }
}
