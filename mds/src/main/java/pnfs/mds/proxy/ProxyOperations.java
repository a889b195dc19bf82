package pnfs.mds.proxy;

import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Operation;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpCode;

/// What this room brings to the [OpTable].
public final class ProxyOperations {
    private ProxyOperations() {}

    /// Adds the operations.
    ///
    /// @param setAttr the ordinary SETATTR, which this room prepares cuts for
    /// @param verifier of this run of the server: it changes whenever uncommitted data may have been lost
    /// @param maxReadBytes longest READ
    public static void register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            FileLayouts layouts,
            Orphans orphans,
            BlockIo io,
            OpenFiles opens,
            Operation<SetAttrArgs> setAttr,
            long verifier,
            int maxReadBytes) {
        var files = new ProxyFiles(inodes, locks, layouts, orphans, io);
        table.registerDeferred(OpCode.READ, ReadArgs.class, new Read(files, opens, maxReadBytes));
        table.registerDeferred(OpCode.WRITE, WriteArgs.class, new Write(files, opens, verifier));
        table.registerDeferred(OpCode.SETATTR, SetAttrArgs.class, new CutOff(files, setAttr));
        table.register(OpCode.COMMIT, CommitArgs.class, new Commit(inodes, verifier));
    }
}
