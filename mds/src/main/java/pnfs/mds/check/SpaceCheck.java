package pnfs.mds.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.layout.ExtentRecords;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;

/// Each byte of a volume is free, or part of one extent of one file, or kept for the disk's signature: never
/// two of them, and never none.
final class SpaceCheck {
    private final Map<DeviceId, List<Piece>> pieces = new HashMap<>();
    private final List<Extent> unclaimed = new ArrayList<>();

    private record Piece(ByteRange place, String owner) {}

    /// An extent that belongs to a file.
    void add(long inode, Extent extent) {
        pieces.computeIfAbsent(extent.device(), _ -> new ArrayList<>())
                .add(new Piece(
                        ByteRange.ofLength(extent.volumeOffset(), extent.file().length()), "inode " + inode));
    }

    /// Compares the extents with the free space of their volumes.
    ///
    /// @return what may belong to extents that nobody could read, as one file would have it; empty where there
    ///     are no such extents
    List<Extent> finish(StoreEngine engine, List<Volume> volumes, Findings findings) {
        for (Volume volume : volumes) {
            List<Piece> used = pieces.remove(volume.id());
            check(engine, volume, used == null ? new ArrayList<>() : used, findings);
        }
        pieces.forEach((device, lost) ->
                findings.add(Damage.OUTSIDE, lost.size() + " extents lie on volume " + device + ", which is unknown"));
        return unclaimed;
    }

    private void check(StoreEngine engine, Volume volume, List<Piece> used, Findings findings) {
        byte[] formatted = Keys.SPACE.of(volume.id().bytes());
        byte[] size = engine.get(formatted);
        if (size == null) {
            return; // registered, and nothing was ever placed there
        }
        Volume read = findings.read(Damage.UNREADABLE_SPACE, formatted, size, (_, value) -> {
            ExtentRecords.checkFormatted(volume, value);
            return volume;
        });
        if (read == null) {
            ExtentRecords.addFormatted(findings.repair, volume);
        }
        var free = new ArrayList<ByteRange>();
        try (StoreEngine.Cursor records = engine.open(formatted, Keys.after(formatted))) {
            records.next();
            while (records.next()) {
                ByteRange range =
                        findings.read(Damage.UNREADABLE_SPACE, records.key(), records.value(), ExtentRecords::readFree);
                if (range == null) {
                    continue;
                }
                if (!free.isEmpty() && range.offset() <= free.getLast().end()) {
                    findings.add(Damage.FREE_TWICE, free.getLast() + " and " + range + " of volume " + volume.id());
                }
                free.add(range);
            }
        }
        for (long start : volume.topology().diskStarts()) {
            used.add(new Piece(ByteRange.ofLength(start, ByteRange.BLOCK_BYTES), "a disk's signature"));
        }
        used.sort(Comparator.comparingLong(piece -> piece.place().offset()));
        String where = " of volume " + volume.id();
        var gaps = new ArrayList<ByteRange>();
        long end = 0;
        String last = "";
        for (Piece piece : used) {
            long start = piece.place().offset();
            if (start < end) {
                findings.add(Damage.SHARED_SPACE, piece.place() + where + ": " + last + " and " + piece.owner());
            } else if (start > end) {
                gaps.add(ByteRange.ofLength(end, start - end));
            }
            if (piece.place().end() > end) {
                end = piece.place().end();
                last = piece.owner();
            }
        }
        long capacity = ByteRange.alignDown(volume.capacity());
        if (end > capacity) {
            findings.add(Damage.OUTSIDE, last + " has bytes up to " + end + where + ", which ends at " + capacity);
        } else if (end < capacity) {
            gaps.add(ByteRange.ofLength(end, capacity - end));
        }
        compare(volume, free, gaps, findings);
    }

    /// Both in order. Where they differ the stored ranges are made those that nobody uses. Extents that nobody
    /// could read may be the users of what is not free: that stays so.
    private void compare(Volume volume, List<ByteRange> free, List<ByteRange> unused, Findings findings) {
        String where = " of volume " + volume.id();
        List<ByteRange> inUse = minus(free, unused);
        List<ByteRange> leaked = minus(unused, free);
        inUse.forEach(range -> findings.add(Damage.FREE_IN_USE, range + where));
        boolean isClaimed = findings.lostExtents();
        for (ByteRange range : leaked) {
            findings.add(isClaimed ? Damage.UNCLAIMED_SPACE : Damage.LEAKED_SPACE, range + where);
            if (isClaimed) {
                keep(volume, range);
            }
        }
        if (!inUse.isEmpty() || !leaked.isEmpty() || findings.has(Damage.FREE_TWICE)) {
            ExtentRecords.addFree(findings.repair, volume, free, isClaimed ? minus(unused, leaked) : unused);
        }
    }

    private void keep(Volume volume, ByteRange range) {
        long at = unclaimed.isEmpty() ? 0 : unclaimed.getLast().file().end();
        unclaimed.add(new Extent(
                volume.id(), ByteRange.ofLength(at, range.length()), range.offset(), ExtentState.INVALID_DATA));
    }

    /// What is in `these` and not in `those`, both in order and without overlap in themselves.
    private static List<ByteRange> minus(List<ByteRange> these, List<ByteRange> those) {
        var rest = new ArrayList<ByteRange>();
        int i = 0;
        for (ByteRange range : these) {
            long from = range.offset();
            while (i < those.size() && those.get(i).end() <= from) {
                i++;
            }
            for (int j = i; j < those.size() && those.get(j).offset() < range.end(); j++) {
                if (those.get(j).offset() > from) {
                    rest.add(new ByteRange(from, those.get(j).offset()));
                }
                from = Math.max(from, those.get(j).end());
            }
            if (from < range.end()) {
                rest.add(new ByteRange(from, range.end()));
            }
        }
        return rest;
    }
}
