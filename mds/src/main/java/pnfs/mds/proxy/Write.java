package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.StableHow;

/// WRITE, RFC 8881 §18.32, in the three phases: storage is set aside, the data goes to the data servers, and
/// then one durable step makes extents, size and times the file's. Whatever stability was asked for, the answer
/// is FILE_SYNC: data servers acknowledge only what is persistent, so there is nothing to gain by promising
/// less.
final class Write implements DeferredOperation<WriteArgs> {
    private final ProxyFiles files;
    private final OpenFiles opens;
    private final long verifier;

    /// @param verifier of this run of the server
    Write(ProxyFiles files, OpenFiles opens, long verifier) {
        this.files = files;
        this.opens = opens;
        this.verifier = verifier;
    }

    @Override
    public void run(WriteArgs args, CompoundState state, Consumer<OpResult> done) {
        files.start(
                state,
                file -> decide(file, args, state),
                (file, hold) -> begin(hold, args, state, done),
                done,
                Write::refusal);
    }

    private Decision decide(Inode file, WriteArgs args, CompoundState state) {
        file.regular();
        opens.requireAccess(args.stateid(), file, ShareBits.WRITE, state);
        int length = args.data().remaining();
        if (length == 0) {
            return new Decision.Answer(() -> new WriteResult(0, StableHow.FILE_SYNC, verifier));
        }
        ByteRange range = ProxyFiles.requireRange(args.offset(), length);
        return new Decision.Begin(files.layouts.beginWrite(file, state.clientId(), range));
    }

    private void begin(ProxyHold hold, WriteArgs args, CompoundState state, Consumer<OpResult> done) {
        ByteBuffer data = args.data().duplicate();
        Transfer.widen(files.io, hold.extents(), hold.range(), args.offset(), data, (whole, failure) -> {
            if (failure != null) {
                end(hold, failure, args, state, done);
            } else {
                Transfer.write(
                        files.io, hold.extents(), hold.range(), whole, wrong -> end(hold, wrong, args, state, done));
            }
        });
    }

    private void end(
            ProxyHold hold,
            BlockIo.@Nullable IoFailure failure,
            WriteArgs args,
            CompoundState state,
            Consumer<OpResult> done) {
        files.finish(hold, failure, () -> commit(hold, args, state), done, Write::refusal);
    }

    private OpResult commit(ProxyHold hold, WriteArgs args, CompoundState state) {
        Inode before = files.inodes.requireCurrent(state); // it may have been removed meanwhile
        int length = args.data().remaining();
        long size = Math.max(before.size(), args.offset() + length);
        FileChange change = files.inodes.change();
        state.dependsOn(files.layouts.finishWrite(
                change, before, hold, spaceUsed -> ProxyFiles.changed(before, size, spaceUsed, state)));
        return new WriteResult(length, StableHow.FILE_SYNC, verifier);
    }

    private static OpResult refusal(NfsStatus status) {
        return new OpFailure(OpCode.WRITE, status);
    }
}
