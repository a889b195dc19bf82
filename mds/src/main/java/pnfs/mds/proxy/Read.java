package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.ShareBits;

/// READ, RFC 8881 §18.22: committed data from the data servers, zeros for holes and for what was never committed.
final class Read implements DeferredOperation<ReadArgs> {
    /// Opcode, status, eof and length in front of the data, and the padding behind it.
    private static final int RESULT_OVERHEAD_BYTES = 4 * Integer.BYTES + 3;

    private final ProxyFiles files;
    private final OpenFiles opens;
    private final int maxBytes;

    Read(ProxyFiles files, OpenFiles opens, int maxBytes) {
        this.files = files;
        this.opens = opens;
        this.maxBytes = maxBytes;
    }

    @Override
    public void run(ReadArgs args, CompoundState state, Consumer<OpResult> done) {
        int most = Math.min(
                Math.min(args.count(), maxBytes), Math.max(0, state.resultBytesLeft() - RESULT_OVERHEAD_BYTES));
        files.start(
                state,
                file -> decide(file, args, most, state),
                (file, hold) -> begin(file, hold, args, most, done),
                done,
                status -> new OpFailure(OpCode.READ, status));
    }

    private Decision decide(Inode file, ReadArgs args, int most, CompoundState state) {
        ProxyFiles.requireRegular(file);
        opens.requireAccess(args.stateid(), file, ShareBits.READ, state);
        ByteRange range = range(file, args, most);
        if (range.isEmpty()) {
            return new Decision.Answer(() -> new ReadResult(range.offset() >= file.size(), ByteBuffer.allocate(0)));
        }
        state.dependsOn(files.layouts.ticketOf(file));
        return new Decision.Begin(files.layouts.beginRead(file, range));
    }

    private static ByteRange range(Inode file, ReadArgs args, int most) {
        long end = Math.min(file.size(), args.offset() > Long.MAX_VALUE - most ? Long.MAX_VALUE : args.offset() + most);
        return new ByteRange(args.offset(), Math.max(args.offset(), end));
    }

    private void begin(Inode file, ProxyHold hold, ReadArgs args, int most, Consumer<OpResult> done) {
        ByteRange range = range(file, args, most);
        ByteBuffer blocks = ByteBuffer.allocate((int) hold.range().length());
        Transfer.read(
                files.io,
                hold.extents(),
                hold.range(),
                blocks,
                failure -> files.finish(
                        hold,
                        failure,
                        () -> new ReadResult(
                                range.end() >= file.size(),
                                blocks.slice(
                                        (int) (range.offset() - hold.range().offset()), (int) range.length())),
                        done,
                        status -> new OpFailure(OpCode.READ, status)));
    }
}
