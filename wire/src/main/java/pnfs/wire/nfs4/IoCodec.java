package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readBytes63;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readMaximum;
import static pnfs.wire.nfs4.CommonCodec.readOptional;
import static pnfs.wire.nfs4.CommonCodec.readPayload;
import static pnfs.wire.nfs4.CommonCodec.readRange;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeList;
import static pnfs.wire.nfs4.CommonCodec.writeOptional;
import static pnfs.wire.nfs4.CommonCodec.writePayload;
import static pnfs.wire.nfs4.CommonCodec.writeRange;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Data: RFC 8881 §18.3, §18.22, §18.32, RFC 7862 §15. Every read undoes the write of the same name. Payloads
/// are not copied: what is read is a view of the message, what is written travels as a view if it is long.
final class IoCodec {
    private static final int CONTENT_BYTES = 2 * Integer.BYTES + Long.BYTES;

    private IoCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.IoFamily family) {
        switch (family) {
            case OpArgs.ReadArgs args -> writeReadArgs(out, args);
            case OpArgs.WriteArgs args -> writeWriteArgs(out, args);
            case OpArgs.CommitArgs args -> writeCommitArgs(out, args);
            case OpArgs.AllocateArgs args -> writeAllocateArgs(out, args);
            case OpArgs.DeallocateArgs args -> writeDeallocateArgs(out, args);
            case OpArgs.IoAdviseArgs args -> writeIoAdviseArgs(out, args);
            case OpArgs.ReadPlusArgs args -> writeReadPlusArgs(out, args);
            case OpArgs.SeekArgs args -> writeSeekArgs(out, args);
            case OpArgs.WriteSameArgs args -> writeWriteSameArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.IoFamily family) {
        switch (family) {
            case OpResult.ReadResult result -> writeReadResult(out, result);
            case OpResult.WriteResult result -> writeWriteResult(out, result);
            case OpResult.CommitResult result -> writeCommitResult(out, result);
            case OpResult.IoAdviseResult result -> writeIoAdviseResult(out, result);
            case OpResult.ReadPlusResult result -> writeReadPlusResult(out, result);
            case OpResult.SeekResult result -> writeSeekResult(out, result);
            case OpResult.WriteSameResult result -> writeWriteSameResult(out, result);
        }
    }

    private static void writeReadArgs(XdrWriter out, OpArgs.ReadArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint64(args.offset());
        out.writeUint32(args.count());
    }

    static OpArgs.ReadArgs readReadArgs(XdrReader in) {
        var stateid = readStateid(in);
        var offset = readBytes63(in);
        var count = readMaximum(in);
        return new OpArgs.ReadArgs(stateid, offset, count);
    }

    private static void writeReadResult(XdrWriter out, OpResult.ReadResult result) {
        out.writeBool(result.eof());
        writePayload(out, result.data());
    }

    static OpResult.ReadResult readReadResult(XdrReader in) {
        var eof = in.readBool();
        var data = readPayload(in);
        return new OpResult.ReadResult(eof, data);
    }

    private static void writeWriteArgs(XdrWriter out, OpArgs.WriteArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint64(args.offset());
        out.writeUint32(args.stable().wire());
        writePayload(out, args.data());
    }

    static OpArgs.WriteArgs readWriteArgs(XdrReader in) {
        var stateid = readStateid(in);
        var offset = readBytes63(in, NfsStatus.FBIG);
        var stable = StableHow.fromWire(in.readUint32());
        var data = readPayload(in);
        return new OpArgs.WriteArgs(stateid, offset, stable, data);
    }

    private static void writeWriteResult(XdrWriter out, OpResult.WriteResult result) {
        out.writeUint32(result.count());
        out.writeUint32(result.committed().wire());
        out.writeUint64(result.verifier());
    }

    static OpResult.WriteResult readWriteResult(XdrReader in) {
        var count = readMaximum(in);
        var committed = StableHow.fromWire(in.readUint32());
        var verifier = in.readUint64();
        return new OpResult.WriteResult(count, committed, verifier);
    }

    private static void writeCommitArgs(XdrWriter out, OpArgs.CommitArgs args) {
        out.writeUint64(args.offset());
        out.writeUint32((int) args.count());
    }

    static OpArgs.CommitArgs readCommitArgs(XdrReader in) {
        var offset = readBytes63(in);
        var count = Integer.toUnsignedLong(in.readUint32());
        return new OpArgs.CommitArgs(offset, count);
    }

    private static void writeCommitResult(XdrWriter out, OpResult.CommitResult result) {
        out.writeUint64(result.verifier());
    }

    static OpResult.CommitResult readCommitResult(XdrReader in) {
        var verifier = in.readUint64();
        return new OpResult.CommitResult(verifier);
    }

    private static void writeAllocateArgs(XdrWriter out, OpArgs.AllocateArgs args) {
        writeStateid(out, args.stateid());
        writeRange(out, args.range());
    }

    static OpArgs.AllocateArgs readAllocateArgs(XdrReader in) {
        var stateid = readStateid(in);
        var range = readRange(in);
        return new OpArgs.AllocateArgs(stateid, range);
    }

    private static void writeDeallocateArgs(XdrWriter out, OpArgs.DeallocateArgs args) {
        writeStateid(out, args.stateid());
        writeRange(out, args.range());
    }

    static OpArgs.DeallocateArgs readDeallocateArgs(XdrReader in) {
        var stateid = readStateid(in);
        var range = readRange(in);
        return new OpArgs.DeallocateArgs(stateid, range);
    }

    private static void writeIoAdviseArgs(XdrWriter out, OpArgs.IoAdviseArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint64(args.offset());
        out.writeUint64(args.count());
        writeBitmap(out, args.hints());
    }

    static OpArgs.IoAdviseArgs readIoAdviseArgs(XdrReader in) {
        var stateid = readStateid(in);
        var offset = readBytes63(in);
        var count = readBytes63(in);
        var hints = readBitmap(in);
        return new OpArgs.IoAdviseArgs(stateid, offset, count, hints);
    }

    private static void writeIoAdviseResult(XdrWriter out, OpResult.IoAdviseResult result) {
        writeBitmap(out, result.hints());
    }

    static OpResult.IoAdviseResult readIoAdviseResult(XdrReader in) {
        var hints = readBitmap(in);
        return new OpResult.IoAdviseResult(hints);
    }

    private static void writeReadPlusArgs(XdrWriter out, OpArgs.ReadPlusArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint64(args.offset());
        out.writeUint32(args.count());
    }

    static OpArgs.ReadPlusArgs readReadPlusArgs(XdrReader in) {
        var stateid = readStateid(in);
        var offset = readBytes63(in);
        var count = readMaximum(in);
        return new OpArgs.ReadPlusArgs(stateid, offset, count);
    }

    private static void writeReadPlusResult(XdrWriter out, OpResult.ReadPlusResult result) {
        out.writeBool(result.eof());
        writeList(out, result.contents(), IoCodec::writeContent);
    }

    static OpResult.ReadPlusResult readReadPlusResult(XdrReader in) {
        var eof = in.readBool();
        var contents = readList(in, Nfs4Limits.READ_PLUS_CONTENTS, CONTENT_BYTES, IoCodec::readContent);
        return new OpResult.ReadPlusResult(eof, contents);
    }

    private static void writeSeekArgs(XdrWriter out, OpArgs.SeekArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint64(args.offset());
        out.writeUint32(args.what().wire());
    }

    static OpArgs.SeekArgs readSeekArgs(XdrReader in) {
        var stateid = readStateid(in);
        var offset = readBytes63(in);
        var what = SeekWhat.fromWire(in.readUint32());
        return new OpArgs.SeekArgs(stateid, offset, what);
    }

    private static void writeSeekResult(XdrWriter out, OpResult.SeekResult result) {
        out.writeBool(result.eof());
        out.writeUint64(result.offset());
    }

    static OpResult.SeekResult readSeekResult(XdrReader in) {
        var eof = in.readBool();
        var offset = readBytes63(in);
        return new OpResult.SeekResult(eof, offset);
    }

    private static void writeWriteSameArgs(XdrWriter out, OpArgs.WriteSameArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint32(args.stable().wire());
        writeDataBlock(out, args.block());
    }

    static OpArgs.WriteSameArgs readWriteSameArgs(XdrReader in) {
        var stateid = readStateid(in);
        var stable = StableHow.fromWire(in.readUint32());
        var block = readDataBlock(in);
        return new OpArgs.WriteSameArgs(stateid, stable, block);
    }

    private static void writeWriteSameResult(XdrWriter out, OpResult.WriteSameResult result) {
        writeWriteResponse(out, result.response());
    }

    static OpResult.WriteSameResult readWriteSameResult(XdrReader in) {
        var response = readWriteResponse(in);
        return new OpResult.WriteSameResult(response);
    }

    private static void writeDataBlock(XdrWriter out, DataBlock block) {
        out.writeUint64(block.offset());
        out.writeUint64(block.blockBytes());
        out.writeUint64(block.blockCount());
        out.writeUint64(block.blockNumberOffset());
        out.writeUint32(block.firstBlockNumber());
        out.writeUint64(block.patternOffset());
        out.writeOpaque(block.pattern());
    }

    private static DataBlock readDataBlock(XdrReader in) {
        long offset = readBytes63(in);
        long blockBytes = readBytes63(in);
        long blockCount = readBytes63(in);
        long blockNumberOffset = readBytes63(in);
        int firstBlockNumber = in.readUint32();
        long patternOffset = readBytes63(in);
        var pattern = in.readOpaque(Nfs4Limits.PAYLOAD_BYTES);
        return new DataBlock(
                offset, blockBytes, blockCount, blockNumberOffset, firstBlockNumber, patternOffset, pattern);
    }

    private static void writeContent(XdrWriter out, ReadPlusContent content) {
        switch (content) {
            case ReadPlusContent.Data data -> {
                out.writeUint32(SeekWhat.DATA.wire());
                out.writeUint64(data.offset());
                writePayload(out, data.data());
            }
            case ReadPlusContent.Hole hole -> {
                out.writeUint32(SeekWhat.HOLE.wire());
                out.writeUint64(hole.offset());
                out.writeUint64(hole.length());
            }
        }
    }

    private static ReadPlusContent readContent(XdrReader in) {
        return switch (SeekWhat.fromWire(in.readUint32())) {
            case DATA -> {
                long offset = readBytes63(in);
                yield new ReadPlusContent.Data(offset, readPayload(in));
            }
            case HOLE -> {
                long offset = readBytes63(in);
                yield new ReadPlusContent.Hole(offset, readBytes63(in));
            }
        };
    }

    static void writeWriteResponse(XdrWriter out, WriteResponse response) {
        writeOptional(out, response.callbackId(), CommonCodec::writeStateid);
        out.writeUint64(response.count());
        out.writeUint32(response.committed().wire());
        out.writeUint64(response.verifier());
    }

    static WriteResponse readWriteResponse(XdrReader in) {
        var callbackId = readOptional(in, CommonCodec::readStateid);
        long count = readBytes63(in);
        var committed = StableHow.fromWire(in.readUint32());
        return new WriteResponse(callbackId, count, committed, in.readUint64());
    }
}
