package pnfs.mds.attribute;

import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;

/// GETATTR, RFC 8881 §18.7: whoever may name a file may ask.
final class GetAttr implements Operation<GetAttrArgs> {
    private final Inodes inodes;
    private final FileAttributes attributes;

    GetAttr(Inodes inodes, FileAttributes attributes) {
        this.inodes = inodes;
        this.attributes = attributes;
    }

    @Override
    public OpResult run(GetAttrArgs args, CompoundState state) {
        return new GetAttrResult(attributes.read(inodes.requireCurrent(state), args.attributes(), state));
    }
}
