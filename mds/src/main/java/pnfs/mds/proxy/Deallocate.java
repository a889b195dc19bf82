package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
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
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.nfs4.ShareBits;

/// DEALLOCATE, RFC 7862 §15.4: from now on a range reads as zeros, and its storage is free. Blocks that lie in it
/// in part are copied with zeros in the hole, and the copies take their place in the step that frees the rest: a
/// crash leaves all of it or nothing.
final class Deallocate implements DeferredOperation<DeallocateArgs> {
    private final ProxyFiles files;
    private final OpenFiles opens;

    Deallocate(ProxyFiles files, OpenFiles opens) {
        this.files = files;
        this.opens = opens;
    }

    @Override
    public void run(DeallocateArgs args, CompoundState state, Consumer<OpResult> done) {
        files.start(
                state,
                file -> decide(file, args, state),
                (file, hold) -> {
                    ByteRange hole = holeIn(file, args);
                    BlockIo.Done end =
                            failure -> files.finish(hold, failure, () -> punch(hold, state), done, Deallocate::refusal);
                    copyEdges(hold, hole, end);
                },
                done,
                Deallocate::refusal);
    }

    private Decision decide(Inode file, DeallocateArgs args, CompoundState state) {
        file.regular();
        opens.requireAccess(args.stateid(), file, ShareBits.WRITE, state);
        ByteRange hole = holeIn(file, args);
        if (hole.isEmpty()) {
            return new Decision.Answer(Deallocate::success);
        }
        return new Decision.Begin(files.layouts.beginPunch(file, state.clientId(), hole));
    }

    /// Beyond the end of a file all is zeros already, the rest of its last block too.
    private static ByteRange holeIn(Inode file, DeallocateArgs args) {
        FileRange range = args.range();
        if (range.isEmpty()) {
            throw new NfsException(NfsStatus.INVAL, "nothing at " + range.offset());
        }
        long end = range.end() >= file.size() ? ByteRange.alignUp(file.size()) : range.end();
        return new ByteRange(range.offset(), Math.max(range.offset(), end));
    }

    private void copyEdges(ProxyHold hold, ByteRange hole, BlockIo.Done end) {
        if (hold.copies().isEmpty()) {
            end.done(null);
            return;
        }
        var all = new Gather(hold.copies().size(), end);
        for (Extent copy : hold.copies()) {
            copyEdge(hold, copy, hole, all);
        }
    }

    private void copyEdge(ProxyHold hold, Extent copy, ByteRange hole, BlockIo.Done end) {
        ByteRange block = copy.file();
        ByteBuffer bytes = ByteBuffer.allocate((int) block.length());
        Transfer.readBlock(files.io, hold.extents(), block, bytes, unread -> {
            if (unread != null) {
                end.done(unread);
                return;
            }
            ByteRange zeros = hole.intersect(block);
            for (long at = zeros.offset(); at < zeros.end(); at++) {
                bytes.put((int) (at - block.offset()), (byte) 0);
            }
            files.io.write(copy.device(), copy.volumeOffset(), bytes, end);
        });
    }

    private OpResult punch(ProxyHold hold, CompoundState state) {
        Inode before = files.inodes.requireCurrent(state);
        FileChange change = files.inodes.change();
        state.dependsOn(files.layouts.finishPunch(
                change, before, hold, spaceUsed -> ProxyFiles.changed(before, before.size(), spaceUsed, state)));
        return success();
    }

    private static OpResult success() {
        return new OpSuccess(OpCode.DEALLOCATE);
    }

    private static OpResult refusal(NfsStatus status) {
        return new OpFailure(OpCode.DEALLOCATE, status);
    }
}
