package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readStatus;
import static pnfs.wire.nfs4.CommonCodec.writeStatus;

import pnfs.wire.xdr.XdrException;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// One operation of a COMPOUND, either direction: the door to the codecs of all families. RFC 7863
/// `nfs_argop4`, `nfs_resop4`. Reading throws [XdrException] (BADXDR) or [NfsException] (the status that it
/// carries); either way the rest of the message cannot be read, and a COMPOUND ends at that operation.
public final class OpCodec {
    private OpCodec() {}

    /// The operation's number and its arguments.
    public static void writeArgs(XdrWriter out, OpArgs args) {
        out.writeUint32(
                args instanceof OpArgs.IllegalArgs illegal
                        ? illegal.number()
                        : args.op().number());
        switch (args) {
            case OpArgs.SessionFamily family -> SessionCodec.writeArgs(out, family);
            case OpArgs.OpenFamily family -> OpenCodec.writeArgs(out, family);
            case OpArgs.LockFamily family -> LockCodec.writeArgs(out, family);
            case OpArgs.NamespaceFamily family -> NamespaceCodec.writeArgs(out, family);
            case OpArgs.AttributeFamily family -> AttributeOpCodec.writeArgs(out, family);
            case OpArgs.IoFamily family -> IoCodec.writeArgs(out, family);
            case OpArgs.CopyFamily family -> CopyCodec.writeArgs(out, family);
            case OpArgs.LayoutFamily family -> LayoutOpCodec.writeArgs(out, family);
            case OpArgs.XattrFamily family -> XattrCodec.writeArgs(out, family);
            case OpArgs.Unreadable _ -> {}
        }
    }

    /// The operation's number and its arguments. Of a number that has none to read, [OpArgs.Unreadable].
    public static OpArgs readArgs(XdrReader in) {
        int number = in.readUint32();
        OpCode op = OpCode.of(number);
        return switch (op) {
            case BACKCHANNEL_CTL -> SessionCodec.readBackchannelCtlArgs(in);
            case BIND_CONN_TO_SESSION -> SessionCodec.readBindConnToSessionArgs(in);
            case EXCHANGE_ID -> SessionCodec.readExchangeIdArgs(in);
            case CREATE_SESSION -> SessionCodec.readCreateSessionArgs(in);
            case DESTROY_SESSION -> SessionCodec.readDestroySessionArgs(in);
            case FREE_STATEID -> SessionCodec.readFreeStateidArgs(in);
            case SEQUENCE -> SessionCodec.readSequenceArgs(in);
            case SET_SSV -> SessionCodec.readSetSsvArgs(in);
            case TEST_STATEID -> SessionCodec.readTestStateidArgs(in);
            case DESTROY_CLIENTID -> SessionCodec.readDestroyClientidArgs(in);
            case RECLAIM_COMPLETE -> SessionCodec.readReclaimCompleteArgs(in);
            case CLOSE -> OpenCodec.readCloseArgs(in);
            case DELEGPURGE -> OpenCodec.readDelegPurgeArgs(in);
            case DELEGRETURN -> OpenCodec.readDelegReturnArgs(in);
            case OPEN -> OpenCodec.readOpenArgs(in);
            case OPENATTR -> OpenCodec.readOpenAttrArgs(in);
            case OPEN_DOWNGRADE -> OpenCodec.readOpenDowngradeArgs(in);
            case GET_DIR_DELEGATION -> OpenCodec.readGetDirDelegationArgs(in);
            case WANT_DELEGATION -> OpenCodec.readWantDelegationArgs(in);
            case LOCK -> LockCodec.readLockArgs(in);
            case LOCKT -> LockCodec.readLocktArgs(in);
            case LOCKU -> LockCodec.readLockuArgs(in);
            case CREATE -> NamespaceCodec.readCreateArgs(in);
            case GETFH -> new OpArgs.GetFhArgs();
            case LINK -> NamespaceCodec.readLinkArgs(in);
            case LOOKUP -> NamespaceCodec.readLookupArgs(in);
            case LOOKUPP -> new OpArgs.LookuppArgs();
            case PUTFH -> NamespaceCodec.readPutFhArgs(in);
            case PUTPUBFH -> new OpArgs.PutPubFhArgs();
            case PUTROOTFH -> new OpArgs.PutRootFhArgs();
            case READDIR -> NamespaceCodec.readReadDirArgs(in);
            case READLINK -> new OpArgs.ReadLinkArgs();
            case REMOVE -> NamespaceCodec.readRemoveArgs(in);
            case RENAME -> NamespaceCodec.readRenameArgs(in);
            case RESTOREFH -> new OpArgs.RestoreFhArgs();
            case SAVEFH -> new OpArgs.SaveFhArgs();
            case SECINFO -> NamespaceCodec.readSecinfoArgs(in);
            case SECINFO_NO_NAME -> NamespaceCodec.readSecinfoNoNameArgs(in);
            case ACCESS -> AttributeOpCodec.readAccessArgs(in);
            case GETATTR -> AttributeOpCodec.readGetAttrArgs(in);
            case NVERIFY -> AttributeOpCodec.readNverifyArgs(in);
            case VERIFY -> AttributeOpCodec.readVerifyArgs(in);
            case SETATTR -> AttributeOpCodec.readSetAttrArgs(in);
            case READ -> IoCodec.readReadArgs(in);
            case WRITE -> IoCodec.readWriteArgs(in);
            case COMMIT -> IoCodec.readCommitArgs(in);
            case ALLOCATE -> IoCodec.readAllocateArgs(in);
            case DEALLOCATE -> IoCodec.readDeallocateArgs(in);
            case IO_ADVISE -> IoCodec.readIoAdviseArgs(in);
            case READ_PLUS -> IoCodec.readReadPlusArgs(in);
            case SEEK -> IoCodec.readSeekArgs(in);
            case WRITE_SAME -> IoCodec.readWriteSameArgs(in);
            case CLONE -> CopyCodec.readCloneArgs(in);
            case COPY -> CopyCodec.readCopyArgs(in);
            case COPY_NOTIFY -> CopyCodec.readCopyNotifyArgs(in);
            case OFFLOAD_CANCEL -> CopyCodec.readOffloadCancelArgs(in);
            case OFFLOAD_STATUS -> CopyCodec.readOffloadStatusArgs(in);
            case GETDEVICEINFO -> LayoutOpCodec.readGetDeviceInfoArgs(in);
            case GETDEVICELIST -> LayoutOpCodec.readGetDeviceListArgs(in);
            case LAYOUTCOMMIT -> LayoutOpCodec.readLayoutCommitArgs(in);
            case LAYOUTGET -> LayoutOpCodec.readLayoutGetArgs(in);
            case LAYOUTRETURN -> LayoutOpCodec.readLayoutReturnArgs(in);
            case LAYOUTERROR -> LayoutOpCodec.readLayoutErrorArgs(in);
            case LAYOUTSTATS -> LayoutOpCodec.readLayoutStatsArgs(in);
            case GETXATTR -> XattrCodec.readGetXattrArgs(in);
            case SETXATTR -> XattrCodec.readSetXattrArgs(in);
            case LISTXATTRS -> XattrCodec.readListXattrsArgs(in);
            case REMOVEXATTR -> XattrCodec.readRemoveXattrArgs(in);
            case OPEN_CONFIRM, RENEW, SETCLIENTID, SETCLIENTID_CONFIRM, RELEASE_LOCKOWNER ->
                new OpArgs.UnsupportedArgs(op);
            case ILLEGAL -> new OpArgs.IllegalArgs(number);
        };
    }

    /// The operation's number, its status and what follows from that.
    public static void writeResult(XdrWriter out, OpResult result) {
        out.writeUint32(result.op().number());
        writeStatus(out, result.status());
        switch (result) {
            case OpResult.SessionFamily family -> SessionCodec.writeResult(out, family);
            case OpResult.OpenFamily family -> OpenCodec.writeResult(out, family);
            case OpResult.LockFamily family -> LockCodec.writeResult(out, family);
            case OpResult.NamespaceFamily family -> NamespaceCodec.writeResult(out, family);
            case OpResult.AttributeFamily family -> AttributeOpCodec.writeResult(out, family);
            case OpResult.IoFamily family -> IoCodec.writeResult(out, family);
            case OpResult.CopyFamily family -> CopyCodec.writeResult(out, family);
            case OpResult.LayoutFamily family -> LayoutOpCodec.writeResult(out, family);
            case OpResult.XattrFamily family -> XattrCodec.writeResult(out, family);
            case OpResult.OpSuccess _, OpResult.OpFailure _ -> {}
        }
    }

    /// The operation's number, its status and what follows from that.
    public static OpResult readResult(XdrReader in) {
        OpCode op = OpCode.of(in.readUint32());
        NfsStatus status = readStatus(in);
        if (op == OpCode.SETATTR) {
            return AttributeOpCodec.readSetAttrResult(in, status);
        }
        return status == NfsStatus.OK ? readSuccess(in, op) : readFailure(in, op, status);
    }

    private static OpResult readSuccess(XdrReader in, OpCode op) {
        return switch (op) {
            case BIND_CONN_TO_SESSION -> SessionCodec.readBindConnToSessionResult(in);
            case EXCHANGE_ID -> SessionCodec.readExchangeIdResult(in);
            case CREATE_SESSION -> SessionCodec.readCreateSessionResult(in);
            case SEQUENCE -> SessionCodec.readSequenceResult(in);
            case SET_SSV -> SessionCodec.readSetSsvResult(in);
            case TEST_STATEID -> SessionCodec.readTestStateidResult(in);
            case CLOSE -> OpenCodec.readCloseResult(in);
            case OPEN -> OpenCodec.readOpenResult(in);
            case OPEN_DOWNGRADE -> OpenCodec.readOpenDowngradeResult(in);
            case GET_DIR_DELEGATION -> OpenCodec.readGetDirDelegationResult(in);
            case WANT_DELEGATION -> OpenCodec.readWantDelegationResult(in);
            case LOCK -> LockCodec.readLockResult(in);
            case LOCKU -> LockCodec.readLockuResult(in);
            case CREATE -> NamespaceCodec.readCreateResult(in);
            case GETFH -> NamespaceCodec.readGetFhResult(in);
            case LINK -> NamespaceCodec.readLinkResult(in);
            case READDIR -> NamespaceCodec.readReadDirResult(in);
            case READLINK -> NamespaceCodec.readReadLinkResult(in);
            case REMOVE -> NamespaceCodec.readRemoveResult(in);
            case RENAME -> NamespaceCodec.readRenameResult(in);
            case SECINFO -> NamespaceCodec.readSecinfoResult(in);
            case SECINFO_NO_NAME -> NamespaceCodec.readSecinfoNoNameResult(in);
            case ACCESS -> AttributeOpCodec.readAccessResult(in);
            case GETATTR -> AttributeOpCodec.readGetAttrResult(in);
            case READ -> IoCodec.readReadResult(in);
            case WRITE -> IoCodec.readWriteResult(in);
            case COMMIT -> IoCodec.readCommitResult(in);
            case IO_ADVISE -> IoCodec.readIoAdviseResult(in);
            case READ_PLUS -> IoCodec.readReadPlusResult(in);
            case SEEK -> IoCodec.readSeekResult(in);
            case WRITE_SAME -> IoCodec.readWriteSameResult(in);
            case COPY -> CopyCodec.readCopyResult(in);
            case COPY_NOTIFY -> CopyCodec.readCopyNotifyResult(in);
            case OFFLOAD_STATUS -> CopyCodec.readOffloadStatusResult(in);
            case GETDEVICEINFO -> LayoutOpCodec.readGetDeviceInfoResult(in);
            case GETDEVICELIST -> LayoutOpCodec.readGetDeviceListResult(in);
            case LAYOUTCOMMIT -> LayoutOpCodec.readLayoutCommitResult(in);
            case LAYOUTGET -> LayoutOpCodec.readLayoutGetResult(in);
            case LAYOUTRETURN -> LayoutOpCodec.readLayoutReturnResult(in);
            case GETXATTR -> XattrCodec.readGetXattrResult(in);
            case SETXATTR -> XattrCodec.readSetXattrResult(in);
            case LISTXATTRS -> XattrCodec.readListXattrsResult(in);
            case REMOVEXATTR -> XattrCodec.readRemoveXattrResult(in);
            case BACKCHANNEL_CTL,
                    DESTROY_SESSION,
                    FREE_STATEID,
                    DESTROY_CLIENTID,
                    RECLAIM_COMPLETE,
                    DELEGPURGE,
                    DELEGRETURN,
                    OPENATTR,
                    LOCKT,
                    LOOKUP,
                    LOOKUPP,
                    PUTFH,
                    PUTPUBFH,
                    PUTROOTFH,
                    RESTOREFH,
                    SAVEFH,
                    NVERIFY,
                    VERIFY,
                    ALLOCATE,
                    DEALLOCATE,
                    CLONE,
                    OFFLOAD_CANCEL,
                    LAYOUTERROR,
                    LAYOUTSTATS -> new OpResult.OpSuccess(op);
            case SETATTR, OPEN_CONFIRM, RENEW, SETCLIENTID, SETCLIENTID_CONFIRM, RELEASE_LOCKOWNER, ILLEGAL ->
                throw new XdrException(op + " with status OK");
        };
    }

    /// Few failures have a body: RFC 8881 §18.10, §18.11, §18.40, §18.43, RFC 7862 §15.2.
    private static OpResult readFailure(XdrReader in, OpCode op, NfsStatus status) {
        if (status == NfsStatus.DENIED && (op == OpCode.LOCK || op == OpCode.LOCKT)) {
            return LockCodec.readLockDenied(in, op);
        }
        if (status == NfsStatus.LAYOUTTRYLATER && op == OpCode.LAYOUTGET) {
            return LayoutOpCodec.readLayoutTryLater(in);
        }
        if (status == NfsStatus.TOOSMALL && op == OpCode.GETDEVICEINFO) {
            return LayoutOpCodec.readDeviceInfoTooSmall(in);
        }
        if (status == NfsStatus.OFFLOAD_NO_REQS && op == OpCode.COPY) {
            return CopyCodec.readCopyRequirements(in);
        }
        return new OpResult.OpFailure(op, status);
    }
}
