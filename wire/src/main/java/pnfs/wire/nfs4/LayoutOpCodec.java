package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readDeviceId;
import static pnfs.wire.nfs4.CommonCodec.readLayoutBody;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readMaximum;
import static pnfs.wire.nfs4.CommonCodec.readOptional;
import static pnfs.wire.nfs4.CommonCodec.readOptionalBytes63;
import static pnfs.wire.nfs4.CommonCodec.readRange;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.readStatus;
import static pnfs.wire.nfs4.CommonCodec.unknownArm;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeDeviceId;
import static pnfs.wire.nfs4.CommonCodec.writeLayoutBody;
import static pnfs.wire.nfs4.CommonCodec.writeList;
import static pnfs.wire.nfs4.CommonCodec.writeOptional;
import static pnfs.wire.nfs4.CommonCodec.writeOptionalUint64;
import static pnfs.wire.nfs4.CommonCodec.writeRange;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;
import static pnfs.wire.nfs4.CommonCodec.writeStatus;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Layouts and devices: RFC 8881 §18.40 to §18.44, RFC 7862 §15.6, §15.7. Every read undoes the write of the
/// same name. Bodies stay opaque: they are in the language of their layout type.
final class LayoutOpCodec {
    private static final int LAYOUT4_RET_FILE = 1;
    private static final int LAYOUT4_RET_FSID = 2;
    private static final int LAYOUT4_RET_ALL = 3;
    private static final int SEGMENT_BYTES = FileRange.BYTES + 3 * Integer.BYTES;
    private static final int DEVICE_ERROR_BYTES = Nfs4Limits.DEVICE_ID_BYTES + 2 * Integer.BYTES;

    private LayoutOpCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.LayoutFamily family) {
        switch (family) {
            case OpArgs.GetDeviceInfoArgs args -> writeGetDeviceInfoArgs(out, args);
            case OpArgs.GetDeviceListArgs args -> writeGetDeviceListArgs(out, args);
            case OpArgs.LayoutCommitArgs args -> writeLayoutCommitArgs(out, args);
            case OpArgs.LayoutGetArgs args -> writeLayoutGetArgs(out, args);
            case OpArgs.LayoutReturnArgs args -> writeLayoutReturnArgs(out, args);
            case OpArgs.LayoutErrorArgs args -> writeLayoutErrorArgs(out, args);
            case OpArgs.LayoutStatsArgs args -> writeLayoutStatsArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.LayoutFamily family) {
        switch (family) {
            case OpResult.GetDeviceInfoResult result -> writeGetDeviceInfoResult(out, result);
            case OpResult.GetDeviceListResult result -> writeGetDeviceListResult(out, result);
            case OpResult.LayoutCommitResult result -> writeLayoutCommitResult(out, result);
            case OpResult.LayoutGetResult result -> writeLayoutGetResult(out, result);
            case OpResult.LayoutReturnResult result -> writeLayoutReturnResult(out, result);
            case OpResult.LayoutTryLater result -> writeLayoutTryLater(out, result);
            case OpResult.DeviceInfoTooSmall result -> writeDeviceInfoTooSmall(out, result);
        }
    }

    private static void writeGetDeviceInfoArgs(XdrWriter out, OpArgs.GetDeviceInfoArgs args) {
        writeDeviceId(out, args.device());
        out.writeUint32(args.type().wire());
        out.writeUint32(args.maxBytes());
        writeBitmap(out, args.notifications());
    }

    static OpArgs.GetDeviceInfoArgs readGetDeviceInfoArgs(XdrReader in) {
        var device = readDeviceId(in);
        var type = LayoutType.fromWire(in.readUint32());
        var maxBytes = readMaximum(in);
        var notifications = readBitmap(in);
        return new OpArgs.GetDeviceInfoArgs(device, type, maxBytes, notifications);
    }

    private static void writeGetDeviceInfoResult(XdrWriter out, OpResult.GetDeviceInfoResult result) {
        writeLayoutBody(out, result.address());
        writeBitmap(out, result.notifications());
    }

    static OpResult.GetDeviceInfoResult readGetDeviceInfoResult(XdrReader in) {
        var address = readLayoutBody(in);
        var notifications = readBitmap(in);
        return new OpResult.GetDeviceInfoResult(address, notifications);
    }

    private static void writeGetDeviceListArgs(XdrWriter out, OpArgs.GetDeviceListArgs args) {
        out.writeUint32(args.type().wire());
        out.writeUint32(args.maxDevices());
        out.writeUint64(args.cookie());
        out.writeUint64(args.verifier());
    }

    static OpArgs.GetDeviceListArgs readGetDeviceListArgs(XdrReader in) {
        var type = LayoutType.fromWire(in.readUint32());
        var maxDevices = readMaximum(in);
        var cookie = in.readUint64();
        var verifier = in.readUint64();
        return new OpArgs.GetDeviceListArgs(type, maxDevices, cookie, verifier);
    }

    private static void writeGetDeviceListResult(XdrWriter out, OpResult.GetDeviceListResult result) {
        out.writeUint64(result.cookie());
        out.writeUint64(result.verifier());
        writeList(out, result.devices(), CommonCodec::writeDeviceId);
        out.writeBool(result.eof());
    }

    static OpResult.GetDeviceListResult readGetDeviceListResult(XdrReader in) {
        var cookie = in.readUint64();
        var verifier = in.readUint64();
        var devices = readList(in, Nfs4Limits.DEVICES, Nfs4Limits.DEVICE_ID_BYTES, CommonCodec::readDeviceId);
        var eof = in.readBool();
        return new OpResult.GetDeviceListResult(cookie, verifier, devices, eof);
    }

    private static void writeLayoutCommitArgs(XdrWriter out, OpArgs.LayoutCommitArgs args) {
        writeRange(out, args.range());
        out.writeBool(args.reclaim());
        writeStateid(out, args.stateid());
        writeOptionalUint64(out, args.lastWriteOffset());
        writeOptional(out, args.modified(), CommonCodec::writeTime);
        writeLayoutBody(out, args.update());
    }

    static OpArgs.LayoutCommitArgs readLayoutCommitArgs(XdrReader in) {
        var range = readRange(in);
        var reclaim = in.readBool();
        var stateid = readStateid(in);
        var lastWriteOffset = readOptionalBytes63(in);
        var modified = readOptional(in, CommonCodec::readTime);
        var update = readLayoutBody(in);
        return new OpArgs.LayoutCommitArgs(range, reclaim, stateid, lastWriteOffset, modified, update);
    }

    private static void writeLayoutCommitResult(XdrWriter out, OpResult.LayoutCommitResult result) {
        writeOptionalUint64(out, result.newSize());
    }

    static OpResult.LayoutCommitResult readLayoutCommitResult(XdrReader in) {
        var newSize = readOptionalBytes63(in);
        return new OpResult.LayoutCommitResult(newSize);
    }

    private static void writeLayoutGetArgs(XdrWriter out, OpArgs.LayoutGetArgs args) {
        out.writeBool(args.signalWhenAvailable());
        out.writeUint32(args.type().wire());
        out.writeUint32(args.iomode().wire());
        writeRange(out, args.range());
        out.writeUint64(FileRange.lengthToWire(args.minLength()));
        writeStateid(out, args.stateid());
        out.writeUint32(args.maxBytes());
    }

    static OpArgs.LayoutGetArgs readLayoutGetArgs(XdrReader in) {
        var signalWhenAvailable = in.readBool();
        var type = LayoutType.fromWire(in.readUint32());
        var iomode = Iomode.fromWire(in.readUint32());
        var range = readRange(in);
        var minLength = FileRange.lengthFromWire(in.readUint64());
        var stateid = readStateid(in);
        var maxBytes = readMaximum(in);
        return new OpArgs.LayoutGetArgs(signalWhenAvailable, type, iomode, range, minLength, stateid, maxBytes);
    }

    private static void writeLayoutGetResult(XdrWriter out, OpResult.LayoutGetResult result) {
        out.writeBool(result.returnOnClose());
        writeStateid(out, result.stateid());
        writeList(out, result.segments(), LayoutOpCodec::writeSegment);
    }

    static OpResult.LayoutGetResult readLayoutGetResult(XdrReader in) {
        var returnOnClose = in.readBool();
        var stateid = readStateid(in);
        var segments = readList(in, Nfs4Limits.LAYOUTS, SEGMENT_BYTES, LayoutOpCodec::readSegment);
        return new OpResult.LayoutGetResult(returnOnClose, stateid, segments);
    }

    private static void writeLayoutReturnArgs(XdrWriter out, OpArgs.LayoutReturnArgs args) {
        out.writeBool(args.reclaim());
        out.writeUint32(args.type().wire());
        out.writeUint32(args.iomode().wire());
        writeLayoutReturnScope(out, args.scope());
    }

    static OpArgs.LayoutReturnArgs readLayoutReturnArgs(XdrReader in) {
        var reclaim = in.readBool();
        var type = LayoutType.fromWire(in.readUint32());
        var iomode = Iomode.fromWire(in.readUint32());
        var scope = readLayoutReturnScope(in);
        return new OpArgs.LayoutReturnArgs(reclaim, type, iomode, scope);
    }

    private static void writeLayoutReturnResult(XdrWriter out, OpResult.LayoutReturnResult result) {
        writeOptional(out, result.stateid(), CommonCodec::writeStateid);
    }

    static OpResult.LayoutReturnResult readLayoutReturnResult(XdrReader in) {
        var stateid = readOptional(in, CommonCodec::readStateid);
        return new OpResult.LayoutReturnResult(stateid);
    }

    private static void writeLayoutErrorArgs(XdrWriter out, OpArgs.LayoutErrorArgs args) {
        writeRange(out, args.range());
        writeStateid(out, args.stateid());
        writeList(out, args.errors(), LayoutOpCodec::writeDeviceError);
    }

    static OpArgs.LayoutErrorArgs readLayoutErrorArgs(XdrReader in) {
        var range = readRange(in);
        var stateid = readStateid(in);
        var errors = readList(in, Nfs4Limits.DEVICE_ERRORS, DEVICE_ERROR_BYTES, LayoutOpCodec::readDeviceError);
        return new OpArgs.LayoutErrorArgs(range, stateid, errors);
    }

    private static void writeLayoutStatsArgs(XdrWriter out, OpArgs.LayoutStatsArgs args) {
        writeRange(out, args.range());
        writeStateid(out, args.stateid());
        writeIoCount(out, args.read());
        writeIoCount(out, args.written());
        writeDeviceId(out, args.device());
        writeLayoutBody(out, args.update());
    }

    static OpArgs.LayoutStatsArgs readLayoutStatsArgs(XdrReader in) {
        var range = readRange(in);
        var stateid = readStateid(in);
        var read = readIoCount(in);
        var written = readIoCount(in);
        var device = readDeviceId(in);
        var update = readLayoutBody(in);
        return new OpArgs.LayoutStatsArgs(range, stateid, read, written, device, update);
    }

    private static void writeLayoutTryLater(XdrWriter out, OpResult.LayoutTryLater result) {
        out.writeBool(result.willSignal());
    }

    static OpResult.LayoutTryLater readLayoutTryLater(XdrReader in) {
        var willSignal = in.readBool();
        return new OpResult.LayoutTryLater(willSignal);
    }

    private static void writeDeviceInfoTooSmall(XdrWriter out, OpResult.DeviceInfoTooSmall result) {
        out.writeUint32(result.minBytes());
    }

    static OpResult.DeviceInfoTooSmall readDeviceInfoTooSmall(XdrReader in) {
        var minBytes = readMaximum(in);
        return new OpResult.DeviceInfoTooSmall(minBytes);
    }

    private static void writeLayoutReturnScope(XdrWriter out, LayoutReturnScope scope) {
        switch (scope) {
            case LayoutReturnScope.OfFile ofFile -> {
                out.writeUint32(LAYOUT4_RET_FILE);
                writeRange(out, ofFile.range());
                writeStateid(out, ofFile.stateid());
                out.writeOpaque(ofFile.body());
            }
            case LayoutReturnScope.OfFileSystem _ -> out.writeUint32(LAYOUT4_RET_FSID);
            case LayoutReturnScope.All _ -> out.writeUint32(LAYOUT4_RET_ALL);
        }
    }

    private static LayoutReturnScope readLayoutReturnScope(XdrReader in) {
        int type = in.readUint32();
        return switch (type) {
            case LAYOUT4_RET_FILE -> {
                var range = readRange(in);
                var stateid = readStateid(in);
                yield new LayoutReturnScope.OfFile(range, stateid, in.readOpaque(Nfs4Limits.LAYOUT_BODY_BYTES));
            }
            case LAYOUT4_RET_FSID -> new LayoutReturnScope.OfFileSystem();
            case LAYOUT4_RET_ALL -> new LayoutReturnScope.All();
            default -> throw unknownArm("layoutreturn4", type);
        };
    }

    private static void writeSegment(XdrWriter out, LayoutSegment segment) {
        writeRange(out, segment.range());
        out.writeUint32(segment.iomode().wire());
        writeLayoutBody(out, segment.content());
    }

    private static LayoutSegment readSegment(XdrReader in) {
        var range = readRange(in);
        var iomode = Iomode.fromWire(in.readUint32());
        return new LayoutSegment(range, iomode, readLayoutBody(in));
    }

    private static void writeDeviceError(XdrWriter out, DeviceError error) {
        writeDeviceId(out, error.device());
        writeStatus(out, error.status());
        out.writeUint32(error.op().number());
    }

    private static DeviceError readDeviceError(XdrReader in) {
        var device = readDeviceId(in);
        var status = readStatus(in);
        return new DeviceError(device, status, OpCode.of(in.readUint32()));
    }

    private static void writeIoCount(XdrWriter out, IoCount count) {
        out.writeUint64(count.operations());
        out.writeUint64(count.bytes());
    }

    private static IoCount readIoCount(XdrReader in) {
        long operations = in.readUint64();
        return new IoCount(operations, in.readUint64());
    }
}
