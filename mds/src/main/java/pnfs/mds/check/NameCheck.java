package pnfs.mds.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.InodeRecords;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.Times;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.namespace.DirectoryRecords;
import pnfs.mds.namespace.Entry;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;
import pnfs.wire.nfs4.NfsTime;

/// Each name leads to a file, each file has as many names as it says, and every directory hangs on its export's
/// root.
///
/// First all directories come, in the order of their numbers, then all inodes again: what was counted is
/// compared. Keeps about 150 bytes a name in memory.
final class NameCheck {
    private static final int OWNERS = 0700;
    private static final NfsTime UNKNOWN_TIME = new NfsTime(0, 0);

    private final Findings findings;
    private final Map<Long, Directory> directories = new HashMap<>();
    private final List<Name> names = new ArrayList<>();
    private final Set<Long> orphans = new HashSet<>();
    /// What is left of files of which a record was lost.
    private final Map<Long, Inode> rests = new HashMap<>();
    /// Files that had no name.
    private final Set<Long> lost = new HashSet<>();
    /// A file of the repair's own.
    private @Nullable Inode keeper;
    /// Bytes of extents of the files that say something else.
    private final Map<Long, Long> spaceUsed = new HashMap<>();

    /// A name as it will be after the repair.
    private record Name(long directory, Entry entry) {
        long target() {
            return entry.file().inode();
        }
    }

    /// A directory and what is counted of it.
    private static final class Directory {
        private final Inode inode;
        private long entries;
        private long nextCookie;
        private int subdirectories;
        private @Nullable Name name;

        Directory(Inode inode, long entries, long nextCookie) {
            this.inode = inode;
            this.entries = entries;
            this.nextCookie = nextCookie;
        }
    }

    NameCheck(Findings findings) {
        this.findings = findings;
    }

    /// An inode of which nobody knows whose it is.
    static Inode unknown(FileHandle file, int mode, Content content) {
        return new Inode(file, new Rights(mode, 0, 0), 0, 0, Times.allAt(UNKNOWN_TIME), content);
    }

    /// This is left of a file: a directory keeps its names, anything else gets one that says so.
    void rest(Inode inode) {
        rests.put(inode.id(), inode);
    }

    boolean isRest(long inode) {
        return rests.containsKey(inode);
    }

    /// A new file, which keeps space that nobody claims.
    void keeper(Inode inode) {
        keeper = inode;
    }

    void orphan(long inode) {
        orphans.add(inode);
    }

    void spaceUsed(long inode, long bytes) {
        spaceUsed.put(inode, bytes);
    }

    /// The names of one inode, as LOOKUP and as READDIR find them.
    ///
    /// @param inode null where there is none
    void directory(long id, @Nullable Inode inode, List<Entry> byName, List<Entry> byCookie) {
        if (inode == null || !inode.isDirectory()) {
            byName.forEach(entry -> stray(id, entry));
            byCookie.forEach(entry -> stray(id, entry));
            return;
        }
        Map<String, Entry> both = joined(id, byName, byCookie);
        both.values().forEach(entry -> names.add(new Name(id, entry)));
        long last = both.values().stream().mapToLong(Entry::cookie).max().orElse(0);
        long next = Math.max(inode.directory().nextCookie(), last + 1);
        directories.put(id, new Directory(inode, both.size(), next));
    }

    private void stray(long id, Entry entry) {
        findings.add(Damage.STRAY_NAME, "'" + entry.name() + "' in inode " + id);
        delete(id, entry);
    }

    /// What LOOKUP finds counts; a name that only READDIR finds is a name, too.
    private Map<String, Entry> joined(long id, List<Entry> byName, List<Entry> byCookie) {
        var both = new LinkedHashMap<String, Entry>();
        var listed = new HashMap<Long, Entry>();
        byCookie.forEach(entry -> listed.put(entry.cookie(), entry));
        var taken = new HashSet<Long>();
        for (Entry entry : byName) {
            Entry kept = entry;
            if (!entry.equals(listed.remove(entry.cookie()))) {
                half(id, entry, "is not listed at cookie " + entry.cookie());
                kept = taken.contains(entry.cookie()) ? new Entry(entry.name(), entry.file(), unused(byName)) : entry;
                put(id, kept);
            }
            taken.add(kept.cookie());
            both.put(kept.name(), kept);
        }
        listed.values().forEach(entry -> {
            if (both.putIfAbsent(entry.name(), entry) == null) {
                half(id, entry, "is listed and cannot be looked up");
                put(id, entry);
            } else {
                half(id, entry, "is listed at cookie " + entry.cookie() + " as well");
                findings.repair.delete(DirectoryRecords.cookieKey(id, entry.cookie()));
            }
        });
        return both;
    }

    private static long unused(List<Entry> entries) {
        return 1 + entries.stream().mapToLong(Entry::cookie).max().orElseThrow();
    }

    private void half(long id, Entry entry, String what) {
        findings.add(Damage.HALF_NAME, "'" + entry.name() + "' in directory " + id + " " + what);
    }

    private void put(long directory, Entry entry) {
        findings.repair.put(DirectoryRecords.entryKey(directory, entry.name()), DirectoryRecords.writeEntry(entry));
        findings.repair.put(DirectoryRecords.cookieKey(directory, entry.cookie()), DirectoryRecords.writeCookie(entry));
    }

    private void delete(long directory, Entry entry) {
        findings.repair.delete(DirectoryRecords.entryKey(directory, entry.name()));
        findings.repair.delete(DirectoryRecords.cookieKey(directory, entry.cookie()));
    }

    /// All inodes once more, beside their names.
    void finish(StoreEngine engine) {
        names.sort(Comparator.comparingLong(Name::target));
        var next = new int[1];
        try (var inodes = new Rows(engine, Keys.INODE, new Findings())) {
            for (long id = inodes.number(); id != Rows.END; id = inodes.number()) {
                namesBefore(id, next).forEach(this::dangling);
                List<Name> own = namesBefore(id + 1, next);
                inodes.take(id, (key, value) -> {
                    if (InodeRecords.isKey(key)) {
                        inode(key, value, own);
                    }
                });
            }
        }
        namesBefore(Rows.END, next).forEach(this::dangling);
        Inode kept = keeper;
        if (kept != null) {
            var own = new ArrayList<Name>();
            hang(kept, own, ".space");
            put(kept, own.size(), kept.content());
        }
        directories.values().forEach(this::counts);
    }

    private List<Name> namesBefore(long id, int[] next) {
        int from = next[0];
        while (next[0] < names.size() && names.get(next[0]).target() < id) {
            next[0]++;
        }
        return names.subList(from, next[0]);
    }

    private void dangling(Name name) {
        findings.add(
                Damage.DANGLING_NAME,
                "'" + name.entry().name() + "' in directory " + name.directory() + " leads to "
                        + name.entry().file());
        delete(name.directory(), name.entry());
        Directory directory = directories.get(name.directory());
        if (directory != null) {
            directory.entries--;
        }
    }

    private void inode(byte[] key, byte[] value, List<Name> leading) {
        Inode rest = rests.get(Keys.number(key));
        if (rest == null) {
            inode(InodeRecords.read(key, value), leading);
        } else if (rest.isDirectory()) {
            directoryAgain(rest, leading);
        } else {
            incomplete(rest, leading);
        }
    }

    /// The names that lead to it lead to it again, under its new handle.
    private void directoryAgain(Inode rest, List<Name> leading) {
        var own = new ArrayList<Name>();
        for (Name name : leading) {
            Entry entry = name.entry();
            own.add(new Name(name.directory(), new Entry(entry.name(), rest.file(), entry.cookie())));
            put(name.directory(), own.getLast().entry());
        }
        inode(rest, own);
    }

    /// Nobody is to take it for the file that had those names.
    private void incomplete(Inode rest, List<Name> leading) {
        leading.forEach(this::dangling);
        var own = new ArrayList<Name>();
        if (!orphans.contains(rest.id())) {
            hang(rest, own, ".incomplete");
        } else if (!leading.isEmpty()) {
            deadOrphan(rest);
            hang(rest, own, ".incomplete");
        }
        put(rest, own.size(), rest.content());
    }

    private void deadOrphan(Inode inode) {
        findings.add(Damage.DEAD_ORPHAN, "inode " + inode.id() + " has a name");
        findings.repair.delete(DirectoryRecords.orphanKey(inode.id()));
    }

    private void inode(Inode inode, List<Name> leading) {
        var own = new ArrayList<Name>();
        for (Name name : leading) {
            if (name.entry().file().equals(inode.file())) {
                own.add(name);
            } else {
                dangling(name);
            }
        }
        boolean isRoot = inode.id() == Inodes.rootOf(Inodes.exportOf(inode.id()));
        if (orphans.contains(inode.id()) && !own.isEmpty()) {
            deadOrphan(inode);
        } else if (!orphans.contains(inode.id()) && own.isEmpty() && !isRoot) {
            findings.add(Damage.LOST_FILE, "inode " + inode.id() + " (" + inode.type() + ")");
            hang(inode, own, "");
            lost.add(inode.id());
        }
        if (inode.isDirectory()) {
            directoryNamed(inode, own, isRoot);
        } else {
            file(inode, own.size());
        }
    }

    /// Gives it a name in its export's root.
    private void hang(Inode inode, List<Name> own, String suffix) {
        long rootId = Inodes.rootOf(Inodes.exportOf(inode.id()));
        Directory root = directories.get(rootId);
        if (root == null) {
            return; // nowhere to hang it: its export's root is damaged itself
        }
        var name = new Name(rootId, new Entry("lost+found." + inode.id() + suffix, inode.file(), root.nextCookie++));
        root.entries++;
        put(rootId, name.entry());
        own.add(name);
    }

    private void directoryNamed(Inode inode, List<Name> own, boolean isRoot) {
        if (own.size() > 1) {
            findings.add(Damage.TWO_NAMES, "directory " + inode.id() + " has " + own.size() + " names");
        }
        for (Name name : own) {
            Directory parent = directories.get(name.directory());
            if (parent != null) {
                parent.subdirectories++;
            }
        }
        Directory directory = directories.get(inode.id());
        if (directory != null && !isRoot && !own.isEmpty()) {
            directory.name = own.getFirst();
        }
    }

    private void file(Inode inode, int links) {
        Content content = inode.content();
        Long used = spaceUsed.get(inode.id());
        if (used != null && content instanceof Content.Regular regular) {
            findings.add(
                    Damage.SPACE_USED,
                    "inode " + inode.id() + " says " + regular.spaceUsed() + " bytes, its extents have " + used);
            content = new Content.Regular(regular.size(), used, regular.verifier());
        }
        if (inode.links() != links) {
            findings.add(Damage.COUNTS, "inode " + inode.id() + " says " + inode.links() + " links and has " + links);
        }
        if (used != null || inode.links() != links || lost.contains(inode.id())) {
            put(inode, links, content);
        }
    }

    private void counts(Directory directory) {
        Inode inode = directory.inode;
        int links = 2 + directory.subdirectories;
        FileHandle parent = inode.directory().parent();
        if (directory.name != null) {
            Directory above = directories.get(directory.name.directory());
            parent = above == null ? parent : above.inode.file();
        }
        var content = new Content.Directory(parent, directory.entries, directory.nextCookie);
        if (rests.containsKey(inode.id()) || lost.contains(inode.id())) {
            put(inode, links, content);
        } else if (inode.links() != links || !content.equals(inode.content())) {
            findings.add(
                    Damage.COUNTS,
                    "directory " + inode.id() + " says " + inode.links() + " links and " + inode.content()
                            + ", counted are " + links + " and " + content);
            put(inode, links, content);
        }
        if (directory.name != null && !leadsToRoot(directory)) {
            findings.add(Damage.DETACHED, "directory " + inode.id());
        }
    }

    private boolean leadsToRoot(Directory directory) {
        var passed = new HashSet<Long>();
        @Nullable Directory at = directory;
        while (at != null && at.name != null) {
            if (!passed.add(at.inode.id())) {
                return false;
            }
            at = directories.get(at.name.directory());
        }
        return true;
    }

    private void put(Inode inode, int links, Content content) {
        // What was in a directory that kept others away hangs where all can see it now.
        Rights rights = lost.contains(inode.id())
                ? inode.rights().withMode(inode.rights().mode() & OWNERS)
                : inode.rights();
        findings.repair.put(
                InodeRecords.key(inode.id()),
                InodeRecords.write(new Inode(inode.file(), rights, links, inode.change() + 1, inode.times(), content)));
    }
}
