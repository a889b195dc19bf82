package pnfs.wire.nfs4;

import java.util.List;
import pnfs.wire.xdr.Opaque;

/// `referring_call_list4`, RFC 8881 §20.9: calls that must be answered before a callback can be understood.
public record ReferringCalls(Opaque session, List<ReferringCall> calls) {
    public ReferringCalls {
        calls = List.copyOf(calls);
    }
}
