package pnfs.wire.nfs4;

import static pnfs.wire.nfs4.CommonCodec.readStatus;
import static pnfs.wire.nfs4.CommonCodec.writeStatus;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// COMPOUND and CB_COMPOUND: RFC 7863, RFC 8881 §16.2, §20. A server reads the header and then one operation at
/// a time with [OpCodec#readArgs], so that an operation runs before the next one is decoded; it writes with
/// [#beginResults], [OpCodec#writeResult] and [#endResults]. Clients, whose messages are whole before they are
/// sent, have both at once.
public final class CompoundCodec {
    private CompoundCodec() {}

    /// What stands in front of a COMPOUND's operations. The tag comes back in the results as it is.
    public record Header(Opaque tag, int minorVersion, int operations) {}

    /// What stands in front of a CB_COMPOUND's operations. The ident says nothing since 4.1.
    public record CbHeader(Opaque tag, int minorVersion, int ident, int operations) {}

    /// A COMPOUND's results, as many as ran; `status` is that of the last.
    public record Results(NfsStatus status, Opaque tag, List<OpResult> operations) {
        public Results {
            operations = List.copyOf(operations);
        }
    }

    /// A CB_COMPOUND's results.
    public record CbResults(NfsStatus status, Opaque tag, List<CbResult> operations) {
        public CbResults {
            operations = List.copyOf(operations);
        }
    }

    /// Where status and count stand in a writer, until they are known.
    public record Begun(int statusAt, int countAt) {}

    public static void writeHeader(XdrWriter out, Header header) {
        out.writeOpaque(header.tag());
        out.writeUint32(header.minorVersion());
        out.writeUint32(header.operations());
    }

    /// The count is at most what the message can hold; whether a session allows as many is the server's to say.
    public static Header readHeader(XdrReader in) {
        var tag = in.readOpaque(Nfs4Limits.TAG_BYTES);
        int minorVersion = in.readUint32();
        return new Header(tag, minorVersion, readOperationCount(in));
    }

    public static void writeCbHeader(XdrWriter out, CbHeader header) {
        out.writeOpaque(header.tag());
        out.writeUint32(header.minorVersion());
        out.writeUint32(header.ident());
        out.writeUint32(header.operations());
    }

    public static CbHeader readCbHeader(XdrReader in) {
        var tag = in.readOpaque(Nfs4Limits.TAG_BYTES);
        int minorVersion = in.readUint32();
        int ident = in.readUint32();
        return new CbHeader(tag, minorVersion, ident, readOperationCount(in));
    }

    /// A whole COMPOUND.
    public static void writeCall(XdrWriter out, Opaque tag, int minorVersion, List<OpArgs> operations) {
        writeHeader(out, new Header(tag, minorVersion, operations.size()));
        operations.forEach(args -> OpCodec.writeArgs(out, args));
    }

    /// A whole CB_COMPOUND.
    public static void writeCbCall(XdrWriter out, Opaque tag, int minorVersion, List<CbArgs> operations) {
        writeCbHeader(out, new CbHeader(tag, minorVersion, 0, operations.size()));
        operations.forEach(args -> CallbackCodec.writeArgs(out, args));
    }

    /// Leaves room for status and count, of COMPOUND or CB_COMPOUND.
    public static Begun beginResults(XdrWriter out, Opaque tag) {
        int statusAt = out.position();
        out.writeUint32(0);
        out.writeOpaque(tag);
        int countAt = out.position();
        out.writeUint32(0);
        return new Begun(statusAt, countAt);
    }

    public static void endResults(XdrWriter out, Begun begun, NfsStatus status, int operations) {
        out.patchUint32(begun.statusAt(), status.number());
        out.patchUint32(begun.countAt(), operations);
    }

    public static void writeResults(XdrWriter out, Results results) {
        writeAll(out, results.status(), results.tag(), results.operations(), OpCodec::writeResult);
    }

    public static Results readResults(XdrReader in) {
        var status = readStatus(in);
        var tag = in.readOpaque(Nfs4Limits.TAG_BYTES);
        return new Results(status, tag, readAll(in, OpCodec::readResult));
    }

    public static void writeCbResults(XdrWriter out, CbResults results) {
        writeAll(out, results.status(), results.tag(), results.operations(), CallbackCodec::writeResult);
    }

    public static CbResults readCbResults(XdrReader in) {
        var status = readStatus(in);
        var tag = in.readOpaque(Nfs4Limits.TAG_BYTES);
        return new CbResults(status, tag, readAll(in, CallbackCodec::readResult));
    }

    private static <T> void writeAll(
            XdrWriter out, NfsStatus status, Opaque tag, List<T> operations, BiConsumer<XdrWriter, T> each) {
        writeStatus(out, status);
        out.writeOpaque(tag);
        out.writeUint32(operations.size());
        operations.forEach(result -> each.accept(out, result));
    }

    private static <T> List<T> readAll(XdrReader in, Function<XdrReader, T> each) {
        int count = readOperationCount(in);
        var operations = new ArrayList<T>();
        for (int i = 0; i < count; i++) {
            operations.add(each.apply(in));
        }
        return operations;
    }

    private static int readOperationCount(XdrReader in) {
        return in.readCount(Integer.MAX_VALUE, Integer.BYTES);
    }
}
