package pnfs.wire.nfs4;

import java.util.ArrayList;
import java.util.List;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// Whole calls, read at one go as no server would.
final class Messages {
    record Call(Opaque tag, int minorVersion, List<OpArgs> operations) {}

    record CbCall(Opaque tag, int minorVersion, List<CbArgs> operations) {}

    private Messages() {}

    static Call readCall(XdrReader in) {
        var header = CompoundCodec.readHeader(in);
        var operations = new ArrayList<OpArgs>();
        for (int i = 0; i < header.operations(); i++) {
            operations.add(OpCodec.readArgs(in));
            if (operations.getLast() instanceof OpArgs.Unreadable) {
                break;
            }
        }
        return new Call(header.tag(), header.minorVersion(), operations);
    }

    static void writeCall(XdrWriter out, Call call) {
        CompoundCodec.writeCall(out, call.tag, call.minorVersion, call.operations);
    }

    static CbCall readCbCall(XdrReader in) {
        var header = CompoundCodec.readCbHeader(in);
        var operations = new ArrayList<CbArgs>();
        for (int i = 0; i < header.operations(); i++) {
            operations.add(CallbackCodec.readArgs(in));
            if (operations.getLast() instanceof CbArgs.CbIllegalArgs) {
                break;
            }
        }
        return new CbCall(header.tag(), header.minorVersion(), operations);
    }

    static void writeCbCall(XdrWriter out, CbCall call) {
        CompoundCodec.writeCbCall(out, call.tag, call.minorVersion, call.operations);
    }
}
