package pnfs.mds.proxy;

import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Operation;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.layout.LayoutGet;
import pnfs.mds.namespace.Orphans;
import pnfs.mds.open.OpenFiles;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpArgs.CommitArgs;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.IoAdviseArgs;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpArgs.OffloadCancelArgs;
import pnfs.wire.nfs4.OpArgs.OffloadStatusArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpArgs.SeekArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.Stateid;

/// What this room brings to the [OpTable].
public final class ProxyOperations {
    private ProxyOperations() {}

    /// Adds the operations.
    ///
    /// @param setAttr the ordinary SETATTR, which this room prepares cuts for
    /// @param layoutGet the ordinary LAYOUTGET, for which this room writes zeros
    /// @param verifier of this run of the server: it changes whenever uncommitted data may have been lost
    /// @param maxReadBytes longest READ
    /// @return what moves files between volumes, beside these operations
    public static Relocation register(
            OpTable table,
            Inodes inodes,
            FileLocks locks,
            FileLayouts layouts,
            Orphans orphans,
            BlockIo io,
            OpenFiles opens,
            Operation<SetAttrArgs> setAttr,
            LayoutGet layoutGet,
            long verifier,
            int maxReadBytes) {
        var files = new ProxyFiles(inodes, locks, layouts, orphans, io);
        var read = new Read(files, opens, maxReadBytes);
        var write = new Write(files, opens, verifier);
        table.registerDeferred(OpCode.READ, ReadArgs.class, read::read);
        table.registerDeferred(OpCode.READ_PLUS, ReadPlusArgs.class, read::readPlus);
        table.registerDeferred(OpCode.WRITE, WriteArgs.class, write);
        table.registerDeferred(OpCode.COPY, CopyArgs.class, new Copy(files, read, write, verifier));
        table.registerDeferred(OpCode.ALLOCATE, AllocateArgs.class, new Allocate(files, opens));
        table.registerDeferred(OpCode.DEALLOCATE, DeallocateArgs.class, new Deallocate(files, opens));
        table.register(OpCode.SEEK, SeekArgs.class, new Seek(files, opens));
        table.register(OpCode.IO_ADVISE, IoAdviseArgs.class, new Advise(files, opens));
        table.register(OpCode.OFFLOAD_STATUS, OffloadStatusArgs.class, (args, _) -> nothingUnderWay(args.stateid()));
        table.register(OpCode.OFFLOAD_CANCEL, OffloadCancelArgs.class, (args, _) -> nothingUnderWay(args.stateid()));
        table.registerDeferred(OpCode.SETATTR, SetAttrArgs.class, new CutOff(files, setAttr));
        table.registerDeferred(OpCode.LAYOUTGET, LayoutGetArgs.class, new Fill(files, layoutGet));
        table.register(OpCode.COMMIT, CommitArgs.class, new Commit(inodes, verifier));
        return new Relocation(files);
    }

    /// No copy goes on after its answer, so no stateid names one.
    private static OpResult nothingUnderWay(Stateid stateid) {
        throw new NfsException(NfsStatus.BAD_STATEID, "no copy " + stateid);
    }
}
