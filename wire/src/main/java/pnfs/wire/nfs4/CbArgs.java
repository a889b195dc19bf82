package pnfs.wire.nfs4;

import java.util.List;
import pnfs.wire.xdr.Opaque;

/// The arguments of an operation in a CB_COMPOUND, components in wire order: RFC 8881 §20, RFC 7862 §16.
/// Immutable; equal by value.
public sealed interface CbArgs {
    default CbOpCode op() {
        return switch (this) {
            case CbGetAttrArgs _ -> CbOpCode.CB_GETATTR;
            case CbRecallArgs _ -> CbOpCode.CB_RECALL;
            case CbLayoutRecallArgs _ -> CbOpCode.CB_LAYOUTRECALL;
            case CbNotifyArgs _ -> CbOpCode.CB_NOTIFY;
            case CbPushDelegArgs _ -> CbOpCode.CB_PUSH_DELEG;
            case CbRecallAnyArgs _ -> CbOpCode.CB_RECALL_ANY;
            case CbRecallableObjAvailArgs _ -> CbOpCode.CB_RECALLABLE_OBJ_AVAIL;
            case CbRecallSlotArgs _ -> CbOpCode.CB_RECALL_SLOT;
            case CbSequenceArgs _ -> CbOpCode.CB_SEQUENCE;
            case CbWantsCancelledArgs _ -> CbOpCode.CB_WANTS_CANCELLED;
            case CbNotifyLockArgs _ -> CbOpCode.CB_NOTIFY_LOCK;
            case CbNotifyDeviceIdArgs _ -> CbOpCode.CB_NOTIFY_DEVICEID;
            case CbOffloadArgs _ -> CbOpCode.CB_OFFLOAD;
            case CbIllegalArgs _ -> CbOpCode.CB_ILLEGAL;
        };
    }

    record CbGetAttrArgs(Opaque fileHandle, Bitmap attributes) implements CbArgs {}

    record CbRecallArgs(Stateid stateid, boolean truncate, Opaque fileHandle) implements CbArgs {}

    /// `changed`: the client shall not flush through the old layout.
    record CbLayoutRecallArgs(LayoutType type, Iomode iomode, boolean changed, LayoutRecallScope scope)
            implements CbArgs {}

    record CbNotifyArgs(Stateid stateid, Opaque fileHandle, List<Notification> changes) implements CbArgs {
        public CbNotifyArgs {
            changes = List.copyOf(changes);
        }
    }

    record CbPushDelegArgs(Opaque fileHandle, OpenDelegation delegation) implements CbArgs {}

    record CbRecallAnyArgs(int objectsToKeep, Bitmap types) implements CbArgs {}

    record CbRecallableObjAvailArgs(int objectsToKeep, Bitmap types) implements CbArgs {}

    record CbRecallSlotArgs(int targetHighestSlot) implements CbArgs {}

    /// Linux refuses `cacheThis`.
    record CbSequenceArgs(
            Opaque session, int sequence, int slot, int highestSlot, boolean cacheThis, List<ReferringCalls> referring)
            implements CbArgs {
        public CbSequenceArgs {
            referring = List.copyOf(referring);
        }
    }

    /// No further wait for a contended delegation; none for a lack of resources.
    record CbWantsCancelledArgs(boolean contended, boolean resourced) implements CbArgs {}

    record CbNotifyLockArgs(Opaque fileHandle, StateOwner owner) implements CbArgs {}

    /// Linux reads a change right only as the last notice.
    record CbNotifyDeviceIdArgs(List<DeviceNotice> notices) implements CbArgs {
        public CbNotifyDeviceIdArgs {
            notices = List.copyOf(notices);
        }
    }

    record CbOffloadArgs(Opaque fileHandle, Stateid stateid, OffloadOutcome outcome) implements CbArgs {}

    /// A number without a callback: OP_ILLEGAL; nothing of the message behind it can be read.
    record CbIllegalArgs(int number) implements CbArgs {}
}
