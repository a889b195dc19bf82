package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readBytes63;
import static pnfs.wire.nfs4.CommonCodec.readDeviceId;
import static pnfs.wire.nfs4.CommonCodec.readFattr;
import static pnfs.wire.nfs4.CommonCodec.readFileHandle;
import static pnfs.wire.nfs4.CommonCodec.readFsid;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readOwner;
import static pnfs.wire.nfs4.CommonCodec.readRange;
import static pnfs.wire.nfs4.CommonCodec.readSessionId;
import static pnfs.wire.nfs4.CommonCodec.readSlot;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.readStatus;
import static pnfs.wire.nfs4.CommonCodec.unknownArm;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeDeviceId;
import static pnfs.wire.nfs4.CommonCodec.writeFattr;
import static pnfs.wire.nfs4.CommonCodec.writeFileHandle;
import static pnfs.wire.nfs4.CommonCodec.writeFsid;
import static pnfs.wire.nfs4.CommonCodec.writeList;
import static pnfs.wire.nfs4.CommonCodec.writeOwner;
import static pnfs.wire.nfs4.CommonCodec.writeRange;
import static pnfs.wire.nfs4.CommonCodec.writeSessionId;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;
import static pnfs.wire.nfs4.CommonCodec.writeStatus;

import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Callbacks: RFC 8881 §20, RFC 7862 §16. Every read undoes the write of the same name.
public final class CallbackCodec {
    private static final int LAYOUTRECALL4_FILE = 1;
    private static final int LAYOUTRECALL4_FSID = 2;
    private static final int LAYOUTRECALL4_ALL = 3;
    private static final int REFERRING_CALLS_BYTES = Nfs4Limits.SESSION_ID_BYTES + Integer.BYTES;
    private static final int REFERRING_CALL_BYTES = 2 * Integer.BYTES;
    private static final int NOTIFICATION_BYTES = 2 * Integer.BYTES;

    private CallbackCodec() {}

    /// One callback: its number and its arguments.
    public static void writeArgs(XdrWriter out, CbArgs callback) {
        out.writeUint32(
                callback instanceof CbArgs.CbIllegalArgs illegal
                        ? illegal.number()
                        : callback.op().number());
        switch (callback) {
            case CbArgs.CbGetAttrArgs args -> writeCbGetAttrArgs(out, args);
            case CbArgs.CbRecallArgs args -> writeCbRecallArgs(out, args);
            case CbArgs.CbLayoutRecallArgs args -> writeCbLayoutRecallArgs(out, args);
            case CbArgs.CbNotifyArgs args -> writeCbNotifyArgs(out, args);
            case CbArgs.CbPushDelegArgs args -> writeCbPushDelegArgs(out, args);
            case CbArgs.CbRecallAnyArgs args -> writeCbRecallAnyArgs(out, args);
            case CbArgs.CbRecallableObjAvailArgs args -> writeCbRecallableObjAvailArgs(out, args);
            case CbArgs.CbRecallSlotArgs args -> writeCbRecallSlotArgs(out, args);
            case CbArgs.CbSequenceArgs args -> writeCbSequenceArgs(out, args);
            case CbArgs.CbWantsCancelledArgs args -> writeCbWantsCancelledArgs(out, args);
            case CbArgs.CbNotifyLockArgs args -> writeCbNotifyLockArgs(out, args);
            case CbArgs.CbNotifyDeviceIdArgs args -> writeCbNotifyDeviceIdArgs(out, args);
            case CbArgs.CbOffloadArgs args -> writeCbOffloadArgs(out, args);
            case CbArgs.CbIllegalArgs _ -> {}
        }
    }

    /// One callback: its number and its arguments.
    public static CbArgs readArgs(XdrReader in) {
        int number = in.readUint32();
        return switch (CbOpCode.of(number)) {
            case CB_GETATTR -> readCbGetAttrArgs(in);
            case CB_RECALL -> readCbRecallArgs(in);
            case CB_LAYOUTRECALL -> readCbLayoutRecallArgs(in);
            case CB_NOTIFY -> readCbNotifyArgs(in);
            case CB_PUSH_DELEG -> readCbPushDelegArgs(in);
            case CB_RECALL_ANY -> readCbRecallAnyArgs(in);
            case CB_RECALLABLE_OBJ_AVAIL -> readCbRecallableObjAvailArgs(in);
            case CB_RECALL_SLOT -> readCbRecallSlotArgs(in);
            case CB_SEQUENCE -> readCbSequenceArgs(in);
            case CB_WANTS_CANCELLED -> readCbWantsCancelledArgs(in);
            case CB_NOTIFY_LOCK -> readCbNotifyLockArgs(in);
            case CB_NOTIFY_DEVICEID -> readCbNotifyDeviceIdArgs(in);
            case CB_OFFLOAD -> readCbOffloadArgs(in);
            case CB_ILLEGAL -> new CbArgs.CbIllegalArgs(number);
        };
    }

    /// One callback's result: its number, its status and what follows from that.
    public static void writeResult(XdrWriter out, CbResult result) {
        out.writeUint32(result.op().number());
        writeStatus(out, result.status());
        switch (result) {
            case CbResult.CbGetAttrResult getAttr -> writeFattr(out, getAttr.attributes());
            case CbResult.CbSequenceResult sequence -> writeCbSequenceResult(out, sequence);
            case CbResult.CbSuccess _, CbResult.CbFailure _ -> {}
        }
    }

    /// One callback's result: its number, its status and what follows from that.
    public static CbResult readResult(XdrReader in) {
        var op = CbOpCode.of(in.readUint32());
        var status = readStatus(in);
        if (status != NfsStatus.OK) {
            return new CbResult.CbFailure(op, status);
        }
        return switch (op) {
            case CB_GETATTR -> new CbResult.CbGetAttrResult(readFattr(in));
            case CB_SEQUENCE -> readCbSequenceResult(in);
            default -> new CbResult.CbSuccess(op);
        };
    }

    private static void writeCbGetAttrArgs(XdrWriter out, CbArgs.CbGetAttrArgs args) {
        writeFileHandle(out, args.fileHandle());
        writeBitmap(out, args.attributes());
    }

    static CbArgs.CbGetAttrArgs readCbGetAttrArgs(XdrReader in) {
        var fileHandle = readFileHandle(in);
        var attributes = readBitmap(in);
        return new CbArgs.CbGetAttrArgs(fileHandle, attributes);
    }

    private static void writeCbRecallArgs(XdrWriter out, CbArgs.CbRecallArgs args) {
        writeStateid(out, args.stateid());
        out.writeBool(args.truncate());
        writeFileHandle(out, args.fileHandle());
    }

    static CbArgs.CbRecallArgs readCbRecallArgs(XdrReader in) {
        var stateid = readStateid(in);
        var truncate = in.readBool();
        var fileHandle = readFileHandle(in);
        return new CbArgs.CbRecallArgs(stateid, truncate, fileHandle);
    }

    private static void writeCbLayoutRecallArgs(XdrWriter out, CbArgs.CbLayoutRecallArgs args) {
        out.writeUint32(args.type().wire());
        out.writeUint32(args.iomode().wire());
        out.writeBool(args.changed());
        writeLayoutRecallScope(out, args.scope());
    }

    static CbArgs.CbLayoutRecallArgs readCbLayoutRecallArgs(XdrReader in) {
        var type = LayoutType.fromWire(in.readUint32());
        var iomode = Iomode.fromWire(in.readUint32());
        var changed = in.readBool();
        var scope = readLayoutRecallScope(in);
        return new CbArgs.CbLayoutRecallArgs(type, iomode, changed, scope);
    }

    private static void writeCbNotifyArgs(XdrWriter out, CbArgs.CbNotifyArgs args) {
        writeStateid(out, args.stateid());
        writeFileHandle(out, args.fileHandle());
        writeList(out, args.changes(), CallbackCodec::writeNotification);
    }

    static CbArgs.CbNotifyArgs readCbNotifyArgs(XdrReader in) {
        var stateid = readStateid(in);
        var fileHandle = readFileHandle(in);
        var changes = readList(in, Nfs4Limits.NOTIFICATIONS, NOTIFICATION_BYTES, CallbackCodec::readNotification);
        return new CbArgs.CbNotifyArgs(stateid, fileHandle, changes);
    }

    private static void writeCbPushDelegArgs(XdrWriter out, CbArgs.CbPushDelegArgs args) {
        writeFileHandle(out, args.fileHandle());
        OpenCodec.writeOpenDelegation(out, args.delegation());
    }

    static CbArgs.CbPushDelegArgs readCbPushDelegArgs(XdrReader in) {
        var fileHandle = readFileHandle(in);
        var delegation = OpenCodec.readOpenDelegation(in);
        return new CbArgs.CbPushDelegArgs(fileHandle, delegation);
    }

    private static void writeCbRecallAnyArgs(XdrWriter out, CbArgs.CbRecallAnyArgs args) {
        out.writeUint32(args.objectsToKeep());
        writeBitmap(out, args.types());
    }

    static CbArgs.CbRecallAnyArgs readCbRecallAnyArgs(XdrReader in) {
        var objectsToKeep = in.readUint32();
        var types = readBitmap(in);
        return new CbArgs.CbRecallAnyArgs(objectsToKeep, types);
    }

    private static void writeCbRecallableObjAvailArgs(XdrWriter out, CbArgs.CbRecallableObjAvailArgs args) {
        out.writeUint32(args.objectsToKeep());
        writeBitmap(out, args.types());
    }

    static CbArgs.CbRecallableObjAvailArgs readCbRecallableObjAvailArgs(XdrReader in) {
        var objectsToKeep = in.readUint32();
        var types = readBitmap(in);
        return new CbArgs.CbRecallableObjAvailArgs(objectsToKeep, types);
    }

    private static void writeCbRecallSlotArgs(XdrWriter out, CbArgs.CbRecallSlotArgs args) {
        out.writeUint32(args.targetHighestSlot());
    }

    static CbArgs.CbRecallSlotArgs readCbRecallSlotArgs(XdrReader in) {
        var targetHighestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        return new CbArgs.CbRecallSlotArgs(targetHighestSlot);
    }

    private static void writeCbSequenceArgs(XdrWriter out, CbArgs.CbSequenceArgs args) {
        writeSessionId(out, args.session());
        out.writeUint32(args.sequence());
        out.writeUint32(args.slot());
        out.writeUint32(args.highestSlot());
        out.writeBool(args.cacheThis());
        writeList(out, args.referring(), CallbackCodec::writeReferringCalls);
    }

    static CbArgs.CbSequenceArgs readCbSequenceArgs(XdrReader in) {
        var session = readSessionId(in);
        var sequence = in.readUint32();
        var slot = readSlot(in, NfsStatus.BADSLOT);
        var highestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        var cacheThis = in.readBool();
        var referring =
                readList(in, Nfs4Limits.REFERRING_CALLS, REFERRING_CALLS_BYTES, CallbackCodec::readReferringCalls);
        return new CbArgs.CbSequenceArgs(session, sequence, slot, highestSlot, cacheThis, referring);
    }

    private static void writeCbWantsCancelledArgs(XdrWriter out, CbArgs.CbWantsCancelledArgs args) {
        out.writeBool(args.contended());
        out.writeBool(args.resourced());
    }

    static CbArgs.CbWantsCancelledArgs readCbWantsCancelledArgs(XdrReader in) {
        var contended = in.readBool();
        var resourced = in.readBool();
        return new CbArgs.CbWantsCancelledArgs(contended, resourced);
    }

    private static void writeCbNotifyLockArgs(XdrWriter out, CbArgs.CbNotifyLockArgs args) {
        writeFileHandle(out, args.fileHandle());
        writeOwner(out, args.owner());
    }

    static CbArgs.CbNotifyLockArgs readCbNotifyLockArgs(XdrReader in) {
        var fileHandle = readFileHandle(in);
        var owner = readOwner(in);
        return new CbArgs.CbNotifyLockArgs(fileHandle, owner);
    }

    private static void writeCbNotifyDeviceIdArgs(XdrWriter out, CbArgs.CbNotifyDeviceIdArgs args) {
        writeList(out, args.notices(), CallbackCodec::writeDeviceNotice);
    }

    static CbArgs.CbNotifyDeviceIdArgs readCbNotifyDeviceIdArgs(XdrReader in) {
        var notices = readList(in, Nfs4Limits.NOTIFICATIONS, NOTIFICATION_BYTES, CallbackCodec::readDeviceNotice);
        return new CbArgs.CbNotifyDeviceIdArgs(notices);
    }

    private static void writeCbOffloadArgs(XdrWriter out, CbArgs.CbOffloadArgs args) {
        writeFileHandle(out, args.fileHandle());
        writeStateid(out, args.stateid());
        writeOffloadOutcome(out, args.outcome());
    }

    static CbArgs.CbOffloadArgs readCbOffloadArgs(XdrReader in) {
        var fileHandle = readFileHandle(in);
        var stateid = readStateid(in);
        var outcome = readOffloadOutcome(in);
        return new CbArgs.CbOffloadArgs(fileHandle, stateid, outcome);
    }

    private static void writeCbSequenceResult(XdrWriter out, CbResult.CbSequenceResult result) {
        writeSessionId(out, result.session());
        out.writeUint32(result.sequence());
        out.writeUint32(result.slot());
        out.writeUint32(result.highestSlot());
        out.writeUint32(result.targetHighestSlot());
    }

    private static CbResult.CbSequenceResult readCbSequenceResult(XdrReader in) {
        var session = readSessionId(in);
        int sequence = in.readUint32();
        int slot = readSlot(in, NfsStatus.BADSLOT);
        int highestSlot = readSlot(in, NfsStatus.BAD_HIGH_SLOT);
        return new CbResult.CbSequenceResult(
                session, sequence, slot, highestSlot, readSlot(in, NfsStatus.BAD_HIGH_SLOT));
    }

    private static void writeLayoutRecallScope(XdrWriter out, LayoutRecallScope scope) {
        switch (scope) {
            case LayoutRecallScope.OfFile ofFile -> {
                out.writeUint32(LAYOUTRECALL4_FILE);
                writeFileHandle(out, ofFile.fileHandle());
                writeRange(out, ofFile.range());
                writeStateid(out, ofFile.stateid());
            }
            case LayoutRecallScope.OfFileSystem ofFileSystem -> {
                out.writeUint32(LAYOUTRECALL4_FSID);
                writeFsid(out, ofFileSystem.fsid());
            }
            case LayoutRecallScope.All _ -> out.writeUint32(LAYOUTRECALL4_ALL);
        }
    }

    private static LayoutRecallScope readLayoutRecallScope(XdrReader in) {
        int type = in.readUint32();
        return switch (type) {
            case LAYOUTRECALL4_FILE -> {
                var fileHandle = readFileHandle(in);
                var range = readRange(in);
                yield new LayoutRecallScope.OfFile(fileHandle, range, readStateid(in));
            }
            case LAYOUTRECALL4_FSID -> new LayoutRecallScope.OfFileSystem(readFsid(in));
            case LAYOUTRECALL4_ALL -> new LayoutRecallScope.All();
            default -> throw unknownArm("layoutrecall4", type);
        };
    }

    private static void writeReferringCalls(XdrWriter out, ReferringCalls referring) {
        writeSessionId(out, referring.session());
        writeList(out, referring.calls(), CallbackCodec::writeReferringCall);
    }

    private static ReferringCalls readReferringCalls(XdrReader in) {
        var session = readSessionId(in);
        var calls = readList(in, Nfs4Limits.REFERRING_CALLS, REFERRING_CALL_BYTES, CallbackCodec::readReferringCall);
        return new ReferringCalls(session, calls);
    }

    private static void writeReferringCall(XdrWriter out, ReferringCall call) {
        out.writeUint32(call.sequence());
        out.writeUint32(call.slot());
    }

    private static ReferringCall readReferringCall(XdrReader in) {
        int sequence = in.readUint32();
        return new ReferringCall(sequence, readSlot(in, NfsStatus.BADSLOT));
    }

    private static void writeNotification(XdrWriter out, Notification notification) {
        writeBitmap(out, notification.kinds());
        out.writeOpaque(notification.values());
    }

    private static Notification readNotification(XdrReader in) {
        var kinds = readBitmap(in);
        return new Notification(kinds, in.readOpaque(Nfs4Limits.ATTRIBUTE_BYTES));
    }

    private static void writeDeviceNotice(XdrWriter out, DeviceNotice notice) {
        var values = new XdrWriter();
        switch (notice) {
            case DeviceNotice.Changed changed -> {
                values.writeUint32(changed.type().wire());
                writeDeviceId(values, changed.device());
                values.writeBool(changed.immediate());
            }
            case DeviceNotice.Deleted deleted -> {
                values.writeUint32(deleted.type().wire());
                writeDeviceId(values, deleted.device());
            }
        }
        var kind = notice instanceof DeviceNotice.Changed ? DeviceNotice.CHANGE : DeviceNotice.DELETE;
        writeNotification(out, new Notification(kind, values.toOpaque()));
    }

    /// Of one kind each, which is all that Linux takes.
    private static DeviceNotice readDeviceNotice(XdrReader in) {
        var notification = readNotification(in);
        var values = XdrReader.of(notification.values());
        var type = LayoutType.fromWire(values.readUint32());
        var device = readDeviceId(values);
        DeviceNotice notice;
        if (notification.kinds().equals(DeviceNotice.CHANGE)) {
            notice = new DeviceNotice.Changed(type, device, values.readBool());
        } else if (notification.kinds().equals(DeviceNotice.DELETE)) {
            notice = new DeviceNotice.Deleted(type, device);
        } else {
            throw new XdrException("device notifications " + notification.kinds());
        }
        values.expectEnd();
        return notice;
    }

    private static void writeOffloadOutcome(XdrWriter out, OffloadOutcome outcome) {
        switch (outcome) {
            case OffloadOutcome.Done done -> {
                writeStatus(out, NfsStatus.OK);
                IoCodec.writeWriteResponse(out, done.response());
            }
            case OffloadOutcome.Failed failed -> {
                writeStatus(out, failed.status());
                out.writeUint64(failed.bytesCopied());
            }
        }
    }

    private static OffloadOutcome readOffloadOutcome(XdrReader in) {
        var status = readStatus(in);
        return status == NfsStatus.OK
                ? new OffloadOutcome.Done(IoCodec.readWriteResponse(in))
                : new OffloadOutcome.Failed(status, readBytes63(in));
    }
}
