package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.grant.HoldOutcome;
import pnfs.layout.grant.ProxyHold;
import pnfs.layout.grant.Want;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.mds.layout.LayoutGet;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.LayoutGetArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;

/// LAYOUTGET of a client that holds as many separate unwritten runs as it can list in a commit (Linux up to 6.12
/// forgets the others): zeros are written to what it asks for, which is then data, and needs no commit. So a
/// program that writes small pieces at random to a new file goes on writing straight to the data servers. All
/// other LAYOUTGETs go straight through, and so do those for which no zeros could be written.
final class Fill implements DeferredOperation<LayoutGetArgs> {
    private final ProxyFiles files;
    private final LayoutGet layoutGet;

    Fill(ProxyFiles files, LayoutGet layoutGet) {
        this.files = files;
        this.layoutGet = layoutGet;
    }

    @Override
    public void run(LayoutGetArgs args, CompoundState state, Consumer<OpResult> done) {
        files.start(
                state,
                file -> begin(file, layoutGet.want(args, state), state)
                        .<Decision>map(hold -> new Decision.Begin(new HoldOutcome.Held(hold)))
                        .orElseGet(() -> new Decision.Answer(() -> layoutGet.run(args, state))),
                (_, hold) -> fill(hold, args, state, done),
                done,
                Fill::refusal);
    }

    private Optional<ProxyHold> begin(Inode file, Want want, CompoundState state) {
        return file.isRegular() ? files.layouts.beginFill(file, state.clientId(), want) : Optional.empty();
    }

    private void fill(ProxyHold hold, LayoutGetArgs args, CompoundState state, Consumer<OpResult> done) {
        var all = new Gather(
                hold.extents().size(),
                failure -> files.finish(
                        hold,
                        failure,
                        () -> filled(hold, state),
                        // Where it failed there is an answer for that, too; and no executor is above us any more.
                        _ -> done.accept(files.answerOf(() -> layoutGet.run(args, state), Fill::refusal)),
                        Fill::refusal));
        for (Extent zeros : hold.extents()) {
            ByteRange file = zeros.file();
            files.io.write(zeros.device(), zeros.volumeOffset(), ByteBuffer.allocate((int) file.length()), all);
        }
    }

    private OpResult filled(ProxyHold hold, CompoundState state) {
        Inode file = files.inodes.requireCurrent(state);
        FileChange change = files.inodes.change();
        state.dependsOn(files.layouts.finishFill(change, file, hold));
        return new OpSuccess(OpCode.LAYOUTGET);
    }

    /// IO is no answer to it.
    private static OpResult refusal(NfsStatus status) {
        return new OpFailure(OpCode.LAYOUTGET, status == NfsStatus.IO ? NfsStatus.LAYOUTUNAVAILABLE : status);
    }
}
