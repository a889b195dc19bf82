package pnfs.mds.check;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentChange;
import pnfs.layout.extent.ExtentState;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.layout.ExtentRecords;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;

/// What files are made of: each extent can be read, is a regular file's, and has its bytes of the file to itself.
/// A file that lost some of them is not what it was: a rest of it stays, see [NameCheck#rest].
final class ExtentCheck {
    private static final int OWNERS_READ_AND_WRITE = 0600;

    private final StoreEngine engine;
    private final Findings findings;
    private final NameCheck names;
    private final SpaceCheck space;
    private final RandomGenerator generations;
    /// Where extents were lost.
    private int exportOfLost;

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Row(byte[] key, byte[] value, Extent extent) {}

    ExtentCheck(StoreEngine engine, Findings findings, NameCheck names, SpaceCheck space, RandomGenerator generations) {
        this.engine = engine;
        this.findings = findings;
        this.names = names;
        this.space = space;
        this.generations = generations;
    }

    /// Those of one inode.
    ///
    /// @param inode null where there is none
    /// @return it as it will be
    @Nullable
    Inode check(long id, @Nullable Inode inode, Rows rows) {
        boolean isFile = inode != null && inode.isRegular();
        var own = new ArrayDeque<Row>();
        boolean[] isIncomplete = {false};
        rows.take(id, (key, value) -> {
            Extent extent = findings.read(
                    Damage.UNREADABLE_EXTENT, key, value, (_, record) -> ExtentRecords.read(id, key, record));
            if (extent == null) {
                isIncomplete[0] = true;
            } else if (isFile) {
                isIncomplete[0] |= add(own, new Row(key, value, extent));
            } else {
                findings.add(Damage.STRAY_EXTENT, extent + " of inode " + id);
                findings.repair.delete(key);
            }
        });
        if (isIncomplete[0]) {
            exportOfLost = Inodes.exportOf(id);
        }
        if (inode == null || !isFile) {
            return inode;
        }
        List<Extent> sound = own.stream().map(Row::extent).toList();
        sound.forEach(extent -> space.add(id, extent));
        return compared(inode, sound, isIncomplete[0]);
    }

    /// Of two for the same bytes nobody knows which is right, nor of the space whose it is.
    ///
    /// @return whether it overlaps the one before: both are put aside
    private boolean add(Deque<Row> own, Row next) {
        Row last = own.peekLast();
        if (last == null || last.extent().file().end() <= next.extent().file().offset()) {
            own.add(next);
            return false;
        }
        findings.add(Damage.OVERLAP, last.extent() + " and " + next.extent() + " of inode " + Keys.number(next.key()));
        Salvage.putAside(findings.repair, last.key(), last.value());
        Salvage.putAside(findings.repair, next.key(), next.value());
        own.removeLast();
        return true;
    }

    private Inode compared(Inode inode, List<Extent> own, boolean isIncomplete) {
        long bytes = own.stream().mapToLong(extent -> extent.file().length()).sum();
        if (names.isRest(inode.id())) {
            return rest(inode, inode.file(), endOfData(own), bytes);
        }
        if (isIncomplete) {
            return rest(inode, new FileHandle(inode.id(), generations.nextLong()), inode.size(), bytes);
        }
        if (bytes != inode.spaceUsed()) {
            names.spaceUsed(inode.id(), bytes);
        }
        return inode;
    }

    private static long endOfData(Collection<Extent> own) {
        return own.stream()
                .filter(extent -> extent.state() == ExtentState.READ_WRITE_DATA)
                .mapToLong(extent -> extent.file().end())
                .max()
                .orElse(0);
    }

    private Inode rest(Inode inode, FileHandle file, long size, long spaceUsed) {
        // It may have been in a directory that kept others away, and a program of which a part is missing is none.
        Rights rights = inode.rights().withMode(inode.rights().mode() & OWNERS_READ_AND_WRITE);
        var content = new Content.Regular(size, spaceUsed, null);
        var rest = new Inode(file, rights, inode.links(), inode.change(), inode.times(), content);
        names.rest(rest);
        return rest;
    }

    /// Makes space that may be a lost extent's that of a new file. It reads as nothing, whatever is in it.
    void keep(List<Extent> unclaimed) {
        if (unclaimed.isEmpty()) {
            return;
        }
        FileHandle file = Inodes.newFile(exportOfLost, engine, findings.repair, generations);
        List<ExtentChange> changes =
                unclaimed.stream().<ExtentChange>map(ExtentChange.Put::new).toList();
        ExtentRecords.addExtents(findings.repair, file.inode(), changes);
        long bytes = unclaimed.getLast().file().end();
        names.keeper(NameCheck.unknown(file, 0, new Content.Regular(0, bytes, null)));
    }
}
