package pnfs.mds.layout;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import pnfs.layout.codec.BlockLayoutCodec;
import pnfs.layout.codec.ScsiLayoutCodec;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.grant.Iomode;
import pnfs.layout.grant.LayoutStateid;
import pnfs.layout.grant.LayoutType;
import pnfs.layout.grant.Requester;
import pnfs.mds.compound.CompoundState;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrException;

/// The layout types that this server offers, and the way between the words of the protocol and those of
/// `layout.grant`. Immutable.
final class LayoutBodies {
    /// Ranges in one LAYOUTCOMMIT: more than a message of ours holds.
    private static final int MAX_WRITTEN = 1 << 16;

    private final Map<pnfs.wire.nfs4.LayoutType, LayoutType> offered;
    private final int callsInFlight;

    /// @param callsInFlight operations that one client can have under way over all its sessions
    LayoutBodies(List<pnfs.wire.nfs4.LayoutType> offered, int callsInFlight) {
        this.offered = offered.stream()
                .collect(Collectors.toMap(
                        type -> type,
                        type -> LayoutType.fromWire(type.wire())
                                .orElseThrow(() -> new IllegalArgumentException("layout type " + type))));
        this.callsInFlight = callsInFlight;
    }

    /// Refuses a layout type that is not offered.
    ///
    /// @throws NfsException UNKNOWN_LAYOUTTYPE
    LayoutType require(pnfs.wire.nfs4.LayoutType type) {
        LayoutType known = offered.get(type);
        if (known == null) {
            throw new NfsException(NfsStatus.UNKNOWN_LAYOUTTYPE, "layout type " + type + " is not offered");
        }
        return known;
    }

    Requester requester(CompoundState state) {
        return new Requester(state.clientId(), callsInFlight);
    }

    /// A layout stateid as the client gave it; "the current one" in its own version, since that of a layout is
    /// never 0.
    static LayoutStateid layoutStateid(Stateid argument, Stateid resolved, CompoundState state) {
        Stateid exact = argument.isCurrent() ? state.resolveExactly(argument) : resolved;
        return new LayoutStateid(exact.seqid(), exact.other());
    }

    /// What a client says it wrote. The storage in a block layout's body means nothing: Linux sends none.
    ///
    /// @throws NfsException BADXDR
    static List<ByteRange> readWritten(LayoutType type, Opaque body) {
        try {
            return switch (type) {
                case SCSI -> ScsiLayoutCodec.readUpdate(body, MAX_WRITTEN);
                case BLOCK_VOLUME ->
                    BlockLayoutCodec.readUpdate(body, MAX_WRITTEN).stream()
                            .map(Extent::file)
                            .toList();
            };
        } catch (XdrException e) {
            throw new NfsException(NfsStatus.BADXDR, "layout update: " + e.getMessage());
        }
    }

    static Opaque write(LayoutType type, List<Extent> extents) {
        return switch (type) {
            case SCSI -> ScsiLayoutCodec.writeLayout(extents);
            case BLOCK_VOLUME -> BlockLayoutCodec.writeLayout(extents);
        };
    }

    static pnfs.wire.nfs4.LayoutType type(LayoutType type) {
        return pnfs.wire.nfs4.LayoutType.fromWire(type.wire());
    }

    static Iomode iomode(pnfs.wire.nfs4.Iomode iomode) {
        return switch (iomode) {
            case READ -> Iomode.READ;
            case READ_WRITE -> Iomode.RW;
            case ANY -> Iomode.ANY;
        };
    }

    static pnfs.wire.nfs4.Iomode iomode(Iomode iomode) {
        return switch (iomode) {
            case READ -> pnfs.wire.nfs4.Iomode.READ;
            case RW -> pnfs.wire.nfs4.Iomode.READ_WRITE;
            case ANY -> pnfs.wire.nfs4.Iomode.ANY;
        };
    }
}
