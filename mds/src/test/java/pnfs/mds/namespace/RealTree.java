package pnfs.mds.namespace;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.Inode;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DirectoryEntry;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.OpArgs.ReadDirArgs;
import pnfs.wire.nfs4.OpResult.ReadDirResult;

/// Looks at a server's tree: as a client sees it, and as it lies in the store.
final class RealTree {
    private static final Bitmap SHOWN =
            Bitmap.of(Attribute.TYPE, Attribute.NUMLINKS, Attribute.FILEID, Attribute.FILEHANDLE);

    private RealTree() {}

    /// In the words of [ModelTree#dump].
    static String dump(FileRooms rooms) {
        var out = new StringBuilder();
        Inode root = inode(rooms, rooms.root.inode());
        out.append(' ').append(root.type()).append(' ').append(root.links()).append('\n');
        dump(rooms, rooms.root, "", new HashMap<>(), out);
        return out.toString();
    }

    private static void dump(
            FileRooms rooms, FileHandle directory, String path, Map<Long, String> seen, StringBuilder out) {
        var sorted = new TreeMap<String, Attributes>();
        for (DirectoryEntry entry : list(rooms, directory, 1000)) {
            sorted.put(entry.name(), AttributeCodec.read(entry.attributes()));
        }
        sorted.forEach((name, attributes) -> {
            String child = path + "/" + name;
            String first = seen.putIfAbsent(attributes.uint64(Attribute.FILEID), child);
            out.append(child).append(' ').append(attributes.type()).append(' ');
            out.append(attributes.uint32(Attribute.NUMLINKS));
            out.append(first == null ? "" : " = " + first).append('\n');
            if (attributes.type() == FileType.DIRECTORY) {
                dump(rooms, FileHandle.fromWire(attributes.fileHandle()), child, seen, out);
            }
        });
    }

    /// All pages of READDIR, each of at most `maxBytes`.
    static List<DirectoryEntry> list(FileRooms rooms, FileHandle directory, int maxBytes) {
        var all = new ArrayList<DirectoryEntry>();
        long cookie = 0;
        long verifier = 0;
        while (true) {
            var page = (ReadDirResult) rooms.on(directory, new ReadDirArgs(cookie, verifier, 0, maxBytes, SHOWN));
            all.addAll(page.entries());
            if (page.eof()) {
                return all;
            }
            cookie = page.entries().getLast().cookie();
            verifier = page.verifier();
        }
    }

    /// What the store holds has to fit together: each entry its cookie and its file, each file its names, each
    /// directory its counts, each orphan no name; and nothing else is there.
    static List<String> complaints(FileRooms rooms) {
        var complaints = new ArrayList<String>();
        var entries = new HashMap<Long, Map<String, Long>>();
        var names = new HashMap<Long, Integer>();
        var subdirectories = new HashMap<Long, Integer>();
        rooms.store.scan(Keys.COOKIE.first(), Keys.COOKIE.end(), (key, value) -> {
            Entry entry = DirectoryRecords.readCookie(key, value);
            long directory = number(key);
            entries.computeIfAbsent(directory, _ -> new HashMap<>()).put(entry.name(), entry.cookie());
            names.merge(entry.file().inode(), 1, Integer::sum);
            Inode file = rooms.inodes.find(entry.file().inode()).value();
            if (file == null) {
                complaints.add(entry + " of " + directory + " leads nowhere");
                return true;
            }
            if (file.isDirectory()) {
                subdirectories.merge(directory, 1, Integer::sum);
                if (file.directory().parent().inode() != directory) {
                    complaints.add(entry + " of " + directory + " says its parent is "
                            + file.directory().parent());
                }
            }
            return true;
        });
        var byName = new int[1];
        rooms.store.scan(Keys.ENTRY.first(), Keys.ENTRY.end(), (key, value) -> {
            long directory = number(key);
            String name = new String(key, 9, key.length - 9, StandardCharsets.UTF_8);
            Entry entry = DirectoryRecords.readEntry(directory, name, value);
            byName[0]++;
            if (!Long.valueOf(entry.cookie())
                    .equals(entries.getOrDefault(directory, Map.of()).get(name))) {
                complaints.add(entry + " of " + directory + " has no cookie");
            }
            return true;
        });
        if (byName[0] != entries.values().stream().mapToInt(Map::size).sum()) {
            complaints.add("names and cookies differ in number");
        }
        Set<Long> orphans = new HashSet<>();
        rooms.store.scan(Keys.ORPHAN.first(), Keys.ORPHAN.end(), (key, value) -> {
            orphans.add(DirectoryRecords.readOrphan(key, value));
            return true;
        });
        rooms.store.scan(Keys.INODE.first(), Keys.INODE.end(), (key, _) -> {
            long id = number(key);
            Inode inode = inode(rooms, id);
            int count = entries.getOrDefault(id, Map.of()).size();
            int expected = inode.isDirectory() ? 2 + subdirectories.getOrDefault(id, 0) : names.getOrDefault(id, 0);
            if (inode.links() != expected) {
                complaints.add(inode + " has " + inode.links() + " links, not " + expected);
            }
            if (inode.isDirectory() && inode.directory().entries() != count) {
                complaints.add(inode + " counts " + inode.directory().entries() + " entries, not " + count);
            }
            boolean nameless = id != rooms.root.inode() && names.getOrDefault(id, 0) == 0;
            if (nameless != orphans.contains(id)) {
                complaints.add(inode + (nameless ? " has no name and is no orphan" : " is an orphan with a name"));
            }
            return true;
        });
        return complaints;
    }

    /// The first number of a key.
    static long number(byte[] key) {
        return ByteBuffer.wrap(key, 1, Long.BYTES).getLong();
    }

    static Inode inode(FileRooms rooms, long id) {
        Inode inode = rooms.inodes.find(id).value();
        if (inode == null) {
            throw new AssertionError("no inode " + id);
        }
        return inode;
    }
}
