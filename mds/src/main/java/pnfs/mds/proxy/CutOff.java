package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.grant.HoldOutcome;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.mds.compound.Operation;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.SetAttrResult;

/// SETATTR of a size that falls inside a block with data: the block is copied first, with zeros behind the new
/// end, and the copy takes its place in the same durable step as the size. So a crash leaves all of the old
/// tail or none of it, and a file that grows again reads zeros there. All other SETATTRs go straight through.
final class CutOff implements DeferredOperation<SetAttrArgs> {
    private final ProxyFiles files;
    private final Operation<SetAttrArgs> setAttr;

    CutOff(ProxyFiles files, Operation<SetAttrArgs> setAttr) {
        this.files = files;
        this.setAttr = setAttr;
    }

    @Override
    public void run(SetAttrArgs args, CompoundState state, Consumer<OpResult> done) {
        state.requireWritable();
        long size = sizeIn(args);
        if (size < 0 || size % ByteRange.BLOCK_BYTES == 0) {
            done.accept(setAttr.run(args, state));
            return;
        }
        files.start(
                state,
                file -> (file.isRegular() ? files.layouts.beginCut(file, size) : Optional.<HoldOutcome>empty())
                        .<Decision>map(Decision.Begin::new)
                        .orElseGet(() -> new Decision.Answer(() -> setAttr.run(args, state))),
                (file, hold) -> begin(hold, size, args, state, done),
                done,
                CutOff::refusal);
    }

    private static long sizeIn(SetAttrArgs args) {
        if (!args.attributes().attributes().has(Attribute.SIZE)) {
            return -1;
        }
        try {
            return AttributeCodec.read(args.attributes()).size();
        } catch (NfsException judgedByTheOrdinaryOne) {
            return -1;
        }
    }

    private void begin(ProxyHold hold, long size, SetAttrArgs args, CompoundState state, Consumer<OpResult> done) {
        Extent copy = hold.tailCopy().orElseThrow();
        ByteRange block = copy.file();
        ByteBuffer bytes = ByteBuffer.allocate((int) block.length());
        Transfer.read(files.io, hold.extents(), block, bytes, unread -> {
            if (unread != null) {
                files.finish(hold, unread, CutOff::unreachable, done, CutOff::refusal);
                return;
            }
            for (int at = (int) (size - block.offset()); at < bytes.limit(); at++) {
                bytes.put(at, (byte) 0);
            }
            files.io.write(copy.device(), copy.volumeOffset(), bytes, unwritten -> {
                if (unwritten != null) {
                    files.finish(hold, unwritten, CutOff::unreachable, done, CutOff::refusal);
                } else {
                    copied(hold, size, args, state, done);
                }
            });
        });
    }

    private void copied(ProxyHold hold, long size, SetAttrArgs args, CompoundState state, Consumer<OpResult> done) {
        try (var _ = files.locks.lock(hold.inode())) {
            files.layouts.copied(hold, size);
        }
        // It takes the file's lock itself, so it runs before the last step and not as it; and no executor is above us
        // any
        // more to answer for what it refuses: the file may have been closed meanwhile.
        OpResult result = files.answerOf(() -> setAttr.run(args, state), CutOff::refusal);
        files.finish(hold, null, () -> result, done, CutOff::refusal);
    }

    private static OpResult unreachable() {
        throw new IllegalStateException("a cut that failed went on");
    }

    private static OpResult refusal(NfsStatus status) {
        return new SetAttrResult(status, Bitmap.EMPTY);
    }
}
