package pnfs.mds.namespace;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import pnfs.mds.FileRooms;
import pnfs.mds.attribute.Inode;
import pnfs.mds.check.Report;
import pnfs.mds.check.StoreCheck;
import pnfs.mds.compound.FileHandle;
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
    static List<Report.Finding> complaints(FileRooms rooms) {
        rooms.engine.commitAll();
        return StoreCheck.run(rooms.engine, List.of(), new SplittableRandom(1), _ -> {})
                .findings();
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
