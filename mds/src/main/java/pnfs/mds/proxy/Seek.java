package pnfs.mds.proxy;

import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.Operation;
import pnfs.mds.open.OpenFiles;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.SeekResult;
import pnfs.wire.nfs4.SeekWhat;
import pnfs.wire.nfs4.ShareBits;

/// SEEK, RFC 7862 §15.11: where data or a hole begins next, as the extents say. Storage that nobody wrote is a
/// hole, and a hole follows the end of every file. `eof` says that nothing of the kind is left before the end.
final class Seek implements Operation<SeekArgs> {
    private final ProxyFiles files;
    private final OpenFiles opens;

    Seek(ProxyFiles files, OpenFiles opens) {
        this.files = files;
        this.opens = opens;
    }

    @Override
    public OpResult run(SeekArgs args, CompoundState state) {
        FileHandle handle = state.currentFile();
        try (var _ = files.locks.lock(handle.inode())) {
            Inode file = files.inodes.require(handle, state);
            file.regular();
            opens.requireAccess(args.stateid(), file, ShareBits.READ, state);
            if (args.offset() >= file.size()) {
                throw new NfsException(NfsStatus.NXIO, "offset " + args.offset() + " in " + file.size() + " bytes");
            }
            state.dependsOn(files.layouts.ticketOf(file));
            long found = files.layouts.seek(file, args.offset(), args.what() == SeekWhat.DATA);
            return new SeekResult(found == file.size(), found);
        }
    }
}
