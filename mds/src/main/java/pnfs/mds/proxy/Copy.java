package pnfs.mds.proxy;

import java.util.Optional;
import java.util.function.Consumer;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.DeferredOperation;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CopyArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CopyResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.WriteResponse;

/// COPY between two files of this server, RFC 7862 §15.2: READ of the saved file and WRITE of the current one in
/// turns, as if the client had sent them, from the begin to the end. It is always synchronous, also where the
/// client would have waited for CB_OFFLOAD, and says so. A long copy ends early with the count of what was copied,
/// and the client asks for the rest.
final class Copy implements DeferredOperation<CopyArgs> {
    /// Moved at a time.
    private static final int PIECE_BYTES = 1 << 20;
    /// Moved by one COPY, which occupies a slot meanwhile.
    private static final long MOST_BYTES = 16L << 20;

    private final ProxyFiles files;
    private final Read read;
    private final Write write;
    private final long verifier;

    Copy(ProxyFiles files, Read read, Write write, long verifier) {
        this.files = files;
        this.read = read;
        this.write = write;
        this.verifier = verifier;
    }

    @Override
    public void run(CopyArgs args, CompoundState state, Consumer<OpResult> done) {
        if (!args.sourceServers().isEmpty()) {
            throw new NfsException(NfsStatus.NOTSUPP, "a copy from another server");
        }
        if (state.savedFile().equals(state.currentFile())) {
            throw new NfsException(NfsStatus.INVAL, "a copy of " + state.currentFile() + " to itself");
        }
        files.inodes.requireCurrent(state).regular();
        CompoundState source = state.ofSavedFile();
        Inode from = files.inodes.requireCurrent(source);
        from.regular();
        if (args.sourceOffset() > from.size() || args.count() > from.size() - args.sourceOffset()) {
            throw new NfsException(
                    NfsStatus.INVAL, args.count() + " bytes at " + args.sourceOffset() + " of " + from.size());
        }
        long count = args.count() == 0 ? from.size() - args.sourceOffset() : args.count();
        new Run(args, state, source, Math.min(count, MOST_BYTES), done).next();
    }

    /// One copy on its way. One writer: whoever answers the step before.
    private final class Run {
        private final CopyArgs args;
        private final CompoundState state;
        private final CompoundState source;
        private final long count;
        private final Consumer<OpResult> done;
        private long copied;

        Run(CopyArgs args, CompoundState state, CompoundState source, long count, Consumer<OpResult> done) {
            this.args = args;
            this.state = state;
            this.source = source;
            this.count = count;
            this.done = done;
        }

        void next() {
            int piece = (int) Math.min(PIECE_BYTES, count - copied);
            read.read(new ReadArgs(args.source(), args.sourceOffset() + copied, piece), source, this::wasRead);
        }

        private void wasRead(OpResult result) {
            if (!(result instanceof ReadResult data)) {
                end(result.status());
                return;
            }
            // Written also where there is nothing: the destination's stateid has to be good.
            write.run(
                    new WriteArgs(
                            args.destination(), args.destinationOffset() + copied, StableHow.FILE_SYNC, data.data()),
                    state,
                    this::wasWritten);
        }

        private void wasWritten(OpResult result) {
            if (!(result instanceof WriteResult written)) {
                end(result.status());
                return;
            }
            copied += written.count();
            if (copied < count && written.count() > 0) {
                next();
            } else {
                end(NfsStatus.OK);
            }
        }

        /// What was copied before a failure counts; the client meets the failure when it asks for the rest.
        private void end(NfsStatus status) {
            state.dependsOn(source.ticket());
            done.accept(
                    status == NfsStatus.OK || copied > 0
                            ? new CopyResult(
                                    new WriteResponse(Optional.empty(), copied, StableHow.FILE_SYNC, verifier),
                                    true,
                                    true)
                            : new OpFailure(OpCode.COPY, status));
        }
    }
}
