package pnfs.mds.namespace;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.wire.nfs4.FileType;
import pnfs.wire.nfs4.NfsStatus;

/// A tree of names in plain maps, with the rules of POSIX written down as they come: too plain to be wrong.
final class ModelTree {
    static final class Node {
        final FileType type;
        final Map<String, Node> children = new TreeMap<>();

        @Nullable
        Node parent;

        int links;

        Node(FileType type) {
            this.type = type;
        }

        boolean isDirectory() {
            return type == FileType.DIRECTORY;
        }
    }

    final Node root = new Node(FileType.DIRECTORY);

    NfsStatus create(Node directory, String name, FileType type) {
        if (directory.children.containsKey(name)) {
            return NfsStatus.EXIST;
        }
        var made = new Node(type);
        attach(directory, name, made);
        return NfsStatus.OK;
    }

    NfsStatus link(Node file, Node directory, String name) {
        if (file.isDirectory()) {
            return NfsStatus.ISDIR;
        }
        if (directory.children.containsKey(name)) {
            return NfsStatus.EXIST;
        }
        if (file.links == 0) {
            return NfsStatus.NOENT;
        }
        attach(directory, name, file);
        return NfsStatus.OK;
    }

    NfsStatus remove(Node directory, String name) {
        Node file = directory.children.get(name);
        if (file == null) {
            return NfsStatus.NOENT;
        }
        if (!file.children.isEmpty()) {
            return NfsStatus.NOTEMPTY;
        }
        detach(directory, name);
        return NfsStatus.OK;
    }

    NfsStatus rename(Node from, String oldName, Node to, String newName) {
        Node file = from.children.get(oldName);
        if (file == null) {
            return NfsStatus.NOENT;
        }
        Node replaced = to.children.get(newName);
        if (replaced == file) {
            return NfsStatus.OK;
        }
        if (file.isDirectory() && isInside(to, file)) {
            return NfsStatus.INVAL;
        }
        if (replaced != null) {
            if (replaced.isDirectory() && !file.isDirectory()) {
                return NfsStatus.ISDIR;
            }
            if (!replaced.isDirectory() && file.isDirectory()) {
                return NfsStatus.NOTDIR;
            }
            if (!replaced.children.isEmpty()) {
                return NfsStatus.NOTEMPTY;
            }
            detach(to, newName);
        }
        detach(from, oldName);
        attach(to, newName, file);
        return NfsStatus.OK;
    }

    List<Node> directories() {
        var all = new ArrayList<Node>();
        collect(root, all);
        return all;
    }

    private static void collect(Node directory, List<Node> all) {
        all.add(directory);
        directory.children.values().stream().filter(Node::isDirectory).forEach(child -> collect(child, all));
    }

    /// The way from the root.
    List<String> path(Node directory) {
        var path = new ArrayList<String>();
        Node step = directory;
        while (step.parent != null) {
            Node child = step;
            step.parent.children.forEach((name, node) -> {
                if (node == child) {
                    path.addFirst(name);
                }
            });
            step = step.parent;
        }
        return path;
    }

    /// Paths, kinds, link counts, and which names are one file.
    String dump() {
        var out = new StringBuilder();
        dump(root, "", new IdentityHashMap<>(), out);
        return out.toString();
    }

    private static void dump(Node node, String path, Map<Node, String> seen, StringBuilder out) {
        String first = seen.putIfAbsent(node, path);
        int links = node.isDirectory()
                ? 2
                        + (int) node.children.values().stream()
                                .filter(Node::isDirectory)
                                .count()
                : node.links;
        out.append(path).append(' ').append(node.type).append(' ').append(links);
        out.append(first == null ? "" : " = " + first).append('\n');
        node.children.forEach((name, child) -> dump(child, path + "/" + name, seen, out));
    }

    private static boolean isInside(Node directory, Node moved) {
        for (Node step = directory; step != null; step = step.parent) {
            if (step == moved) {
                return true;
            }
        }
        return false;
    }

    private static void attach(Node directory, String name, Node file) {
        directory.children.put(name, file);
        file.links++;
        if (file.isDirectory()) {
            file.parent = directory;
        }
    }

    private static void detach(Node directory, String name) {
        Node file = Objects.requireNonNull(directory.children.remove(name));
        file.links--;
        if (file.isDirectory()) {
            file.parent = null;
        }
    }
}
