package pnfs.mds.proxy;

import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.Operation;
import pnfs.mds.open.OpenFiles;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.OpArgs.IoAdviseArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.IoAdviseResult;

/// IO_ADVISE, RFC 7862 §15.5. Data servers have nothing to read ahead or to drop, so no hint is followed, and that
/// is what the answer says.
final class Advise implements Operation<IoAdviseArgs> {
    private static final int NO_ACCESS = 0;

    private final ProxyFiles files;
    private final OpenFiles opens;

    Advise(ProxyFiles files, OpenFiles opens) {
        this.files = files;
        this.opens = opens;
    }

    @Override
    public OpResult run(IoAdviseArgs args, CompoundState state) {
        Inode file = files.inodes.requireCurrent(state);
        file.regular();
        opens.requireAccess(args.stateid(), file, NO_ACCESS, state);
        return new IoAdviseResult(Bitmap.EMPTY);
    }
}
