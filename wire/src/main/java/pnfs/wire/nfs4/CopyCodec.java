package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBytes63;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readOptional;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.readText;
import static pnfs.wire.nfs4.CommonCodec.readTime;
import static pnfs.wire.nfs4.CommonCodec.unknownArm;
import static pnfs.wire.nfs4.CommonCodec.writeList;
import static pnfs.wire.nfs4.CommonCodec.writeOptional;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;
import static pnfs.wire.nfs4.CommonCodec.writeTime;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Copies: RFC 7862 §15.2, §15.3, §15.8, §15.9, §15.13. Every read undoes the write of the same name.
final class CopyCodec {
    private static final int NL4_NAME = 1;
    private static final int NL4_URL = 2;
    private static final int NL4_NETADDR = 3;

    private CopyCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.CopyFamily family) {
        switch (family) {
            case OpArgs.CloneArgs args -> writeCloneArgs(out, args);
            case OpArgs.CopyArgs args -> writeCopyArgs(out, args);
            case OpArgs.CopyNotifyArgs args -> writeCopyNotifyArgs(out, args);
            case OpArgs.OffloadCancelArgs args -> writeOffloadCancelArgs(out, args);
            case OpArgs.OffloadStatusArgs args -> writeOffloadStatusArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.CopyFamily family) {
        switch (family) {
            case OpResult.CopyResult result -> writeCopyResult(out, result);
            case OpResult.CopyNotifyResult result -> writeCopyNotifyResult(out, result);
            case OpResult.OffloadStatusResult result -> writeOffloadStatusResult(out, result);
            case OpResult.CopyRequirements result -> writeCopyRequirements(out, result);
        }
    }

    private static void writeCloneArgs(XdrWriter out, OpArgs.CloneArgs args) {
        writeStateid(out, args.source());
        writeStateid(out, args.destination());
        out.writeUint64(args.sourceOffset());
        out.writeUint64(args.destinationOffset());
        out.writeUint64(args.count());
    }

    static OpArgs.CloneArgs readCloneArgs(XdrReader in) {
        var source = readStateid(in);
        var destination = readStateid(in);
        var sourceOffset = readBytes63(in);
        var destinationOffset = readBytes63(in);
        var count = readBytes63(in);
        return new OpArgs.CloneArgs(source, destination, sourceOffset, destinationOffset, count);
    }

    private static void writeCopyArgs(XdrWriter out, OpArgs.CopyArgs args) {
        writeStateid(out, args.source());
        writeStateid(out, args.destination());
        out.writeUint64(args.sourceOffset());
        out.writeUint64(args.destinationOffset());
        out.writeUint64(args.count());
        out.writeBool(args.consecutive());
        out.writeBool(args.synchronous());
        writeList(out, args.sourceServers(), CopyCodec::writeLocation);
    }

    static OpArgs.CopyArgs readCopyArgs(XdrReader in) {
        var source = readStateid(in);
        var destination = readStateid(in);
        var sourceOffset = readBytes63(in);
        var destinationOffset = readBytes63(in);
        var count = readBytes63(in);
        var consecutive = in.readBool();
        var synchronous = in.readBool();
        var sourceServers = readList(in, Nfs4Limits.SERVERS, 2 * Integer.BYTES, CopyCodec::readLocation);
        return new OpArgs.CopyArgs(
                source, destination, sourceOffset, destinationOffset, count, consecutive, synchronous, sourceServers);
    }

    private static void writeCopyResult(XdrWriter out, OpResult.CopyResult result) {
        IoCodec.writeWriteResponse(out, result.response());
        out.writeBool(result.consecutive());
        out.writeBool(result.synchronous());
    }

    static OpResult.CopyResult readCopyResult(XdrReader in) {
        var response = IoCodec.readWriteResponse(in);
        var consecutive = in.readBool();
        var synchronous = in.readBool();
        return new OpResult.CopyResult(response, consecutive, synchronous);
    }

    private static void writeCopyNotifyArgs(XdrWriter out, OpArgs.CopyNotifyArgs args) {
        writeStateid(out, args.source());
        writeLocation(out, args.destination());
    }

    static OpArgs.CopyNotifyArgs readCopyNotifyArgs(XdrReader in) {
        var source = readStateid(in);
        var destination = readLocation(in);
        return new OpArgs.CopyNotifyArgs(source, destination);
    }

    private static void writeCopyNotifyResult(XdrWriter out, OpResult.CopyNotifyResult result) {
        writeTime(out, result.lease());
        writeStateid(out, result.stateid());
        writeList(out, result.sourceServers(), CopyCodec::writeLocation);
    }

    static OpResult.CopyNotifyResult readCopyNotifyResult(XdrReader in) {
        var lease = readTime(in);
        var stateid = readStateid(in);
        var sourceServers = readList(in, Nfs4Limits.SERVERS, 2 * Integer.BYTES, CopyCodec::readLocation);
        return new OpResult.CopyNotifyResult(lease, stateid, sourceServers);
    }

    private static void writeOffloadCancelArgs(XdrWriter out, OpArgs.OffloadCancelArgs args) {
        writeStateid(out, args.stateid());
    }

    static OpArgs.OffloadCancelArgs readOffloadCancelArgs(XdrReader in) {
        var stateid = readStateid(in);
        return new OpArgs.OffloadCancelArgs(stateid);
    }

    private static void writeOffloadStatusArgs(XdrWriter out, OpArgs.OffloadStatusArgs args) {
        writeStateid(out, args.stateid());
    }

    static OpArgs.OffloadStatusArgs readOffloadStatusArgs(XdrReader in) {
        var stateid = readStateid(in);
        return new OpArgs.OffloadStatusArgs(stateid);
    }

    private static void writeOffloadStatusResult(XdrWriter out, OpResult.OffloadStatusResult result) {
        out.writeUint64(result.count());
        writeOptional(out, result.completed(), CommonCodec::writeStatus);
    }

    static OpResult.OffloadStatusResult readOffloadStatusResult(XdrReader in) {
        var count = readBytes63(in);
        var completed = readOptional(in, CommonCodec::readStatus);
        return new OpResult.OffloadStatusResult(count, completed);
    }

    private static void writeCopyRequirements(XdrWriter out, OpResult.CopyRequirements result) {
        out.writeBool(result.consecutive());
        out.writeBool(result.synchronous());
    }

    static OpResult.CopyRequirements readCopyRequirements(XdrReader in) {
        var consecutive = in.readBool();
        var synchronous = in.readBool();
        return new OpResult.CopyRequirements(consecutive, synchronous);
    }

    private static void writeLocation(XdrWriter out, NetLocation location) {
        switch (location) {
            case NetLocation.Name name -> {
                out.writeUint32(NL4_NAME);
                out.writeString(name.name());
            }
            case NetLocation.Url url -> {
                out.writeUint32(NL4_URL);
                out.writeString(url.url());
            }
            case NetLocation.Address address -> {
                out.writeUint32(NL4_NETADDR);
                out.writeString(address.netid());
                out.writeString(address.address());
            }
        }
    }

    private static NetLocation readLocation(XdrReader in) {
        int type = in.readUint32();
        return switch (type) {
            case NL4_NAME -> new NetLocation.Name(readText(in));
            case NL4_URL -> new NetLocation.Url(readText(in));
            case NL4_NETADDR -> {
                var netid = readText(in);
                yield new NetLocation.Address(netid, readText(in));
            }
            default -> throw unknownArm("netloc4", type);
        };
    }
}
