package pnfs.mds.proxy;

import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.AllocateArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.ShareBits;

/// ALLOCATE, RFC 7862 §15.1: storage under every block of a range, so that writing there cannot fail for want of
/// space. What had none is unwritten storage then, and reads as zeros. No data moves; it is deferred only because
/// other I/O of ours may be in the way.
final class Allocate implements DeferredOperation<AllocateArgs> {
    private final ProxyFiles files;
    private final OpenFiles opens;

    Allocate(ProxyFiles files, OpenFiles opens) {
        this.files = files;
        this.opens = opens;
    }

    @Override
    public void run(AllocateArgs args, CompoundState state, Consumer<OpResult> done) {
        files.start(
                state,
                file -> decide(file, args, state),
                (_, hold) -> files.finish(hold, null, () -> allocate(hold, args, state), done, Allocate::refusal),
                done,
                Allocate::refusal);
    }

    private Decision decide(Inode file, AllocateArgs args, CompoundState state) {
        file.regular();
        opens.requireAccess(args.stateid(), file, ShareBits.WRITE, state);
        return new Decision.Begin(files.layouts.beginAllocate(file, range(args.range())));
    }

    private OpResult allocate(ProxyHold hold, AllocateArgs args, CompoundState state) {
        Inode before = files.inodes.requireCurrent(state);
        long size = Math.max(before.size(), args.range().end());
        FileChange change = files.inodes.change();
        state.dependsOn(files.layouts.finishAllocate(
                change, before, hold, spaceUsed -> ProxyFiles.changed(before, size, spaceUsed, state)));
        return new OpSuccess(OpCode.ALLOCATE);
    }

    /// A range with a length.
    ///
    /// @throws NfsException INVAL where it has none, FBIG where no file can be so long
    static ByteRange range(FileRange range) {
        if (range.isEmpty()) {
            throw new NfsException(NfsStatus.INVAL, "nothing at " + range.offset());
        }
        return ProxyFiles.requireRange(range.offset(), range.length());
    }

    private static OpResult refusal(NfsStatus status) {
        return new OpFailure(OpCode.ALLOCATE, status);
    }
}
