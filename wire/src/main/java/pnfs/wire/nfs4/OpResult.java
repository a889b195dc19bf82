package pnfs.wire.nfs4;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.xdr.Opaque;

/// The result of an operation in a COMPOUND, components in wire order; structures of RFC 7863. Immutable; equal by
/// value. Without a status of its own, a record is what the operation gives with OK.
public sealed interface OpResult {
    OpCode op();

    default NfsStatus status() {
        return NfsStatus.OK;
    }

    /// OK, and nothing more to say.
    record OpSuccess(OpCode op) implements OpResult {}

    /// Not OK, and nothing more to say.
    record OpFailure(OpCode op, NfsStatus status) implements OpResult {
        public OpFailure {
            if (status == NfsStatus.OK) {
                throw new IllegalArgumentException("a failure of " + op + " with status OK");
            }
        }
    }

    /// Client ids and sessions.
    sealed interface SessionFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case BindConnToSessionResult _ -> OpCode.BIND_CONN_TO_SESSION;
                case ExchangeIdResult _ -> OpCode.EXCHANGE_ID;
                case CreateSessionResult _ -> OpCode.CREATE_SESSION;
                case SequenceResult _ -> OpCode.SEQUENCE;
                case SetSsvResult _ -> OpCode.SET_SSV;
                case TestStateidResult _ -> OpCode.TEST_STATEID;
            };
        }
    }

    record BindConnToSessionResult(Opaque session, BoundDirection direction, boolean rdma) implements SessionFamily {}

    /// `sequence` is what CREATE_SESSION must present; `flags`: [ExchangeIdFlags].
    record ExchangeIdResult(
            long clientId,
            int sequence,
            int flags,
            GrantedProtection protection,
            ServerOwner serverOwner,
            Opaque serverScope,
            Optional<ImplementationId> implementation)
            implements SessionFamily {}

    record CreateSessionResult(Opaque session, int sequence, int flags, ChannelAttributes fore, ChannelAttributes back)
            implements SessionFamily {}

    /// `statusFlags`: [SequenceFlags].
    record SequenceResult(
            Opaque session, int sequence, int slot, int highestSlot, int targetHighestSlot, int statusFlags)
            implements SessionFamily {}

    record SetSsvResult(Opaque digest) implements SessionFamily {}

    /// One for each stateid asked, in their order; the operation itself is OK even where they are not.
    record TestStateidResult(List<NfsStatus> statuses) implements SessionFamily {
        public TestStateidResult {
            statuses = List.copyOf(statuses);
        }
    }

    /// Opens and delegations.
    sealed interface OpenFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case CloseResult _ -> OpCode.CLOSE;
                case OpenResult _ -> OpCode.OPEN;
                case OpenDowngradeResult _ -> OpCode.OPEN_DOWNGRADE;
                case GetDirDelegationResult _ -> OpCode.GET_DIR_DELEGATION;
                case DirDelegationUnavailable _ -> OpCode.GET_DIR_DELEGATION;
                case WantDelegationResult _ -> OpCode.WANT_DELEGATION;
            };
        }
    }

    record CloseResult(Stateid stateid) implements OpenFamily {}

    /// `flags`: [OpenResultFlags].
    record OpenResult(Stateid stateid, ChangeInfo directory, int flags, Bitmap attributesSet, OpenDelegation delegation)
            implements OpenFamily {}

    record OpenDowngradeResult(Stateid stateid) implements OpenFamily {}

    record GetDirDelegationResult(
            long cookieVerifier,
            Stateid stateid,
            Bitmap notifications,
            Bitmap childAttributes,
            Bitmap directoryAttributes)
            implements OpenFamily {}

    /// The status is OK all the same.
    record DirDelegationUnavailable(boolean willSignal) implements OpenFamily {}

    record WantDelegationResult(OpenDelegation delegation) implements OpenFamily {}

    /// Byte-range locks.
    sealed interface LockFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case LockResult _ -> OpCode.LOCK;
                case LockuResult _ -> OpCode.LOCKU;
                case LockDenied denied -> denied.op;
            };
        }
    }

    record LockResult(Stateid stateid) implements LockFamily {}

    record LockuResult(Stateid stateid) implements LockFamily {}

    /// LOCK or LOCKT met a lock of somebody else.
    record LockDenied(OpCode op, FileRange range, LockType type, StateOwner owner) implements LockFamily {
        public LockDenied {
            if (op != OpCode.LOCK && op != OpCode.LOCKT) {
                throw new IllegalArgumentException(op + " cannot be denied");
            }
        }

        @Override
        public NfsStatus status() {
            return NfsStatus.DENIED;
        }
    }

    /// File handles, directories, links.
    sealed interface NamespaceFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case CreateResult _ -> OpCode.CREATE;
                case GetFhResult _ -> OpCode.GETFH;
                case LinkResult _ -> OpCode.LINK;
                case ReadDirResult _ -> OpCode.READDIR;
                case ReadLinkResult _ -> OpCode.READLINK;
                case RemoveResult _ -> OpCode.REMOVE;
                case RenameResult _ -> OpCode.RENAME;
                case SecinfoResult _ -> OpCode.SECINFO;
                case SecinfoNoNameResult _ -> OpCode.SECINFO_NO_NAME;
            };
        }
    }

    record CreateResult(ChangeInfo directory, Bitmap attributesSet) implements NamespaceFamily {}

    record GetFhResult(Opaque fileHandle) implements NamespaceFamily {}

    record LinkResult(ChangeInfo directory) implements NamespaceFamily {}

    record ReadDirResult(long verifier, List<DirectoryEntry> entries, boolean eof) implements NamespaceFamily {
        public ReadDirResult {
            entries = List.copyOf(entries);
        }
    }

    record ReadLinkResult(Opaque target) implements NamespaceFamily {}

    record RemoveResult(ChangeInfo directory) implements NamespaceFamily {}

    record RenameResult(ChangeInfo source, ChangeInfo target) implements NamespaceFamily {}

    record SecinfoResult(List<SecurityFlavor> flavors) implements NamespaceFamily {
        public SecinfoResult {
            flavors = List.copyOf(flavors);
        }
    }

    record SecinfoNoNameResult(List<SecurityFlavor> flavors) implements NamespaceFamily {
        public SecinfoNoNameResult {
            flavors = List.copyOf(flavors);
        }
    }

    /// Attributes.
    sealed interface AttributeFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case AccessResult _ -> OpCode.ACCESS;
                case GetAttrResult _ -> OpCode.GETATTR;
                case SetAttrResult _ -> OpCode.SETATTR;
            };
        }
    }

    record AccessResult(int supported, int access) implements AttributeFamily {}

    record GetAttrResult(Fattr attributes) implements AttributeFamily {}

    /// SETATTR has its body in failure too: what was set before it.
    record SetAttrResult(NfsStatus status, Bitmap attributesSet) implements AttributeFamily {}

    /// Data.
    sealed interface IoFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case ReadResult _ -> OpCode.READ;
                case WriteResult _ -> OpCode.WRITE;
                case CommitResult _ -> OpCode.COMMIT;
                case IoAdviseResult _ -> OpCode.IO_ADVISE;
                case ReadPlusResult _ -> OpCode.READ_PLUS;
                case SeekResult _ -> OpCode.SEEK;
                case WriteSameResult _ -> OpCode.WRITE_SAME;
            };
        }
    }

    /// `data` is a view: of the message it was read from, or of memory that must stay as it is until the reply
    /// is sent.
    record ReadResult(boolean eof, ByteBuffer data) implements IoFamily {}

    record WriteResult(int count, StableHow committed, long verifier) implements IoFamily {}

    record CommitResult(long verifier) implements IoFamily {}

    record IoAdviseResult(Bitmap hints) implements IoFamily {}

    record ReadPlusResult(boolean eof, List<ReadPlusContent> contents) implements IoFamily {
        public ReadPlusResult {
            contents = List.copyOf(contents);
        }
    }

    record SeekResult(boolean eof, long offset) implements IoFamily {}

    record WriteSameResult(WriteResponse response) implements IoFamily {}

    /// Copies within and between servers.
    sealed interface CopyFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case CopyResult _ -> OpCode.COPY;
                case CopyNotifyResult _ -> OpCode.COPY_NOTIFY;
                case OffloadStatusResult _ -> OpCode.OFFLOAD_STATUS;
                case CopyRequirements _ -> OpCode.COPY;
            };
        }
    }

    record CopyResult(WriteResponse response, boolean consecutive, boolean synchronous) implements CopyFamily {}

    record CopyNotifyResult(NfsTime lease, Stateid stateid, List<NetLocation> sourceServers) implements CopyFamily {
        public CopyNotifyResult {
            sourceServers = List.copyOf(sourceServers);
        }
    }

    record OffloadStatusResult(long count, Optional<NfsStatus> completed) implements CopyFamily {}

    /// COPY cannot be done as asked, but like this.
    record CopyRequirements(boolean consecutive, boolean synchronous) implements CopyFamily {
        @Override
        public NfsStatus status() {
            return NfsStatus.OFFLOAD_NO_REQS;
        }
    }

    /// Layouts and devices.
    sealed interface LayoutFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case GetDeviceInfoResult _ -> OpCode.GETDEVICEINFO;
                case GetDeviceListResult _ -> OpCode.GETDEVICELIST;
                case LayoutCommitResult _ -> OpCode.LAYOUTCOMMIT;
                case LayoutGetResult _ -> OpCode.LAYOUTGET;
                case LayoutReturnResult _ -> OpCode.LAYOUTRETURN;
                case LayoutTryLater _ -> OpCode.LAYOUTGET;
                case DeviceInfoTooSmall _ -> OpCode.GETDEVICEINFO;
            };
        }
    }

    record GetDeviceInfoResult(LayoutBody address, Bitmap notifications) implements LayoutFamily {}

    record GetDeviceListResult(long cookie, long verifier, List<Opaque> devices, boolean eof) implements LayoutFamily {
        public GetDeviceListResult {
            devices = List.copyOf(devices);
        }
    }

    /// Empty: the size stayed.
    record LayoutCommitResult(OptionalLong newSize) implements LayoutFamily {}

    record LayoutGetResult(boolean returnOnClose, Stateid stateid, List<LayoutSegment> segments)
            implements LayoutFamily {
        public LayoutGetResult {
            segments = List.copyOf(segments);
        }
    }

    /// Empty exactly when the client holds no layout of the file any more.
    record LayoutReturnResult(Optional<Stateid> stateid) implements LayoutFamily {}

    /// LAYOUTGET cannot be answered now.
    record LayoutTryLater(boolean willSignal) implements LayoutFamily {
        @Override
        public NfsStatus status() {
            return NfsStatus.LAYOUTTRYLATER;
        }
    }

    /// The address does not fit into what GETDEVICEINFO allowed.
    record DeviceInfoTooSmall(int minBytes) implements LayoutFamily {
        @Override
        public NfsStatus status() {
            return NfsStatus.TOOSMALL;
        }
    }

    /// Extended attributes.
    sealed interface XattrFamily extends OpResult {
        @Override
        default OpCode op() {
            return switch (this) {
                case GetXattrResult _ -> OpCode.GETXATTR;
                case SetXattrResult _ -> OpCode.SETXATTR;
                case ListXattrsResult _ -> OpCode.LISTXATTRS;
                case RemoveXattrResult _ -> OpCode.REMOVEXATTR;
            };
        }
    }

    record GetXattrResult(Opaque value) implements XattrFamily {}

    record SetXattrResult(ChangeInfo file) implements XattrFamily {}

    record ListXattrsResult(long cookie, List<String> names, boolean eof) implements XattrFamily {
        public ListXattrsResult {
            names = List.copyOf(names);
        }
    }

    record RemoveXattrResult(ChangeInfo file) implements XattrFamily {}
}
