package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readAce;
import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.readFattr;
import static pnfs.wire.nfs4.CommonCodec.readName;
import static pnfs.wire.nfs4.CommonCodec.readOwner;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.readTime;
import static pnfs.wire.nfs4.CommonCodec.unknownArm;
import static pnfs.wire.nfs4.CommonCodec.writeAce;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.writeFattr;
import static pnfs.wire.nfs4.CommonCodec.writeOwner;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;
import static pnfs.wire.nfs4.CommonCodec.writeTime;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Opens and delegations: RFC 8881 §18.2, §18.16 to §18.18, §18.39, §18.49. Every read undoes the write of the
/// same name.
final class OpenCodec {
    private static final int OPEN4_NOCREATE = 0;
    private static final int OPEN4_CREATE = 1;
    private static final int UNCHECKED4 = 0;
    private static final int GUARDED4 = 1;
    private static final int EXCLUSIVE4 = 2;
    private static final int EXCLUSIVE4_1 = 3;
    private static final int CLAIM_NULL = 0;
    private static final int CLAIM_PREVIOUS = 1;
    private static final int CLAIM_DELEGATE_CUR = 2;
    private static final int CLAIM_DELEGATE_PREV = 3;
    private static final int CLAIM_FH = 4;
    private static final int CLAIM_DELEG_CUR_FH = 5;
    private static final int CLAIM_DELEG_PREV_FH = 6;
    private static final int NFS_LIMIT_SIZE = 1;
    private static final int NFS_LIMIT_BLOCKS = 2;
    private static final int GDD4_OK = 0;
    private static final int GDD4_UNAVAIL = 1;

    private OpenCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.OpenFamily family) {
        switch (family) {
            case OpArgs.CloseArgs args -> writeCloseArgs(out, args);
            case OpArgs.DelegPurgeArgs args -> writeDelegPurgeArgs(out, args);
            case OpArgs.DelegReturnArgs args -> writeDelegReturnArgs(out, args);
            case OpArgs.OpenArgs args -> writeOpenArgs(out, args);
            case OpArgs.OpenAttrArgs args -> writeOpenAttrArgs(out, args);
            case OpArgs.OpenDowngradeArgs args -> writeOpenDowngradeArgs(out, args);
            case OpArgs.GetDirDelegationArgs args -> writeGetDirDelegationArgs(out, args);
            case OpArgs.WantDelegationArgs args -> writeWantDelegationArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.OpenFamily family) {
        switch (family) {
            case OpResult.CloseResult result -> writeCloseResult(out, result);
            case OpResult.OpenResult result -> writeOpenResult(out, result);
            case OpResult.OpenDowngradeResult result -> writeOpenDowngradeResult(out, result);
            case OpResult.GetDirDelegationResult result -> writeGetDirDelegationResult(out, result);
            case OpResult.DirDelegationUnavailable result -> writeDirDelegationUnavailable(out, result);
            case OpResult.WantDelegationResult result -> writeWantDelegationResult(out, result);
        }
    }

    private static void writeCloseArgs(XdrWriter out, OpArgs.CloseArgs args) {
        out.writeUint32(args.sequence());
        writeStateid(out, args.stateid());
    }

    static OpArgs.CloseArgs readCloseArgs(XdrReader in) {
        var sequence = in.readUint32();
        var stateid = readStateid(in);
        return new OpArgs.CloseArgs(sequence, stateid);
    }

    private static void writeCloseResult(XdrWriter out, OpResult.CloseResult result) {
        writeStateid(out, result.stateid());
    }

    static OpResult.CloseResult readCloseResult(XdrReader in) {
        var stateid = readStateid(in);
        return new OpResult.CloseResult(stateid);
    }

    private static void writeDelegPurgeArgs(XdrWriter out, OpArgs.DelegPurgeArgs args) {
        out.writeUint64(args.clientId());
    }

    static OpArgs.DelegPurgeArgs readDelegPurgeArgs(XdrReader in) {
        var clientId = in.readUint64();
        return new OpArgs.DelegPurgeArgs(clientId);
    }

    private static void writeDelegReturnArgs(XdrWriter out, OpArgs.DelegReturnArgs args) {
        writeStateid(out, args.stateid());
    }

    static OpArgs.DelegReturnArgs readDelegReturnArgs(XdrReader in) {
        var stateid = readStateid(in);
        return new OpArgs.DelegReturnArgs(stateid);
    }

    private static void writeOpenArgs(XdrWriter out, OpArgs.OpenArgs args) {
        out.writeUint32(args.sequence());
        out.writeUint32(args.shareAccess());
        out.writeUint32(args.shareDeny());
        writeOwner(out, args.owner());
        writeOpenHow(out, args.how());
        writeOpenClaim(out, args.claim());
    }

    static OpArgs.OpenArgs readOpenArgs(XdrReader in) {
        var sequence = in.readUint32();
        var shareAccess = in.readUint32();
        var shareDeny = in.readUint32();
        var owner = readOwner(in);
        var how = readOpenHow(in);
        var claim = readOpenClaim(in);
        return new OpArgs.OpenArgs(sequence, shareAccess, shareDeny, owner, how, claim);
    }

    private static void writeOpenResult(XdrWriter out, OpResult.OpenResult result) {
        writeStateid(out, result.stateid());
        writeChangeInfo(out, result.directory());
        out.writeUint32(result.flags());
        writeBitmap(out, result.attributesSet());
        writeOpenDelegation(out, result.delegation());
    }

    static OpResult.OpenResult readOpenResult(XdrReader in) {
        var stateid = readStateid(in);
        var directory = readChangeInfo(in);
        var flags = in.readUint32();
        var attributesSet = readBitmap(in);
        var delegation = readOpenDelegation(in);
        return new OpResult.OpenResult(stateid, directory, flags, attributesSet, delegation);
    }

    private static void writeOpenAttrArgs(XdrWriter out, OpArgs.OpenAttrArgs args) {
        out.writeBool(args.createDirectory());
    }

    static OpArgs.OpenAttrArgs readOpenAttrArgs(XdrReader in) {
        var createDirectory = in.readBool();
        return new OpArgs.OpenAttrArgs(createDirectory);
    }

    private static void writeOpenDowngradeArgs(XdrWriter out, OpArgs.OpenDowngradeArgs args) {
        writeStateid(out, args.stateid());
        out.writeUint32(args.sequence());
        out.writeUint32(args.shareAccess());
        out.writeUint32(args.shareDeny());
    }

    static OpArgs.OpenDowngradeArgs readOpenDowngradeArgs(XdrReader in) {
        var stateid = readStateid(in);
        var sequence = in.readUint32();
        var shareAccess = in.readUint32();
        var shareDeny = in.readUint32();
        return new OpArgs.OpenDowngradeArgs(stateid, sequence, shareAccess, shareDeny);
    }

    private static void writeOpenDowngradeResult(XdrWriter out, OpResult.OpenDowngradeResult result) {
        writeStateid(out, result.stateid());
    }

    static OpResult.OpenDowngradeResult readOpenDowngradeResult(XdrReader in) {
        var stateid = readStateid(in);
        return new OpResult.OpenDowngradeResult(stateid);
    }

    private static void writeGetDirDelegationArgs(XdrWriter out, OpArgs.GetDirDelegationArgs args) {
        out.writeBool(args.signalWhenAvailable());
        writeBitmap(out, args.notifications());
        writeTime(out, args.childDelay());
        writeTime(out, args.directoryDelay());
        writeBitmap(out, args.childAttributes());
        writeBitmap(out, args.directoryAttributes());
    }

    static OpArgs.GetDirDelegationArgs readGetDirDelegationArgs(XdrReader in) {
        var signalWhenAvailable = in.readBool();
        var notifications = readBitmap(in);
        var childDelay = readTime(in);
        var directoryDelay = readTime(in);
        var childAttributes = readBitmap(in);
        var directoryAttributes = readBitmap(in);
        return new OpArgs.GetDirDelegationArgs(
                signalWhenAvailable, notifications, childDelay, directoryDelay, childAttributes, directoryAttributes);
    }

    private static void writeGetDirDelegationResult(XdrWriter out, OpResult.GetDirDelegationResult result) {
        out.writeUint32(GDD4_OK);
        out.writeUint64(result.cookieVerifier());
        writeStateid(out, result.stateid());
        writeBitmap(out, result.notifications());
        writeBitmap(out, result.childAttributes());
        writeBitmap(out, result.directoryAttributes());
    }

    private static void writeDirDelegationUnavailable(XdrWriter out, OpResult.DirDelegationUnavailable result) {
        out.writeUint32(GDD4_UNAVAIL);
        out.writeBool(result.willSignal());
    }

    static OpResult.OpenFamily readGetDirDelegationResult(XdrReader in) {
        int status = in.readUint32();
        return switch (status) {
            case GDD4_OK -> {
                long cookieVerifier = in.readUint64();
                var stateid = readStateid(in);
                var notifications = readBitmap(in);
                var childAttributes = readBitmap(in);
                var directoryAttributes = readBitmap(in);
                yield new OpResult.GetDirDelegationResult(
                        cookieVerifier, stateid, notifications, childAttributes, directoryAttributes);
            }
            case GDD4_UNAVAIL -> new OpResult.DirDelegationUnavailable(in.readBool());
            default -> throw unknownArm("gddrnf_status", status);
        };
    }

    private static void writeWantDelegationArgs(XdrWriter out, OpArgs.WantDelegationArgs args) {
        out.writeUint32(args.want());
        writeOpenClaim(out, args.claim());
    }

    static OpArgs.WantDelegationArgs readWantDelegationArgs(XdrReader in) {
        var want = in.readUint32();
        var claim = readDelegationClaim(in, in.readUint32());
        return new OpArgs.WantDelegationArgs(want, claim);
    }

    private static void writeWantDelegationResult(XdrWriter out, OpResult.WantDelegationResult result) {
        writeOpenDelegation(out, result.delegation());
    }

    static OpResult.WantDelegationResult readWantDelegationResult(XdrReader in) {
        var delegation = readOpenDelegation(in);
        return new OpResult.WantDelegationResult(delegation);
    }

    private static void writeOpenHow(XdrWriter out, OpenHow how) {
        out.writeUint32(how instanceof OpenHow.NoCreate ? OPEN4_NOCREATE : OPEN4_CREATE);
        switch (how) {
            case OpenHow.NoCreate _ -> {}
            case OpenHow.Unchecked unchecked -> {
                out.writeUint32(UNCHECKED4);
                writeFattr(out, unchecked.attributes());
            }
            case OpenHow.Guarded guarded -> {
                out.writeUint32(GUARDED4);
                writeFattr(out, guarded.attributes());
            }
            case OpenHow.Exclusive exclusive -> {
                out.writeUint32(EXCLUSIVE4);
                out.writeUint64(exclusive.verifier());
            }
            case OpenHow.Exclusive41 exclusive -> {
                out.writeUint32(EXCLUSIVE4_1);
                out.writeUint64(exclusive.verifier());
                writeFattr(out, exclusive.attributes());
            }
        }
    }

    private static OpenHow readOpenHow(XdrReader in) {
        int type = in.readUint32();
        return switch (type) {
            case OPEN4_NOCREATE -> new OpenHow.NoCreate();
            case OPEN4_CREATE -> readCreateHow(in);
            default -> throw unknownArm("openflag4", type);
        };
    }

    private static OpenHow readCreateHow(XdrReader in) {
        int mode = in.readUint32();
        return switch (mode) {
            case UNCHECKED4 -> new OpenHow.Unchecked(readFattr(in));
            case GUARDED4 -> new OpenHow.Guarded(readFattr(in));
            case EXCLUSIVE4 -> new OpenHow.Exclusive(in.readUint64());
            case EXCLUSIVE4_1 -> {
                long verifier = in.readUint64();
                yield new OpenHow.Exclusive41(verifier, readFattr(in));
            }
            default -> throw unknownArm("createhow4", mode);
        };
    }

    private static void writeOpenClaim(XdrWriter out, OpenClaim claim) {
        switch (claim) {
            case OpenClaim.ByName byName -> {
                out.writeUint32(CLAIM_NULL);
                out.writeString(byName.name());
            }
            case OpenClaim.Previous previous -> {
                out.writeUint32(CLAIM_PREVIOUS);
                out.writeUint32(previous.delegation().wire());
            }
            case OpenClaim.DelegateCurrent current -> {
                out.writeUint32(CLAIM_DELEGATE_CUR);
                writeStateid(out, current.delegation());
                out.writeString(current.name());
            }
            case OpenClaim.DelegatePrevious previous -> {
                out.writeUint32(CLAIM_DELEGATE_PREV);
                out.writeString(previous.name());
            }
            case OpenClaim.ByHandle _ -> out.writeUint32(CLAIM_FH);
            case OpenClaim.DelegateCurrentByHandle current -> {
                out.writeUint32(CLAIM_DELEG_CUR_FH);
                writeStateid(out, current.delegation());
            }
            case OpenClaim.DelegatePreviousByHandle _ -> out.writeUint32(CLAIM_DELEG_PREV_FH);
        }
    }

    private static OpenClaim readOpenClaim(XdrReader in) {
        int claim = in.readUint32();
        return switch (claim) {
            case CLAIM_NULL -> new OpenClaim.ByName(readName(in));
            case CLAIM_DELEGATE_CUR -> {
                var delegation = readStateid(in);
                yield new OpenClaim.DelegateCurrent(delegation, readName(in));
            }
            case CLAIM_DELEGATE_PREV -> new OpenClaim.DelegatePrevious(readName(in));
            case CLAIM_DELEG_CUR_FH -> new OpenClaim.DelegateCurrentByHandle(readStateid(in));
            default -> readDelegationClaim(in, claim);
        };
    }

    private static OpenClaim.OfDelegation readDelegationClaim(XdrReader in, int claim) {
        return switch (claim) {
            case CLAIM_PREVIOUS -> new OpenClaim.Previous(DelegationType.fromWire(in.readUint32()));
            case CLAIM_FH -> new OpenClaim.ByHandle();
            case CLAIM_DELEG_PREV_FH -> new OpenClaim.DelegatePreviousByHandle();
            default -> throw unknownArm("open_claim4", claim);
        };
    }

    static void writeOpenDelegation(XdrWriter out, OpenDelegation delegation) {
        switch (delegation) {
            case OpenDelegation.None _ -> out.writeUint32(DelegationType.NONE.wire());
            case OpenDelegation.Read read -> {
                out.writeUint32((read.times() ? DelegationType.READ_TIMES : DelegationType.READ).wire());
                writeStateid(out, read.stateid());
                out.writeBool(read.recall());
                writeAce(out, read.permissions());
            }
            case OpenDelegation.Write write -> {
                out.writeUint32((write.times() ? DelegationType.WRITE_TIMES : DelegationType.WRITE).wire());
                writeStateid(out, write.stateid());
                out.writeBool(write.recall());
                writeSpaceLimit(out, write.limit());
                writeAce(out, write.permissions());
            }
            case OpenDelegation.Refused refused -> {
                out.writeUint32(DelegationType.NONE_EXT.wire());
                out.writeUint32(refused.reason().wire());
                if (refused.reason().hasMore()) {
                    out.writeBool(refused.serverWillTell());
                }
            }
        }
    }

    static OpenDelegation readOpenDelegation(XdrReader in) {
        var type = DelegationType.fromWire(in.readUint32());
        return switch (type) {
            case NONE -> new OpenDelegation.None();
            case READ, READ_TIMES -> {
                var stateid = readStateid(in);
                boolean recall = in.readBool();
                yield new OpenDelegation.Read(type == DelegationType.READ_TIMES, stateid, recall, readAce(in));
            }
            case WRITE, WRITE_TIMES -> {
                var stateid = readStateid(in);
                boolean recall = in.readBool();
                var limit = readSpaceLimit(in);
                yield new OpenDelegation.Write(type == DelegationType.WRITE_TIMES, stateid, recall, limit, readAce(in));
            }
            case NONE_EXT -> {
                var reason = NoDelegationReason.fromWire(in.readUint32());
                yield new OpenDelegation.Refused(reason, reason.hasMore() && in.readBool());
            }
        };
    }

    private static void writeSpaceLimit(XdrWriter out, SpaceLimit limit) {
        switch (limit) {
            case SpaceLimit.Size size -> {
                out.writeUint32(NFS_LIMIT_SIZE);
                out.writeUint64(size.bytes());
            }
            case SpaceLimit.Blocks blocks -> {
                out.writeUint32(NFS_LIMIT_BLOCKS);
                out.writeUint32(blocks.count());
                out.writeUint32(blocks.blockBytes());
            }
        }
    }

    private static SpaceLimit readSpaceLimit(XdrReader in) {
        int by = in.readUint32();
        return switch (by) {
            case NFS_LIMIT_SIZE -> new SpaceLimit.Size(in.readUint64());
            case NFS_LIMIT_BLOCKS -> {
                int count = in.readUint32();
                yield new SpaceLimit.Blocks(count, in.readUint32());
            }
            default -> throw unknownArm("nfs_space_limit4", by);
        };
    }
}
