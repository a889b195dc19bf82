package pnfs.mds.attribute;

import java.util.function.Consumer;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.OpFailure;

/// GETATTR, RFC 8881 §18.7: whoever may name a file may ask. A client that writes unseen is asked what it made
/// of the file (§10.4.3).
final class GetAttr implements DeferredOperation<GetAttrArgs> {
    private static final Bitmap MOVED_BY_WRITES =
            Bitmap.of(Attribute.CHANGE, Attribute.SIZE, Attribute.TIME_MODIFY, Attribute.TIME_METADATA);

    private final Inodes inodes;
    private final FileAttributes attributes;

    GetAttr(Inodes inodes, FileAttributes attributes) {
        this.inodes = inodes;
        this.attributes = attributes;
    }

    @Override
    public void run(GetAttrArgs args, CompoundState state, Consumer<OpResult> done) {
        Inode file = inodes.requireCurrent(state);
        if (!file.isRegular() || !args.attributes().intersects(MOVED_BY_WRITES)) {
            done.accept(read(file, args, state));
            return;
        }
        inodes.delegates()
                .latest(
                        file,
                        state,
                        latest -> done.accept(read(latest, args, state)),
                        status -> done.accept(new OpFailure(OpCode.GETATTR, status)));
    }

    private OpResult read(Inode file, GetAttrArgs args, CompoundState state) {
        return new GetAttrResult(attributes.read(file, args.attributes(), state));
    }
}
