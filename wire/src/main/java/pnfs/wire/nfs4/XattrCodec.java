package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.readList;
import static pnfs.wire.nfs4.CommonCodec.readMaximum;
import static pnfs.wire.nfs4.CommonCodec.readXattrName;
import static pnfs.wire.nfs4.CommonCodec.writeChangeInfo;
import static pnfs.wire.nfs4.CommonCodec.writeList;

import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Extended attributes: RFC 8276 §8.4. Every read undoes the write of the same name.
final class XattrCodec {
    private XattrCodec() {}

    static void writeArgs(XdrWriter out, OpArgs.XattrFamily family) {
        switch (family) {
            case OpArgs.GetXattrArgs args -> writeGetXattrArgs(out, args);
            case OpArgs.SetXattrArgs args -> writeSetXattrArgs(out, args);
            case OpArgs.ListXattrsArgs args -> writeListXattrsArgs(out, args);
            case OpArgs.RemoveXattrArgs args -> writeRemoveXattrArgs(out, args);
        }
    }

    /// The body behind the status.
    static void writeResult(XdrWriter out, OpResult.XattrFamily family) {
        switch (family) {
            case OpResult.GetXattrResult result -> writeGetXattrResult(out, result);
            case OpResult.SetXattrResult result -> writeSetXattrResult(out, result);
            case OpResult.ListXattrsResult result -> writeListXattrsResult(out, result);
            case OpResult.RemoveXattrResult result -> writeRemoveXattrResult(out, result);
        }
    }

    private static void writeGetXattrArgs(XdrWriter out, OpArgs.GetXattrArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.GetXattrArgs readGetXattrArgs(XdrReader in) {
        var name = readXattrName(in);
        return new OpArgs.GetXattrArgs(name);
    }

    private static void writeGetXattrResult(XdrWriter out, OpResult.GetXattrResult result) {
        out.writeOpaque(result.value());
    }

    static OpResult.GetXattrResult readGetXattrResult(XdrReader in) {
        var value = in.readOpaque(Nfs4Limits.XATTR_VALUE_BYTES);
        return new OpResult.GetXattrResult(value);
    }

    private static void writeSetXattrArgs(XdrWriter out, OpArgs.SetXattrArgs args) {
        out.writeUint32(args.mode().wire());
        out.writeString(args.name());
        out.writeOpaque(args.value());
    }

    static OpArgs.SetXattrArgs readSetXattrArgs(XdrReader in) {
        var mode = SetXattrMode.fromWire(in.readUint32());
        var name = readXattrName(in);
        var value = in.readOpaque(Nfs4Limits.XATTR_VALUE_BYTES_READ);
        if (value.length() > Nfs4Limits.XATTR_VALUE_BYTES) {
            throw new NfsException(NfsStatus.XATTR2BIG, "value of " + value.length() + " bytes");
        }
        return new OpArgs.SetXattrArgs(mode, name, value);
    }

    private static void writeSetXattrResult(XdrWriter out, OpResult.SetXattrResult result) {
        writeChangeInfo(out, result.file());
    }

    static OpResult.SetXattrResult readSetXattrResult(XdrReader in) {
        var file = readChangeInfo(in);
        return new OpResult.SetXattrResult(file);
    }

    private static void writeListXattrsArgs(XdrWriter out, OpArgs.ListXattrsArgs args) {
        out.writeUint64(args.cookie());
        out.writeUint32(args.maxBytes());
    }

    static OpArgs.ListXattrsArgs readListXattrsArgs(XdrReader in) {
        var cookie = in.readUint64();
        var maxBytes = readMaximum(in);
        return new OpArgs.ListXattrsArgs(cookie, maxBytes);
    }

    private static void writeListXattrsResult(XdrWriter out, OpResult.ListXattrsResult result) {
        out.writeUint64(result.cookie());
        writeList(out, result.names(), XdrWriter::writeString);
        out.writeBool(result.eof());
    }

    static OpResult.ListXattrsResult readListXattrsResult(XdrReader in) {
        var cookie = in.readUint64();
        var names = readList(in, Nfs4Limits.XATTR_NAMES, Integer.BYTES, CommonCodec::readXattrName);
        var eof = in.readBool();
        return new OpResult.ListXattrsResult(cookie, names, eof);
    }

    private static void writeRemoveXattrArgs(XdrWriter out, OpArgs.RemoveXattrArgs args) {
        out.writeString(args.name());
    }

    static OpArgs.RemoveXattrArgs readRemoveXattrArgs(XdrReader in) {
        var name = readXattrName(in);
        return new OpArgs.RemoveXattrArgs(name);
    }

    private static void writeRemoveXattrResult(XdrWriter out, OpResult.RemoveXattrResult result) {
        writeChangeInfo(out, result.file());
    }

    static OpResult.RemoveXattrResult readRemoveXattrResult(XdrReader in) {
        var file = readChangeInfo(in);
        return new OpResult.RemoveXattrResult(file);
    }
}
