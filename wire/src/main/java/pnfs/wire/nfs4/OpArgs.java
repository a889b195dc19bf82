package pnfs.wire.nfs4;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import pnfs.wire.nfs4.AttributeValue.LayoutBody;
import pnfs.wire.xdr.Opaque;

/// The arguments of an operation in a COMPOUND, components in wire order; structures of RFC 7863. Immutable;
/// equal by value. Offsets and lengths in bytes, session ids and device ids of 16 bytes.
public sealed interface OpArgs {
    OpCode op();

    /// Client ids and sessions: RFC 8881 §18.33 to §18.39, §18.46 to §18.51.
    sealed interface SessionFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case BackchannelCtlArgs _ -> OpCode.BACKCHANNEL_CTL;
                case BindConnToSessionArgs _ -> OpCode.BIND_CONN_TO_SESSION;
                case ExchangeIdArgs _ -> OpCode.EXCHANGE_ID;
                case CreateSessionArgs _ -> OpCode.CREATE_SESSION;
                case DestroySessionArgs _ -> OpCode.DESTROY_SESSION;
                case FreeStateidArgs _ -> OpCode.FREE_STATEID;
                case SequenceArgs _ -> OpCode.SEQUENCE;
                case SetSsvArgs _ -> OpCode.SET_SSV;
                case TestStateidArgs _ -> OpCode.TEST_STATEID;
                case DestroyClientidArgs _ -> OpCode.DESTROY_CLIENTID;
                case ReclaimCompleteArgs _ -> OpCode.RECLAIM_COMPLETE;
            };
        }
    }

    record BackchannelCtlArgs(int callbackProgram, List<CallbackSecurity> security) implements SessionFamily {
        public BackchannelCtlArgs {
            security = List.copyOf(security);
        }
    }

    record BindConnToSessionArgs(Opaque session, BindDirection direction, boolean rdma) implements SessionFamily {}

    /// `flags`: [ExchangeIdFlags].
    record ExchangeIdArgs(
            long verifier,
            Opaque owner,
            int flags,
            StateProtection protection,
            Optional<ImplementationId> implementation)
            implements SessionFamily {}

    /// `flags`: [CreateSessionFlags].
    record CreateSessionArgs(
            long clientId,
            int sequence,
            int flags,
            ChannelAttributes fore,
            ChannelAttributes back,
            int callbackProgram,
            List<CallbackSecurity> security)
            implements SessionFamily {
        public CreateSessionArgs {
            security = List.copyOf(security);
        }
    }

    record DestroySessionArgs(Opaque session) implements SessionFamily {}

    record FreeStateidArgs(Stateid stateid) implements SessionFamily {}

    /// `sequence` is unsigned and wraps to 0.
    record SequenceArgs(Opaque session, int sequence, int slot, int highestSlot, boolean cacheThis)
            implements SessionFamily {}

    record SetSsvArgs(Opaque ssv, Opaque digest) implements SessionFamily {}

    record TestStateidArgs(List<Stateid> stateids) implements SessionFamily {
        public TestStateidArgs {
            stateids = List.copyOf(stateids);
        }
    }

    record DestroyClientidArgs(long clientId) implements SessionFamily {}

    record ReclaimCompleteArgs(boolean oneFileSystem) implements SessionFamily {}

    /// Opens and delegations: RFC 8881 §18.2, §18.5, §18.6, §18.16 to §18.18, §18.39, §18.49.
    sealed interface OpenFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case CloseArgs _ -> OpCode.CLOSE;
                case DelegPurgeArgs _ -> OpCode.DELEGPURGE;
                case DelegReturnArgs _ -> OpCode.DELEGRETURN;
                case OpenArgs _ -> OpCode.OPEN;
                case OpenAttrArgs _ -> OpCode.OPENATTR;
                case OpenDowngradeArgs _ -> OpCode.OPEN_DOWNGRADE;
                case GetDirDelegationArgs _ -> OpCode.GET_DIR_DELEGATION;
                case WantDelegationArgs _ -> OpCode.WANT_DELEGATION;
            };
        }
    }

    /// `sequence` says nothing since 4.1.
    record CloseArgs(int sequence, Stateid stateid) implements OpenFamily {}

    record DelegPurgeArgs(long clientId) implements OpenFamily {}

    record DelegReturnArgs(Stateid stateid) implements OpenFamily {}

    /// `sequence` says nothing since 4.1; the shares are [ShareBits].
    record OpenArgs(int sequence, int shareAccess, int shareDeny, StateOwner owner, OpenHow how, OpenClaim claim)
            implements OpenFamily {}

    record OpenAttrArgs(boolean createDirectory) implements OpenFamily {}

    record OpenDowngradeArgs(Stateid stateid, int sequence, int shareAccess, int shareDeny) implements OpenFamily {}

    record GetDirDelegationArgs(
            boolean signalWhenAvailable,
            Bitmap notifications,
            NfsTime childDelay,
            NfsTime directoryDelay,
            Bitmap childAttributes,
            Bitmap directoryAttributes)
            implements OpenFamily {}

    /// `want`: the wants of [ShareBits].
    record WantDelegationArgs(int want, OpenClaim.OfDelegation claim) implements OpenFamily {}

    /// Byte-range locks: RFC 8881 §18.10 to §18.12. An empty range is INVAL.
    sealed interface LockFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case LockArgs _ -> OpCode.LOCK;
                case LocktArgs _ -> OpCode.LOCKT;
                case LockuArgs _ -> OpCode.LOCKU;
            };
        }
    }

    record LockArgs(LockType type, boolean reclaim, FileRange range, Locker locker) implements LockFamily {}

    record LocktArgs(LockType type, FileRange range, StateOwner owner) implements LockFamily {}

    record LockuArgs(LockType type, int sequence, Stateid stateid, FileRange range) implements LockFamily {}

    /// File handles, directories, links: RFC 8881 §18.4 to §18.45. Names are well-formed: 1 to 255 bytes of
    /// UTF-8, no slash, no zero byte, neither `.` nor `..`.
    sealed interface NamespaceFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case CreateArgs _ -> OpCode.CREATE;
                case GetFhArgs _ -> OpCode.GETFH;
                case LinkArgs _ -> OpCode.LINK;
                case LookupArgs _ -> OpCode.LOOKUP;
                case LookuppArgs _ -> OpCode.LOOKUPP;
                case PutFhArgs _ -> OpCode.PUTFH;
                case PutPubFhArgs _ -> OpCode.PUTPUBFH;
                case PutRootFhArgs _ -> OpCode.PUTROOTFH;
                case ReadDirArgs _ -> OpCode.READDIR;
                case ReadLinkArgs _ -> OpCode.READLINK;
                case RemoveArgs _ -> OpCode.REMOVE;
                case RenameArgs _ -> OpCode.RENAME;
                case RestoreFhArgs _ -> OpCode.RESTOREFH;
                case SaveFhArgs _ -> OpCode.SAVEFH;
                case SecinfoArgs _ -> OpCode.SECINFO;
                case SecinfoNoNameArgs _ -> OpCode.SECINFO_NO_NAME;
            };
        }
    }

    record CreateArgs(CreateObject object, String name, Fattr attributes) implements NamespaceFamily {}

    record GetFhArgs() implements NamespaceFamily {}

    record LinkArgs(String name) implements NamespaceFamily {}

    record LookupArgs(String name) implements NamespaceFamily {}

    /// To the parent.
    record LookuppArgs() implements NamespaceFamily {}

    record PutFhArgs(Opaque fileHandle) implements NamespaceFamily {}

    record PutPubFhArgs() implements NamespaceFamily {}

    record PutRootFhArgs() implements NamespaceFamily {}

    /// `directoryBytes` is a hint for names and cookies alone; `maxBytes` bounds the whole result.
    record ReadDirArgs(long cookie, long verifier, int directoryBytes, int maxBytes, Bitmap attributes)
            implements NamespaceFamily {}

    record ReadLinkArgs() implements NamespaceFamily {}

    record RemoveArgs(String name) implements NamespaceFamily {}

    /// From the saved directory to the current one.
    record RenameArgs(String oldName, String newName) implements NamespaceFamily {}

    record RestoreFhArgs() implements NamespaceFamily {}

    record SaveFhArgs() implements NamespaceFamily {}

    record SecinfoArgs(String name) implements NamespaceFamily {}

    record SecinfoNoNameArgs(SecinfoStyle style) implements NamespaceFamily {}

    /// Attributes: RFC 8881 §18.1, §18.7, §18.15, §18.30, §18.31.
    sealed interface AttributeFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case AccessArgs _ -> OpCode.ACCESS;
                case GetAttrArgs _ -> OpCode.GETATTR;
                case NverifyArgs _ -> OpCode.NVERIFY;
                case VerifyArgs _ -> OpCode.VERIFY;
                case SetAttrArgs _ -> OpCode.SETATTR;
            };
        }
    }

    /// `access`: [AccessBits].
    record AccessArgs(int access) implements AttributeFamily {}

    record GetAttrArgs(Bitmap attributes) implements AttributeFamily {}

    record NverifyArgs(Fattr attributes) implements AttributeFamily {}

    record VerifyArgs(Fattr attributes) implements AttributeFamily {}

    record SetAttrArgs(Stateid stateid, Fattr attributes) implements AttributeFamily {}

    /// Data: RFC 8881 §18.3, §18.22, §18.32, RFC 7862 §15.1, §15.4, §15.5, §15.10 to §15.12.
    sealed interface IoFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case ReadArgs _ -> OpCode.READ;
                case WriteArgs _ -> OpCode.WRITE;
                case CommitArgs _ -> OpCode.COMMIT;
                case AllocateArgs _ -> OpCode.ALLOCATE;
                case DeallocateArgs _ -> OpCode.DEALLOCATE;
                case IoAdviseArgs _ -> OpCode.IO_ADVISE;
                case ReadPlusArgs _ -> OpCode.READ_PLUS;
                case SeekArgs _ -> OpCode.SEEK;
                case WriteSameArgs _ -> OpCode.WRITE_SAME;
            };
        }
    }

    record ReadArgs(Stateid stateid, long offset, int count) implements IoFamily {}

    /// `data` is a view of the message it was read from: good until the reply is sent, not to be changed, and
    /// copied by who needs it longer. Reading it moves its position, so readers take a duplicate.
    record WriteArgs(Stateid stateid, long offset, StableHow stable, ByteBuffer data) implements IoFamily {}

    /// `count` of 0: to the end of the file.
    record CommitArgs(long offset, long count) implements IoFamily {}

    record AllocateArgs(Stateid stateid, FileRange range) implements IoFamily {}

    record DeallocateArgs(Stateid stateid, FileRange range) implements IoFamily {}

    /// `count` of 0: to the end of the file.
    record IoAdviseArgs(Stateid stateid, long offset, long count, Bitmap hints) implements IoFamily {}

    record ReadPlusArgs(Stateid stateid, long offset, int count) implements IoFamily {}

    record SeekArgs(Stateid stateid, long offset, SeekWhat what) implements IoFamily {}

    record WriteSameArgs(Stateid stateid, StableHow stable, DataBlock block) implements IoFamily {}

    /// Copies within and between servers: RFC 7862 §15.2, §15.3, §15.8, §15.9, §15.13. A `count` of 0: to the
    /// end of the file.
    sealed interface CopyFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case CloneArgs _ -> OpCode.CLONE;
                case CopyArgs _ -> OpCode.COPY;
                case CopyNotifyArgs _ -> OpCode.COPY_NOTIFY;
                case OffloadCancelArgs _ -> OpCode.OFFLOAD_CANCEL;
                case OffloadStatusArgs _ -> OpCode.OFFLOAD_STATUS;
            };
        }
    }

    record CloneArgs(Stateid source, Stateid destination, long sourceOffset, long destinationOffset, long count)
            implements CopyFamily {}

    /// No `sourceServers`: within this server.
    record CopyArgs(
            Stateid source,
            Stateid destination,
            long sourceOffset,
            long destinationOffset,
            long count,
            boolean consecutive,
            boolean synchronous,
            List<NetLocation> sourceServers)
            implements CopyFamily {
        public CopyArgs {
            sourceServers = List.copyOf(sourceServers);
        }
    }

    record CopyNotifyArgs(Stateid source, NetLocation destination) implements CopyFamily {}

    record OffloadCancelArgs(Stateid stateid) implements CopyFamily {}

    record OffloadStatusArgs(Stateid stateid) implements CopyFamily {}

    /// Layouts and devices: RFC 8881 §18.40 to §18.44, RFC 7862 §15.6, §15.7. Bodies are in the language of the
    /// layout type.
    sealed interface LayoutFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case GetDeviceInfoArgs _ -> OpCode.GETDEVICEINFO;
                case GetDeviceListArgs _ -> OpCode.GETDEVICELIST;
                case LayoutCommitArgs _ -> OpCode.LAYOUTCOMMIT;
                case LayoutGetArgs _ -> OpCode.LAYOUTGET;
                case LayoutReturnArgs _ -> OpCode.LAYOUTRETURN;
                case LayoutErrorArgs _ -> OpCode.LAYOUTERROR;
                case LayoutStatsArgs _ -> OpCode.LAYOUTSTATS;
            };
        }
    }

    record GetDeviceInfoArgs(Opaque device, LayoutType type, int maxBytes, Bitmap notifications)
            implements LayoutFamily {}

    record GetDeviceListArgs(LayoutType type, int maxDevices, long cookie, long verifier) implements LayoutFamily {}

    /// `lastWriteOffset` is that of the last byte written.
    record LayoutCommitArgs(
            FileRange range,
            boolean reclaim,
            Stateid stateid,
            OptionalLong lastWriteOffset,
            Optional<NfsTime> modified,
            LayoutBody update)
            implements LayoutFamily {}

    /// `minLength` in bytes from the start of `range`; [Long#MAX_VALUE]: to the end of the file.
    record LayoutGetArgs(
            boolean signalWhenAvailable,
            LayoutType type,
            Iomode iomode,
            FileRange range,
            long minLength,
            Stateid stateid,
            int maxBytes)
            implements LayoutFamily {}

    record LayoutReturnArgs(boolean reclaim, LayoutType type, Iomode iomode, LayoutReturnScope scope)
            implements LayoutFamily {}

    record LayoutErrorArgs(FileRange range, Stateid stateid, List<DeviceError> errors) implements LayoutFamily {
        public LayoutErrorArgs {
            errors = List.copyOf(errors);
        }
    }

    record LayoutStatsArgs(
            FileRange range, Stateid stateid, IoCount read, IoCount written, Opaque device, LayoutBody update)
            implements LayoutFamily {}

    /// Extended attributes: RFC 8276 §8.4. Names are 1 to 255 bytes of UTF-8, without the `user.` in front.
    sealed interface XattrFamily extends OpArgs {
        @Override
        default OpCode op() {
            return switch (this) {
                case GetXattrArgs _ -> OpCode.GETXATTR;
                case SetXattrArgs _ -> OpCode.SETXATTR;
                case ListXattrsArgs _ -> OpCode.LISTXATTRS;
                case RemoveXattrArgs _ -> OpCode.REMOVEXATTR;
            };
        }
    }

    record GetXattrArgs(String name) implements XattrFamily {}

    record SetXattrArgs(SetXattrMode mode, String name, Opaque value) implements XattrFamily {}

    record ListXattrsArgs(long cookie, int maxBytes) implements XattrFamily {}

    record RemoveXattrArgs(String name) implements XattrFamily {}

    /// What has no arguments that we could read; nothing of the message behind it can be read either.
    sealed interface Unreadable extends OpArgs {}

    /// An operation that NFSv4.1 forbids: NOTSUPP.
    record UnsupportedArgs(OpCode op) implements Unreadable {}

    /// A number without an operation: OP_ILLEGAL.
    record IllegalArgs(int number) implements Unreadable {
        @Override
        public OpCode op() {
            return OpCode.ILLEGAL;
        }
    }
}
