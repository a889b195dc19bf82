package pnfs.layout.grant;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Placement;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentMap;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.space.Allocator;
import pnfs.layout.space.Reservation;
import pnfs.layout.space.Space;

/// A range of a file with storage under every block: what the file has already, and reservations for its holes.
/// Nothing of it is the file's until it is adopted; what is not adopted must be forfeited. Guarded by the
/// file's lock; its reservations by the space lock.
final class SpacePlan {
    /// Stands in for the device of a hole where no one will see it.
    static final DeviceId NO_DEVICE = new DeviceId(0, 0, 0);

    /// Why a plan ends before its range does.
    enum Shortfall {
        NONE,
        /// Volumes are online, and all of them full.
        NO_SPACE,
        NO_VOLUME,
        TOO_MANY_EXTENTS,
        TOO_MANY_RUNS,
        /// What follows is on another volume, and need not be in the same layout.
        ANOTHER_VOLUME,
        /// What follows needs more new storage than one wish may have.
        ENOUGH
    }

    /// Where a plan stops at the latest.
    ///
    /// @param maxRuns separate runs of storage that nobody wrote yet
    /// @param needEnd up to this offset in the file the plan is needed; what follows is a wish, and goes to no
    ///     other volume
    /// @param maxWishBytes new storage for the wish, in whole blocks
    record PlanLimits(int maxExtents, int maxRuns, long needEnd, long maxWishBytes) {
        static final PlanLimits NONE = new PlanLimits(Integer.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE, 0);
    }

    private record Part(Extent extent, Reservation reservation) {}

    private final List<Extent> extents = new ArrayList<>();
    private final List<Part> newParts = new ArrayList<>();
    private final List<Reservation> reservations = new ArrayList<>();
    private long end;
    private int runs;
    private long wishBytes;
    private Shortfall shortfall = Shortfall.NONE;

    private SpacePlan(long offset) {
        this.end = offset;
    }

    /// Plans `range` from its start on, as far as the space and the limits go. Holes become INVALID_DATA.
    static SpacePlan over(LayoutFile file, ByteRange range, Space space, Placement placement, PlanLimits limits) {
        var plan = new SpacePlan(range.offset());
        file.extents().cover(range, NO_DEVICE, tile -> {
            if (tile.state() == ExtentState.NONE_DATA) {
                plan.fill(file, tile.file(), space, placement, limits);
            } else {
                plan.append(tile, limits);
            }
            return plan.shortfall == Shortfall.NONE;
        });
        return plan;
    }

    /// A plan for copies of blocks that the file has already; there is at least one.
    static SpacePlan copyOf(LayoutFile file, List<ByteRange> blocks, Space space, Placement placement) {
        var plan = new SpacePlan(blocks.getFirst().offset());
        for (ByteRange block : blocks) {
            if (plan.shortfall == Shortfall.NONE) {
                plan.fill(file, block, space, placement, PlanLimits.NONE);
            }
        }
        return plan;
    }

    /// A plan for I/O that needs no new storage.
    static SpacePlan none() {
        return new SpacePlan(0);
    }

    /// Where the plan ends; its start where nothing could be had.
    long end() {
        return end;
    }

    Shortfall shortfall() {
        return shortfall;
    }

    /// The tiling, neighbours joined.
    List<Extent> extents() {
        return List.copyOf(extents);
    }

    /// The new storage only, as INVALID_DATA.
    List<Extent> reserved() {
        return newParts.stream().map(Part::extent).toList();
    }

    /// Makes the new storage the file's own, as `state`, and gives back what was reserved and not used.
    void adopt(ExtentMap map, ExtentState state, Space space) {
        for (Part part : newParts) {
            ByteRange storage = space.allocator(part.reservation.volume())
                    .acquire(part.reservation, part.extent.file().length());
            if (!storage.equals(part.extent.storage())) {
                throw new IllegalStateException("acquired " + storage + " instead of " + part.extent.storage());
            }
            map.insert(part.extent.withState(state));
        }
        forfeit(space);
    }

    /// Gives back everything that was not adopted.
    void forfeit(Space space) {
        for (Reservation reservation : reservations) {
            space.allocator(reservation.volume()).forfeit(reservation);
        }
        reservations.clear();
        newParts.clear();
    }

    /// Adds the extent, or notes why it has no room in the plan.
    private boolean append(Extent extent, PlanLimits limits) {
        Extent last = extents.isEmpty() ? null : extents.getLast();
        if (last != null && last.joins(extent)) {
            extents.set(extents.size() - 1, last.joinedWith(extent));
        } else if (extents.size() == limits.maxExtents()) {
            shortfall = Shortfall.TOO_MANY_EXTENTS;
            return false;
        } else if (last != null
                && !last.device().equals(extent.device())
                && extent.file().offset() >= limits.needEnd()) {
            shortfall = Shortfall.ANOTHER_VOLUME;
            return false;
        } else if (extent.state() == ExtentState.INVALID_DATA && ++runs > limits.maxRuns()) {
            shortfall = Shortfall.TOO_MANY_RUNS;
            return false;
        } else {
            extents.add(extent);
        }
        end = extent.file().end();
        return true;
    }

    private void fill(LayoutFile file, ByteRange hole, Space space, Placement placement, PlanLimits limits) {
        long at = hole.offset();
        while (at < hole.end()) {
            long mostEnd = Math.max(at, limits.needEnd()) + limits.maxWishBytes() - wishBytes;
            if (at == mostEnd) {
                shortfall = Shortfall.ENOUGH;
                return;
            }
            long pieceEnd = Math.min(Math.min(hole.end(), mostEnd), placement.pieceEnd(at));
            Extent before = extents.isEmpty() ? extentBefore(file, at) : extents.getLast();
            Reservation reservation = reserve(file, new ByteRange(at, pieceEnd), before, space, placement);
            if (reservation == null) {
                shortfall = placement.candidates(file.inode(), at).isEmpty() ? Shortfall.NO_VOLUME : Shortfall.NO_SPACE;
                return;
            }
            reservations.add(reservation);
            for (ByteRange storage : reservation.ranges()) {
                var extent = new Extent(
                        reservation.volume(),
                        ByteRange.ofLength(at, storage.length()),
                        storage.offset(),
                        ExtentState.INVALID_DATA);
                if (!append(extent, limits)) {
                    return;
                }
                newParts.add(new Part(extent, reservation));
                wishBytes += Math.max(0, extent.file().end() - Math.max(at, limits.needEnd()));
                at = extent.file().end();
            }
        }
    }

    private static @Nullable Extent extentBefore(LayoutFile file, long offset) {
        return offset == 0 ? null : file.extents().lookup(offset - 1);
    }

    /// Storage for the start of `piece`, at best where the file's storage before it ends; null when all is full.
    private static @Nullable Reservation reserve(
            LayoutFile file, ByteRange piece, @Nullable Extent before, Space space, Placement placement) {
        for (Volume volume : placement.candidates(file.inode(), piece.offset())) {
            Allocator allocator = space.allocator(volume.id());
            long goal = before != null && before.device().equals(volume.id())
                    ? before.storage().end()
                    : Allocator.NO_GOAL;
            Reservation reservation = allocator.reserve(piece.length(), goal);
            if (!reservation.isEmpty()) {
                return reservation;
            }
        }
        return null;
    }
}
