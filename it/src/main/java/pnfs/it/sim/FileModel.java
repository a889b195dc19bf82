package pnfs.it.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import pnfs.wire.xdr.Opaque;

/// What a file may hold, from what clients asked for and what they were told. One thread.
///
/// Each sector is a register: a read may show a write that had begun before the read's end, unless a later write
/// (one that began after that one's end) was acknowledged before the read began. A write whose fate nobody knows
/// has no end. A truncation writes zeros to all sectors behind the new end.
final class FileModel {
    static final int SECTOR_BYTES = 512;
    static final int MAX_BYTES = 64 << 10;
    private static final int SECTORS = MAX_BYTES / SECTOR_BYTES;
    private static final long NEVER = Long.MAX_VALUE;

    /// A change of content or size by one client. `value` is what each word of a written sector holds; 0 for
    /// zeros.
    static final class Change {
        final FileModel file;
        final int client;
        final long value;
        final int offset;
        final int end;
        /// Behind what the file ends now; -1 when the size stays as it is.
        private final int newSize;

        private final boolean truncates;
        private final long begunAt;
        private long endedAt = NEVER;
        private long acknowledgedAt = NEVER;
        /// The sizes there could be before, while nobody else changes the size; null otherwise.
        private @Nullable Set<Integer> sizesBefore;

        private Change(
                FileModel file, int client, long value, int offset, int end, int newSize, boolean truncates, long at) {
            this.file = file;
            this.client = client;
            this.value = value;
            this.offset = offset;
            this.end = end;
            this.newSize = newSize;
            this.truncates = truncates;
            this.begunAt = at;
        }

        long begunAt() {
            return begunAt;
        }

        /// What is written.
        ByteBuffer filled() {
            ByteBuffer data = ByteBuffer.allocate(end - offset);
            while (data.hasRemaining()) {
                data.putLong(value);
            }
            return data.flip();
        }

        private int sizeAfter(int before) {
            return newSize < 0 ? before : truncates ? newSize : Math.max(before, newSize);
        }

        @Override
        public String toString() {
            return (truncates
                            ? "truncation to " + newSize
                            : "write " + Long.toHexString(value) + " of " + offset + ".." + end)
                    + " by client " + client + " begun " + begunAt
                    + (endedAt == NEVER ? "" : " ended " + endedAt)
                    + (acknowledgedAt == NEVER ? "" : " acknowledged " + acknowledgedAt);
        }
    }

    final int number;
    /// Known once a reply told it.
    @Nullable
    Opaque handle;

    final DelegationModel delegations = new DelegationModel();
    final LockModel locks = new LockModel();
    private final List<List<Change>> sectors = new ArrayList<>();
    private final List<Change> resizing = new ArrayList<>();
    /// When the last change of the size was over.
    private long resizedAt;

    private Set<Integer> sizes = Set.of(0);
    /// What the sizes were before, and until when.
    private final List<Past> past = new ArrayList<>();

    private record Past(Set<Integer> sizes, long until) {}

    FileModel(int number) {
        this.number = number;
        for (int i = 0; i < SECTORS; i++) {
            sectors.add(new ArrayList<>(0));
        }
    }

    /// A write begins.
    ///
    /// @param newSize -1 when it does not tell the server how long the file is now
    Change write(int client, long value, int offset, int end, int newSize, long at) {
        return begin(new Change(this, client, value, offset, end, newSize, false, at));
    }

    Change truncate(int client, int size, long at) {
        return begin(new Change(this, client, 0, size, MAX_BYTES, size, true, at));
    }

    private Change begin(Change change) {
        for (int sector = change.offset / SECTOR_BYTES; sector < change.end / SECTOR_BYTES; sector++) {
            sectors.get(sector).add(change);
        }
        if (change.newSize >= 0) {
            change.sizesBefore = resizing.isEmpty() ? sizes : null;
            resizing.forEach(other -> other.sizesBefore = null);
            resizing.add(change);
            become(sizes, change.begunAt);
        }
        return change;
    }

    /// Every order in which those that are under way may take effect.
    private void become(Set<Integer> from, long at) {
        var all = new HashSet<>(from);
        for (boolean grows = true; grows; ) {
            grows = false;
            for (Change change : resizing) {
                for (int size : List.copyOf(all)) {
                    grows |= all.add(change.sizeAfter(size));
                }
            }
        }
        past.add(new Past(sizes, at));
        sizes = all;
    }

    /// The client was told that the change is durable.
    void acknowledged(Change change, long at) {
        change.acknowledgedAt = at;
        change.endedAt = at;
        if (resized(change, at) && change.sizesBefore != null) {
            var after = new HashSet<Integer>();
            change.sizesBefore.forEach(size -> after.add(change.sizeAfter(size)));
            become(after, at);
        }
    }

    /// Whether it took effect is not known, but it will not from now on.
    void ended(Change change, long at) {
        if (change.endedAt == NEVER) {
            change.endedAt = at;
            resized(change, at);
        }
    }

    private boolean resized(Change change, long at) {
        boolean resizes = resizing.remove(change);
        if (resizes) {
            resizedAt = at;
        }
        return resizes;
    }

    /// A client was told how long the file is.
    ///
    /// @param askedAt when it asked
    /// @return what is wrong, or null
    @Nullable
    String seenSize(int size, long askedAt) {
        boolean changed = resizedAt >= askedAt;
        boolean was = false;
        for (Past before : past) {
            changed |= before.until >= askedAt;
            was |= before.until >= askedAt && before.sizes.contains(size);
        }
        if (!was && !sizes.contains(size)) {
            return "size " + size + ", may be " + sizes.stream().sorted().toList();
        }
        if (!changed && resizing.isEmpty()) {
            sizes = Set.of(size);
        }
        return null;
    }

    /// A client was told that a word of a sector holds `value`.
    ///
    /// @param askedAt when the read began
    /// @return what is wrong, or null
    @Nullable
    String seen(int sector, long value, long askedAt) {
        List<Change> changes = sectors.get(sector);
        boolean known = value == 0 && !hiddenAfter(changes, 0, askedAt);
        for (Change change : changes) {
            known |= change.value == value && !hiddenAfter(changes, change.endedAt, askedAt);
        }
        return known ? null : "sector " + sector + " holds " + Long.toHexString(value) + " after " + changes;
    }

    private static boolean hiddenAfter(List<Change> changes, long endedAt, long askedAt) {
        for (Change change : changes) {
            if (change.begunAt > endedAt && change.acknowledgedAt < askedAt) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return "file " + number;
    }
}
