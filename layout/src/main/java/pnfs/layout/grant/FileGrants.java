package pnfs.layout.grant;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.space.Freed;

/// Everything that is granted and under way on one file, and who is in whose way. Guarded by the file's lock.
final class FileGrants {
    private final List<Holding> holdings = new ArrayList<>(1);
    private final List<ProxyHold> io = new ArrayList<>(1);
    /// Those of [#io] for the end of which nobody waits: a data server that is away may carry them out late.
    private final List<ProxyHold> lingering = new ArrayList<>(0);
    /// Storage of the file after its removal; given back when the last hold ends.
    private final List<Freed> remains = new ArrayList<>(0);

    List<Holding> holdings() {
        return holdings;
    }

    @Nullable
    Holding of(long client, LayoutType type) {
        for (Holding holding : holdings) {
            if (holding.client() == client && holding.type() == type) {
                return holding;
            }
        }
        return null;
    }

    boolean isIdle() {
        return holdings.isEmpty() && io.isEmpty();
    }

    /// Where a layout of `wanted` for `client` would first meet what others hold or what is under way here; the
    /// end of `range` where it may have all of it. A client is never in its own way: it may read and write
    /// through several layouts at once.
    long firstConflict(ByteRange range, long client, Iomode wanted) {
        long first = range.end();
        for (Holding holding : holdings) {
            if (holding.client() != client) {
                first = Math.min(first, holding.firstConflict(range, wanted));
            }
        }
        for (ProxyHold hold : io) {
            // Even the client's own: the storage that its write goes to is not in the map yet.
            if (hold.kind() != ProxyHold.Kind.READ && hold.range().overlaps(range)) {
                first = Math.min(first, Math.max(hold.range().offset(), range.offset()));
            }
        }
        return first;
    }

    /// Clients other than `client` whose layouts keep it from `wanted`.
    Set<Long> holders(ByteRange range, long client, Iomode wanted) {
        var found = new TreeSet<Long>();
        for (Holding holding : holdings) {
            if (holding.client() != client && holding.firstConflict(range, wanted) < range.end()) {
                found.add(holding.client());
            }
        }
        return found;
    }

    /// The client itself, where a layout of its own keeps it from reading `range` through the server: it may have
    /// written there what it has not committed.
    Set<Long> holdersAgainstRead(ByteRange range, long client) {
        return isUncommitted(range, client) ? Set.of(client) : Set.of();
    }

    /// Clients whose layouts keep `client` from writing `range` through the server: others that may read or write
    /// there, and itself where a layout of its own shows as a hole, or as unwritten, what will be data.
    Set<Long> holdersAgainstWrite(ExtentMap extents, ByteRange range, long client) {
        Set<Long> found = holders(range, client, Iomode.RW);
        boolean ownInTheWay = isUncommitted(range, client)
                || holdings.stream()
                        .anyMatch(holding -> holding.client() == client && showsHole(holding, extents, range));
        if (ownInTheWay) {
            found.add(client);
        }
        return found;
    }

    private boolean isUncommitted(ByteRange range, long client) {
        return holdings.stream()
                .anyMatch(holding ->
                        holding.client() == client && holding.unwritten().overlaps(range));
    }

    /// All clients with layouts of `range`, for whatever.
    Set<Long> holdersOf(ByteRange range) {
        var found = new TreeSet<Long>();
        for (Holding holding : holdings) {
            if (holding.firstConflict(range, Iomode.RW) < range.end()) {
                found.add(holding.client());
            }
        }
        return found;
    }

    /// Clients with layouts of which a hole may name this volume.
    Set<Long> holdersOfHolesOn(DeviceId volume) {
        var found = new TreeSet<Long>();
        for (Holding holding : holdings) {
            if (holding.mayShowHoleOn(volume)) {
                found.add(holding.client());
            }
        }
        return found;
    }

    /// Whether I/O of ours is in the way that [#linger]s.
    boolean isLingering(ProxyHold.Kind wanted, ByteRange range) {
        return lingering.stream().anyMatch(hold -> hold.blocks(wanted, range));
    }

    boolean isBusy(ProxyHold.Kind wanted, ByteRange range) {
        return io.stream().anyMatch(hold -> hold.blocks(wanted, range));
    }

    /// Whether anyone may write to blocks of `range` without asking again.
    boolean mayBeWritten(ByteRange range) {
        return holdings.stream().anyMatch(holding -> holding.writing().overlaps(range))
                || io.stream()
                        .anyMatch(hold -> hold.kind() != ProxyHold.Kind.READ
                                && hold.range().overlaps(range));
    }

    void begin(ProxyHold hold) {
        io.add(hold);
    }

    /// Nobody waits for the end of this I/O any more, but it is not over. Does nothing where the hold has ended.
    void linger(ProxyHold hold) {
        if (io.contains(hold)) {
            lingering.add(hold);
        }
    }

    private static boolean showsHole(Holding holding, ExtentMap extents, ByteRange range) {
        for (ByteRange read : holding.reading().intersect(range)) {
            for (Extent tile : extents.cover(read, SpacePlan.NO_DEVICE)) {
                if (tile.state() != ExtentState.READ_WRITE_DATA) {
                    return true;
                }
            }
        }
        return false;
    }

    /// False where it has ended already.
    boolean end(ProxyHold hold) {
        lingering.remove(hold);
        return io.remove(hold);
    }

    /// The file is gone; `freed` was its storage.
    void outlive(Freed freed) {
        remains.add(freed);
    }

    /// Nobody holds anything of the file any more.
    void buryRemains() {
        remains.forEach(Freed::becameUnheld);
        remains.clear();
    }
}
