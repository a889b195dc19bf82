package pnfs.mds.namespace;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.Times;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.store.CorruptStoreException;
import pnfs.wire.nfs4.NfsTime;

/// The directories above exports that lie side by side: a small export of its own, in which names lead to the
/// roots of the others. It is kept like any other, so that handles and cookies last, and made to agree with
/// what is exported when the server starts, before anybody is served.
public final class Junctions {
    private static final Rights RIGHTS = new Rights(0555, 0, 0);

    private final Inodes inodes;
    private final Namespace namespace;
    private final int export;

    /// @param export its number
    public Junctions(Inodes inodes, Namespace namespace, int export) {
        this.inodes = inodes;
        this.namespace = namespace;
        this.export = export;
    }

    /// A directory as it should be: names that lead to further ones or, at `root`, to an export.
    private record Node(@Nullable FileHandle root, TreeMap<String, Node> names) {
        static Node junction() {
            return new Node(null, new TreeMap<>());
        }

        static Node leaf(FileHandle root) {
            return new Node(root, new TreeMap<>());
        }
    }

    /// Makes the tree lead to these roots, and to nothing else. Where a record of it is damaged it stays as it
    /// was: what it still leads to is served.
    ///
    /// @param roots by the names on the way there, none of which is the begin of another
    /// @return its own root
    public FileHandle join(Map<List<String>, FileHandle> roots, NfsTime now) {
        Node top = Node.junction();
        roots.forEach((path, root) -> {
            Node node = top;
            for (String name : path.subList(0, path.size() - 1)) {
                node = node.names.computeIfAbsent(name, _ -> Node.junction());
            }
            node.names.put(path.getLast(), Node.leaf(root));
        });
        FileHandle root = namespace.root(export, RIGHTS, now);
        inodes.damaged().leaveOut(() -> {
            FileChange change = inodes.change();
            agree(change, require(root), top.names, false, now);
            change.append();
        });
        return root;
    }

    private void agree(FileChange change, Inode directory, SortedMap<String, Node> wanted, boolean isNew, NfsTime now) {
        Directories directories = namespace.directories();
        Content.Directory names = directory.directory();
        int subdirectories = 0;
        var kept = new HashMap<String, Entry>();
        for (Entry entry : entries(directory)) {
            Node node = wanted.get(entry.name());
            if (node != null && leadsTo(entry, node)) {
                kept.put(entry.name(), entry);
            } else {
                names = directories.drop(change, directory.id(), names, entry);
                subdirectories--;
                removeTree(change, entry.file());
            }
        }
        for (Map.Entry<String, Node> next : wanted.entrySet()) {
            Node node = next.getValue();
            Entry entry = kept.get(next.getKey());
            FileHandle file = entry != null ? entry.file() : node.root != null ? node.root : inodes.newFile(export);
            if (entry == null) {
                names = directories.enter(change, directory.id(), names, next.getKey(), file);
                subdirectories++;
            }
            if (node.root != null) {
                hang(change, node.root, directory, now);
            } else {
                Inode junction = entry != null
                        ? require(file)
                        : Inode.create(file, RIGHTS, Times.allAt(now), Content.Directory.empty(directory.file()));
                agree(change, junction, node.names, entry == null, now);
            }
        }
        boolean isAsMade = directory.rights().equals(RIGHTS); // what fsck leaves of a damaged one is root's alone
        if (isNew || !isAsMade || !names.equals(directory.directory())) {
            change.put(directory.described(RIGHTS, directory.times(), now).renamed(names, subdirectories, now));
        }
    }

    /// The root of an export knows what is above it.
    private void hang(FileChange change, FileHandle file, Inode above, NfsTime now) {
        inodes.damaged().leaveOut(() -> {
            Inode root = require(file);
            if (!root.directory().parent().equals(above.file())) {
                change.put(root.moved(above.file(), now));
            }
        });
    }

    private boolean leadsTo(Entry entry, Node node) {
        return node.root == null
                ? isJunction(entry.file())
                : node.root.inode() == entry.file().inode();
    }

    private boolean isJunction(FileHandle file) {
        return Inodes.exportOf(file.inode()) == export;
    }

    /// What is below a name that is no longer wanted; exports stay, unseen.
    private void removeTree(FileChange change, FileHandle file) {
        if (!isJunction(file)) {
            return;
        }
        Inode directory = require(file);
        for (Entry entry : entries(directory)) {
            namespace.directories().drop(change, directory.id(), directory.directory(), entry);
            removeTree(change, entry.file());
        }
        change.remove(directory);
    }

    private List<Entry> entries(Inode directory) {
        var all = new ArrayList<Entry>();
        namespace.directories().list(directory, 0, all::add);
        return all;
    }

    private Inode require(FileHandle file) {
        Inode inode = inodes.find(file.inode()).value();
        if (inode == null) {
            throw new CorruptStoreException("a name above the exports leads to a file that is not there: " + file);
        }
        return inode;
    }
}
