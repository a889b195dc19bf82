package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.ProxyHold;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.proxy.ProxyFiles.Decision;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.ReadPlusArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.ReadPlusResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.ReadPlusContent;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// READ, RFC 8881 §18.22: committed data from the data servers, zeros for holes and for what was never committed.
/// And READ_PLUS, RFC 7862 §15.10, which says where those zeros are and sends none.
final class Read {
    /// Opcode, status, eof and length in front of the data, and the padding behind it.
    private static final int RESULT_OVERHEAD_BYTES = 4 * Integer.BYTES + 3;

    /// Pieces of a file in one READ_PLUS; it ends early where there are more.
    private static final int MAX_CONTENTS = 64;
    /// Kind, offset, length and padding of each.
    private static final int CONTENT_OVERHEAD_BYTES = Integer.BYTES + 2 * Long.BYTES + 3;

    private final ProxyFiles files;
    private final OpenFiles opens;
    private final int maxBytes;

    Read(ProxyFiles files, OpenFiles opens, int maxBytes) {
        this.files = files;
        this.opens = opens;
        this.maxBytes = maxBytes;
    }

    /// What of which file is wanted, and how it is answered.
    ///
    /// @param most bytes of file that the answer can have
    private record Request(OpCode op, Stateid stateid, long offset, int most, Answer answer) {
        /// Of a file, as far as it goes.
        ByteRange rangeIn(Inode file) {
            long end = Math.min(file.size(), offset > Long.MAX_VALUE - most ? Long.MAX_VALUE : offset + most);
            return new ByteRange(offset, Math.max(offset, end));
        }
    }

    /// Makes a result of the bytes of a range.
    private interface Answer {
        /// @param tiles of the blocks that the range lies in
        OpResult of(ByteRange range, List<Extent> tiles, ByteBuffer data, long fileSize);
    }

    void read(ReadArgs args, CompoundState state, Consumer<OpResult> done) {
        int most = most(args.count(), RESULT_OVERHEAD_BYTES, state);
        start(new Request(OpCode.READ, args.stateid(), args.offset(), most, Read::readResult), state, done);
    }

    void readPlus(ReadPlusArgs args, CompoundState state, Consumer<OpResult> done) {
        int overhead = RESULT_OVERHEAD_BYTES + MAX_CONTENTS * CONTENT_OVERHEAD_BYTES;
        int most = most(args.count(), overhead, state);
        start(new Request(OpCode.READ_PLUS, args.stateid(), args.offset(), most, Read::readPlusResult), state, done);
    }

    private int most(int wanted, int overheadBytes, CompoundState state) {
        return Math.min(Math.min(wanted, maxBytes), Math.max(0, state.resultBytesLeft() - overheadBytes));
    }

    private void start(Request request, CompoundState state, Consumer<OpResult> done) {
        files.start(
                state,
                file -> decide(file, request, state),
                (file, hold) -> begin(file, hold, request, done),
                done,
                status -> new OpFailure(request.op, status));
    }

    private Decision decide(Inode file, Request request, CompoundState state) {
        file.regular();
        opens.requireAccess(request.stateid, file, ShareBits.READ, state);
        ByteRange range = request.rangeIn(file);
        if (range.isEmpty()) {
            return new Decision.Answer(() -> request.answer.of(range, List.of(), ByteBuffer.allocate(0), file.size()));
        }
        state.dependsOn(files.layouts.ticketOf(file));
        return new Decision.Begin(files.layouts.beginRead(file, state.clientId(), range));
    }

    private void begin(Inode file, ProxyHold hold, Request request, Consumer<OpResult> done) {
        ByteRange range = request.rangeIn(file);
        ByteBuffer blocks = ByteBuffer.allocate((int) hold.range().length());
        Transfer.read(
                files.io,
                hold.extents(),
                hold.range(),
                blocks,
                failure -> files.finish(
                        hold,
                        failure,
                        () -> request.answer.of(
                                range,
                                hold.extents(),
                                blocks.slice(
                                        (int) (range.offset() - hold.range().offset()), (int) range.length()),
                                file.size()),
                        done,
                        status -> new OpFailure(request.op, status)));
    }

    private static OpResult readResult(ByteRange range, List<Extent> tiles, ByteBuffer data, long fileSize) {
        return new ReadResult(range.end() >= fileSize, data);
    }

    private static OpResult readPlusResult(ByteRange range, List<Extent> tiles, ByteBuffer data, long fileSize) {
        var contents = new ArrayList<ReadPlusContent>();
        long at = range.offset();
        int tile = 0;
        while (at < range.end() && contents.size() < MAX_CONTENTS) {
            boolean isData = isData(tiles.get(tile));
            long end = at;
            for (; tile < tiles.size() && isData(tiles.get(tile)) == isData; tile++) {
                end = Math.min(range.end(), tiles.get(tile).file().end());
            }
            contents.add(
                    isData
                            ? new ReadPlusContent.Data(at, data.slice((int) (at - range.offset()), (int) (end - at)))
                            : new ReadPlusContent.Hole(at, end - at));
            at = end;
        }
        return new ReadPlusResult(at >= fileSize, contents);
    }

    private static boolean isData(Extent tile) {
        return tile.state() == ExtentState.READ_WRITE_DATA;
    }
}
