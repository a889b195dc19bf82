package pnfs.mds.check;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.InodeRecords;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.compound.FileHandle;
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
    private static final int ROOT_ALONE = 0700;

    private final StoreEngine engine;
    private final Findings findings = new Findings();
    private final NameCheck names = new NameCheck(findings);
    private final SpaceCheck space = new SpaceCheck();
    private final RandomGenerator generations;
    private final ExtentCheck contents;

    private StoreCheck(StoreEngine engine, RandomGenerator generations) {
        this.engine = engine;
        this.generations = generations;
        contents = new ExtentCheck(engine, findings, names, space, generations);
    }

    /// Checks all of it.
    ///
    /// @param volumes all that are registered
    /// @param generations makes handles of what is left of damaged files, which cannot be guessed
    /// @param progress hears how many files were looked at
    public static Report run(
            StoreEngine engine, List<Volume> volumes, RandomGenerator generations, LongConsumer progress) {
        return new StoreCheck(engine, generations).run(volumes, progress);
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
                @Nullable Inode inode = inode(id, inodes, isDirectory(id, entries, cookies));
                names.directory(id, inode, entries(id, entries), cookies(id, cookies));
                AttributeCheck.run(id, inode, xattrs, findings);
                orphan(id, inode, orphans);
                grants(id, inode, grants);
                states.check(id, contents.check(id, inode, extents));
                progress.accept(++files);
            }
        }
        fences(volumes);
        SessionCheck.run(engine, findings);
        contents.keep(space.finish(engine, volumes, findings));
        names.finish(engine);
        if (findings.has(Damage.UNREADABLE_INODE) || findings.lostExtents()) {
            ServerIdentity.forgetMachine(findings.repair); // clients may still write where they had layouts of them
        }
        return new Report(findings.all(), files, findings.repair);
    }

    private Rows rows(Keys kind) {
        return new Rows(engine, kind, findings);
    }

    private static long least(List<Rows> all, StateCheck states) {
        return all.stream().mapToLong(Rows::number).reduce(states.number(), Math::min);
    }

    /// Of a directory whose inode cannot be read.
    private static boolean isDirectory(long id, Rows entries, Rows cookies) {
        return entries.number() == id || cookies.number() == id || id == Inodes.rootOf(Inodes.exportOf(id));
    }

    private @Nullable Inode inode(long id, Rows rows, boolean isDirectory) {
        var found = new Inode[1];
        rows.take(id, (key, value) -> {
            Inode read = findings.read(Damage.UNREADABLE_INODE, key, value, InodeRecords::read);
            if (read != null) {
                found[0] = read;
            } else if (InodeRecords.isKey(key)) {
                found[0] = rest(id, isDirectory);
                names.rest(found[0]);
            }
        });
        return found[0];
    }

    /// What takes the place of an inode that cannot be read. Whoever has a handle of that is told that it is
    /// stale.
    private Inode rest(long id, boolean isDirectory) {
        var file = new FileHandle(id, generations.nextLong());
        return isDirectory
                ? NameCheck.unknown(file, ROOT_ALONE, Content.Directory.empty(file))
                : NameCheck.unknown(file, 0, new Content.Regular(0, 0, null));
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

    private void orphan(long id, @Nullable Inode inode, Rows rows) {
        rows.take(id, (key, value) -> {
            boolean isReadable =
                    findings.read(Damage.UNREADABLE_ORPHAN, key, value, DirectoryRecords::readOrphan) != null;
            if (inode == null) {
                findings.add(Damage.DEAD_ORPHAN, "inode " + id + " is not there");
                findings.repair.delete(key);
                return;
            }
            names.orphan(id);
            if (!isReadable) {
                findings.repair.put(DirectoryRecords.orphanKey(id), DirectoryRecords.writeOrphan());
            }
        });
    }

    private static boolean isNoFile(@Nullable Inode inode) {
        return inode == null || !inode.isRegular();
    }

    private void grants(long id, @Nullable Inode inode, Rows rows) {
        rows.take(id, (key, value) -> {
            if (Findings.salvaged(key, value, GrantRecords::read) != null && isNoFile(inode)) {
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
}
