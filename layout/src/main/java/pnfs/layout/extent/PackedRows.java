package pnfs.layout.extent;

import java.util.Arrays;

/// Rows of three longs in ascending order of the first, which is their key: a B+-tree of three levels, whose
/// leaves are `long[]` of exactly the rows they hold. A row costs 24 bytes and its share of the index, some 26
/// together.
///
/// Searching is three searches that guess ([#floor(long[], int, int, long, long)]). Inserting copies one leaf
/// and, when that one splits, moves a piece of one branch; the root grows by one entry in several thousand
/// rows. Confined to its [ExtentMap].
final class PackedRows {
    private static final int ROW = 3;
    private static final int LEAF_ROWS = 64;
    private static final int BRANCH_LEAVES = 128;

    private final Node<Node<long[]>> root = new Node<>();
    private int size;

    int size() {
        return size;
    }

    /// The row with the greatest key up to `key`, or a cursor in front of the first row.
    Cursor floor(long key) {
        var cursor = new Cursor();
        cursor.toFloor(key);
        return cursor;
    }

    /// Adds a row, or replaces the one with this key.
    void put(long key, long second, long third) {
        if (root.count == 0) {
            var branch = new Node<long[]>();
            branch.insert(0, key, new long[] {key, second, third});
            root.insert(0, key, branch);
            size = 1;
            return;
        }
        int branchAt = Math.max(root.floor(key), 0);
        Node<long[]> branch = root.child(branchAt);
        int leafAt = Math.max(branch.floor(key), 0);
        long[] leaf = branch.child(leafAt);
        int row = floorRow(branch, leafAt, key);
        if (row >= 0 && leaf[row * ROW] == key) {
            leaf[row * ROW + 1] = second;
            leaf[row * ROW + 2] = third;
            return;
        }
        size++;
        insertRow(branchAt, leafAt, row + 1, new long[] {key, second, third});
    }

    /// Takes out the row with exactly this key, which must be there.
    void remove(long key) {
        int branchAt = root.floor(key);
        Node<long[]> branch = root.child(branchAt);
        int leafAt = branch.floor(key);
        long[] leaf = branch.child(leafAt);
        int row = floorRow(branch, leafAt, key);
        if (leaf[row * ROW] != key) {
            throw new IllegalStateException("no row with key " + key);
        }
        size--;
        if (leaf.length == ROW) {
            branch.remove(leafAt);
            if (branch.count == 0) {
                root.remove(branchAt);
            } else {
                root.keys[branchAt] = branch.keys[0];
            }
            return;
        }
        var rest = new long[leaf.length - ROW];
        System.arraycopy(leaf, 0, rest, 0, row * ROW);
        System.arraycopy(leaf, (row + 1) * ROW, rest, row * ROW, rest.length - row * ROW);
        replaceLeaf(branchAt, leafAt, rest);
        joinWithNext(branch, leafAt);
    }

    private void insertRow(int branchAt, int leafAt, int row, long[] values) {
        Node<long[]> branch = root.child(branchAt);
        long[] leaf = branch.child(leafAt);
        if (leaf.length < LEAF_ROWS * ROW) {
            replaceLeaf(branchAt, leafAt, withRow(leaf, row, values));
            return;
        }
        // Behind the last row a new leaf starts, so that a file written from front to back has full leaves.
        int cut = row == LEAF_ROWS ? LEAF_ROWS : LEAF_ROWS / 2;
        long[] left = Arrays.copyOf(leaf, cut * ROW);
        long[] right = Arrays.copyOfRange(leaf, cut * ROW, leaf.length);
        if (row < cut) {
            left = withRow(left, row, values);
        } else {
            right = withRow(right, row - cut, values);
        }
        replaceLeaf(branchAt, leafAt, left);
        branch.insert(leafAt + 1, right[0], right);
        if (branch.count > BRANCH_LEAVES) {
            Node<long[]> tail = branch.splitOff(leafAt + 1 == BRANCH_LEAVES ? BRANCH_LEAVES : BRANCH_LEAVES / 2);
            root.insert(branchAt + 1, tail.keys[0], tail);
        }
    }

    private void replaceLeaf(int branchAt, int leafAt, long[] leaf) {
        Node<long[]> branch = root.child(branchAt);
        branch.set(leafAt, leaf[0], leaf);
        root.keys[branchAt] = branch.keys[0];
    }

    /// Keeps leaves from withering to a row each when most rows of a long file go.
    private static void joinWithNext(Node<long[]> branch, int leafAt) {
        if (leafAt + 1 >= branch.count) {
            return;
        }
        long[] leaf = branch.child(leafAt);
        long[] next = branch.child(leafAt + 1);
        if (leaf.length + next.length <= LEAF_ROWS / 2 * ROW) {
            long[] joined = Arrays.copyOf(leaf, leaf.length + next.length);
            System.arraycopy(next, 0, joined, leaf.length, next.length);
            branch.set(leafAt, joined[0], joined);
            branch.remove(leafAt + 1);
        }
    }

    private static long[] withRow(long[] leaf, int row, long[] values) {
        var grown = new long[leaf.length + ROW];
        System.arraycopy(leaf, 0, grown, 0, row * ROW);
        System.arraycopy(values, 0, grown, row * ROW, ROW);
        System.arraycopy(leaf, row * ROW, grown, (row + 1) * ROW, leaf.length - row * ROW);
        return grown;
    }

    private static int floorRow(Node<long[]> branch, int leafAt, long key) {
        long[] leaf = branch.child(leafAt);
        long behind = leafAt + 1 < branch.count ? branch.keys[leafAt + 1] : leaf[leaf.length - ROW] + 1;
        return floor(leaf, ROW, leaf.length / ROW, key, behind);
    }

    /// The last of `count` ascending keys that is not above `key`, or -1; a key stands at every multiple of
    /// `stride`. `behind` is where the keys end, as far as one knows.
    ///
    /// In a file of many extents a probe costs more than all else, because it misses the processor's caches. So
    /// the search begins where the key would be were the keys evenly spaced, and gallops from there: one or two
    /// probes in the usual file, twice the logarithm in the worst.
    private static int floor(long[] keys, int stride, int count, long key, long behind) {
        if (count == 0 || key < keys[0]) {
            return -1;
        }
        double share = (double) (key - keys[0]) / (behind - keys[0]);
        int low = key < behind ? Math.min((int) (share * count), count - 1) : count - 1;
        int high = low + 1;
        for (int step = 1; keys[low * stride] > key; step *= 2) {
            high = low;
            low = Math.max(low - step, 0);
        }
        for (int step = 1; high < count && keys[high * stride] <= key; step *= 2) {
            low = high;
            high = Math.min(high + step, count);
        }
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (keys[middle * stride] <= key) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /// Where one reads; valid until the next change.
    final class Cursor {
        private int branchAt;
        private int leafAt;
        private int row;
        private long[] leaf = {};

        private void toFloor(long key) {
            branchAt = root.floor(key);
            if (branchAt < 0) {
                row = -1;
                return;
            }
            Node<long[]> branch = root.child(branchAt);
            leafAt = branch.floor(key);
            leaf = branch.child(leafAt);
            row = floorRow(branch, leafAt, key);
        }

        /// Whether there is a row here: not in front of the first and not behind the last.
        boolean onRow() {
            return branchAt >= 0 && branchAt < root.count;
        }

        long first() {
            return leaf[row * ROW];
        }

        long second() {
            return leaf[row * ROW + 1];
        }

        long third() {
            return leaf[row * ROW + 2];
        }

        /// Moves on by one row.
        void next() {
            if (branchAt < 0) {
                branchAt = 0;
                leafAt = 0;
                row = 0;
            } else if (++row * ROW == leaf.length) {
                row = 0;
                if (++leafAt == root.child(branchAt).count) {
                    leafAt = 0;
                    branchAt++;
                }
            }
            if (onRow()) {
                leaf = root.child(branchAt).child(leafAt);
            }
        }
    }

    /// Children in ascending order of their first key.
    private static final class Node<C> {
        private long[] keys = new long[1];
        private Object[] children = new Object[1];
        private int count;

        @SuppressWarnings("unchecked") // only insert and set store children
        C child(int at) {
            return (C) children[at];
        }

        /// The last child that starts at or before `key`, or -1.
        int floor(long key) {
            return PackedRows.floor(keys, 1, count, key, count == 0 ? 0 : keys[count - 1]);
        }

        void set(int at, long key, C child) {
            keys[at] = key;
            children[at] = child;
        }

        void insert(int at, long key, C child) {
            if (count == keys.length) {
                keys = Arrays.copyOf(keys, count * 2);
                children = Arrays.copyOf(children, count * 2);
            }
            System.arraycopy(keys, at, keys, at + 1, count - at);
            System.arraycopy(children, at, children, at + 1, count - at);
            count++;
            set(at, key, child);
        }

        void remove(int at) {
            count--;
            System.arraycopy(keys, at + 1, keys, at, count - at);
            System.arraycopy(children, at + 1, children, at, count - at);
            children[count] = null;
        }

        /// Keeps the first `kept` children and gives the others away.
        Node<C> splitOff(int kept) {
            var tail = new Node<C>();
            tail.keys = Arrays.copyOfRange(keys, kept, count);
            tail.children = Arrays.copyOfRange(children, kept, count);
            tail.count = count - kept;
            keys = Arrays.copyOf(keys, kept);
            children = Arrays.copyOf(children, kept);
            count = kept;
            return tail;
        }
    }
}
