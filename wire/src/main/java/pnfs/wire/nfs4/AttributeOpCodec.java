package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readBitmap;
import static pnfs.wire.nfs4.CommonCodec.readFattr;
import static pnfs.wire.nfs4.CommonCodec.readStateid;
import static pnfs.wire.nfs4.CommonCodec.writeBitmap;
import static pnfs.wire.nfs4.CommonCodec.writeFattr;
import static pnfs.wire.nfs4.CommonCodec.writeStateid;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// The operations on attributes: RFC 8881 §18.1, §18.7, §18.15, §18.30, §18.31. The values themselves:
/// [AttributeCodec].
final class AttributeOpCodec {
    private AttributeOpCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.AttributeFamily family) {
        switch (family) {
            case OpArgs.AccessArgs args -> writeAccessArgs(out, args);
            case OpArgs.GetAttrArgs args -> writeGetAttrArgs(out, args);
            case OpArgs.NverifyArgs args -> writeNverifyArgs(out, args);
            case OpArgs.VerifyArgs args -> writeVerifyArgs(out, args);
            case OpArgs.SetAttrArgs args -> writeSetAttrArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.AttributeFamily family) {
        switch (family) {
            case OpResult.AccessResult result -> writeAccessResult(out, result);
            case OpResult.GetAttrResult result -> writeGetAttrResult(out, result);
            case OpResult.SetAttrResult result -> writeSetAttrResult(out, result);
        }
    }

    private static void writeAccessArgs(XdrWriter out, OpArgs.AccessArgs args) {
        out.writeUint32(args.access());
    }

    static OpArgs.AccessArgs readAccessArgs(XdrReader in) {
        var access = in.readUint32();
        return new OpArgs.AccessArgs(access);
    }

    private static void writeAccessResult(XdrWriter out, OpResult.AccessResult result) {
        out.writeUint32(result.supported());
        out.writeUint32(result.access());
    }

    static OpResult.AccessResult readAccessResult(XdrReader in) {
        var supported = in.readUint32();
        var access = in.readUint32();
        return new OpResult.AccessResult(supported, access);
    }

    private static void writeGetAttrArgs(XdrWriter out, OpArgs.GetAttrArgs args) {
        writeBitmap(out, args.attributes());
    }

    static OpArgs.GetAttrArgs readGetAttrArgs(XdrReader in) {
        var attributes = readBitmap(in);
        return new OpArgs.GetAttrArgs(attributes);
    }

    private static void writeGetAttrResult(XdrWriter out, OpResult.GetAttrResult result) {
        writeFattr(out, result.attributes());
    }

    static OpResult.GetAttrResult readGetAttrResult(XdrReader in) {
        var attributes = readFattr(in);
        return new OpResult.GetAttrResult(attributes);
    }

    private static void writeNverifyArgs(XdrWriter out, OpArgs.NverifyArgs args) {
        writeFattr(out, args.attributes());
    }

    static OpArgs.NverifyArgs readNverifyArgs(XdrReader in) {
        var attributes = readFattr(in);
        return new OpArgs.NverifyArgs(attributes);
    }

    private static void writeVerifyArgs(XdrWriter out, OpArgs.VerifyArgs args) {
        writeFattr(out, args.attributes());
    }

    static OpArgs.VerifyArgs readVerifyArgs(XdrReader in) {
        var attributes = readFattr(in);
        return new OpArgs.VerifyArgs(attributes);
    }

    private static void writeSetAttrArgs(XdrWriter out, OpArgs.SetAttrArgs args) {
        writeStateid(out, args.stateid());
        writeFattr(out, args.attributes());
    }

    static OpArgs.SetAttrArgs readSetAttrArgs(XdrReader in) {
        var stateid = readStateid(in);
        var attributes = readFattr(in);
        return new OpArgs.SetAttrArgs(stateid, attributes);
    }

    private static void writeSetAttrResult(XdrWriter out, OpResult.SetAttrResult result) {
        writeBitmap(out, result.attributesSet());
    }

    static OpResult.SetAttrResult readSetAttrResult(XdrReader in, NfsStatus status) {
        return new OpResult.SetAttrResult(status, readBitmap(in));
    }
}
