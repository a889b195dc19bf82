package pnfs.mds.check;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.InodeRecords;
import pnfs.mds.layout.ExtentRecords;
import pnfs.mds.layout.FenceRecords;
import pnfs.mds.layout.GrantRecords;
import pnfs.mds.namespace.DirectoryRecords;
import pnfs.mds.namespace.Entry;
import pnfs.mds.session.ServerIdentity;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;

/// Whether the records of all rooms agree with each other: names with inodes, inodes with extents, extents with
/// free space. Nothing may change the store meanwhile; what is found can be repaired with one batch.
///
/// All records of one file begin with its number, so one walk goes over all kinds of them at once, file by
/// file.
public final class StoreCheck {
    private final StoreEngine engine;
    private final Findings findings = new Findings();
    private final NameCheck names = new NameCheck(findings);
    private final SpaceCheck space = new SpaceCheck();

    private StoreCheck(StoreEngine engine) {
        this.engine = engine;
    }

    /// Checks all of it.
    ///
    /// @param volumes all that are registered
    /// @param progress hears how many files were looked at
    public static Report run(StoreEngine engine, List<Volume> volumes, LongConsumer progress) {
        return new StoreCheck(engine).run(volumes, progress);
    }

    private Report run(List<Volume> volumes, LongConsumer progress) {
        Salvage.run(engine, findings.repair)
                .forEach(lost -> findings.add(Damage.UNREADABLE_STATE, lost.kind() + ": " + lost.why()));
        long files = 0;
        try (var inodes = rows(Keys.INODE);
                var entries = rows(Keys.ENTRY);
                var cookies = rows(Keys.COOKIE);
                var xattrs = rows(Keys.XATTR);
                var orphans = rows(Keys.ORPHAN);
                var grants = rows(Keys.GRANT);
                var extents = rows(Keys.EXTENT);
                var states = new StateCheck(engine, findings)) {
            var all = List.of(inodes, entries, cookies, xattrs, orphans, grants, extents);
            for (long id = least(all, states); id != Rows.END; id = least(all, states)) {
                @Nullable Inode inode = inode(id, inodes);
                names.directory(id, inode, entries(id, entries), cookies(id, cookies));
                attributes(id, inode, xattrs);
                orphan(id, inode, orphans);
                grants(id, inode, grants);
                extents(id, inode, extents);
                states.check(id, inode, names.isUnreadable(id));
                progress.accept(++files);
            }
        }
        names.finish(engine);
        fences(volumes);
        SessionCheck.run(engine, findings);
        space.finish(engine, volumes, findings);
        return new Report(findings.all(), files, findings.repair);
    }

    private Rows rows(Keys kind) {
        return new Rows(engine, kind, findings);
    }

    private static long least(List<Rows> all, StateCheck states) {
        return all.stream().mapToLong(Rows::number).reduce(states.number(), Math::min);
    }

    private @Nullable Inode inode(long id, Rows rows) {
        var found = new Inode[1];
        rows.take(id, (_, value) -> {
            found[0] = findings.read(() -> InodeRecords.read(id, value));
            if (found[0] == null) {
                names.unreadable(id);
            }
        });
        return found[0];
    }

    private List<Entry> entries(long id, Rows rows) {
        var entries = new ArrayList<Entry>();
        rows.take(id, (key, value) -> {
            var name = new String(key, 1 + Long.BYTES, key.length - 1 - Long.BYTES, StandardCharsets.UTF_8);
            add(
                    entries,
                    findings.read(
                            Damage.UNREADABLE_NAME,
                            key,
                            value,
                            (_, record) -> DirectoryRecords.readEntry(id, name, record)));
        });
        return entries;
    }

    private List<Entry> cookies(long id, Rows rows) {
        var entries = new ArrayList<Entry>();
        rows.take(
                id,
                (key, value) ->
                        add(entries, findings.read(Damage.UNREADABLE_NAME, key, value, DirectoryRecords::readCookie)));
        return entries;
    }

    private static void add(List<Entry> entries, @Nullable Entry entry) {
        if (entry != null) {
            entries.add(entry);
        }
    }

    private void attributes(long id, @Nullable Inode inode, Rows rows) {
        rows.take(id, (key, _) -> {
            if (isMissing(id, inode)) {
                findings.add(Damage.STRAY_ATTRIBUTES, "of inode " + id);
                findings.repair.delete(key);
            }
        });
    }

    private void orphan(long id, @Nullable Inode inode, Rows rows) {
        rows.take(id, (key, value) -> {
            if (findings.read(() -> DirectoryRecords.readOrphan(key, value)) == null) {
                return;
            }
            if (isMissing(id, inode)) {
                findings.add(Damage.DEAD_ORPHAN, "inode " + id + " is not there");
                findings.repair.delete(key);
            } else {
                names.orphan(id);
            }
        });
    }

    private boolean isMissing(long id, @Nullable Inode inode) {
        return inode == null && !names.isUnreadable(id);
    }

    private boolean isNoFile(long id, @Nullable Inode inode) {
        return inode == null ? !names.isUnreadable(id) : !inode.isRegular();
    }

    private void grants(long id, @Nullable Inode inode, Rows rows) {
        rows.take(id, (key, value) -> {
            if (Findings.salvaged(key, value, GrantRecords::read) != null && isNoFile(id, inode)) {
                findings.add(Damage.STRAY_GRANT, "inode " + id);
                findings.repair.delete(key);
            }
        });
    }

    private void fences(List<Volume> volumes) {
        Set<DeviceId> known = volumes.stream().map(Volume::id).collect(Collectors.toSet());
        try (StoreEngine.Cursor records = engine.open(Keys.FENCE.first(), Keys.FENCE.end())) {
            while (records.next()) {
                byte[] key = records.key();
                byte[] value = records.value();
                if (FenceRecords.isMendable(key, value)) {
                    findings.add(Damage.UNREADABLE_FENCE, "key " + Long.toHexString(Keys.number(key)));
                    Salvage.putAside(findings.repair, key, value);
                    FenceRecords.putUnknown(findings.repair, key);
                    ServerIdentity.forgetMachine(findings.repair);
                    continue;
                }
                Optional<DeviceId> volume = findings.read(() -> FenceRecords.volumeOf(key, value));
                if (volume != null && volume.isPresent() && !known.contains(volume.get())) {
                    findings.add(Damage.STRAY_FENCE, "volume " + volume.get());
                    findings.repair.delete(key);
                }
            }
        }
    }

    private void extents(long id, @Nullable Inode inode, Rows rows) {
        var own = new ArrayList<Extent>();
        var unreadable = new boolean[1];
        boolean isStray = isNoFile(id, inode);
        rows.take(id, (key, value) -> {
            Extent extent = findings.read(() -> ExtentRecords.read(id, key, value));
            if (extent == null) {
                unreadable[0] = true;
                return;
            }
            if (isStray) {
                findings.add(Damage.STRAY_EXTENT, extent + " of inode " + id);
                findings.repair.delete(key);
                return;
            }
            own.add(extent);
            space.add(id, extent);
        });
        if (inode != null && inode.isRegular() && !unreadable[0]) {
            sum(inode, own);
        }
    }

    private void sum(Inode inode, List<Extent> own) {
        long bytes = 0;
        long end = 0;
        for (Extent extent : own) {
            ByteRange range = extent.file();
            if (range.offset() < end) {
                findings.add(Damage.OVERLAP, extent + " of inode " + inode.id() + " begins before " + end);
            }
            end = Math.max(end, range.end());
            bytes += range.length();
        }
        if (bytes != inode.spaceUsed()) {
            names.spaceUsed(inode.id(), bytes);
        }
    }
}
