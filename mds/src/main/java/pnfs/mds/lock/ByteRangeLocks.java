package pnfs.mds.lock;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;

/// The byte-range locks of one file (RFC 8881 §9): who may lock what beside whom. Guarded by the file's lock.
///
/// Locks of one owner never overlap and never touch with the same kind: a new lock replaces what the owner had
/// in its range, cutting older ones in two where need be, and joins its neighbours. So a lock and its unlock of
/// any range work as POSIX has them.
///
/// @param <O> what tells owners apart
final class ByteRangeLocks<O> {
    /// READ locks stand beside each other, a WRITE lock stands alone.
    enum Kind {
        READ,
        WRITE;

        static Kind of(LockType type) {
            return type.isWrite() ? WRITE : READ;
        }
    }

    /// A lock of `range`, which is never empty.
    record Held<O>(O owner, FileRange range, Kind kind) {}

    /// Hears what a change does to single locks, so that they can be recorded by owner and offset.
    interface Changes<O> {
        void locked(Held<O> held);

        void unlocked(Held<O> held);

        /// Where nobody records.
        static <O> Changes<O> unheard() {
            return new Changes<>() {
                @Override
                public void locked(Held<O> held) {}

                @Override
                public void unlocked(Held<O> held) {}
            };
        }
    }

    /// For each owner its locks by offset. Owners without a lock are not in the map.
    private final Map<O, NavigableMap<Long, Held<O>>> byOwner = new HashMap<>();

    private int count;

    /// How many locks there are, for limits.
    int count() {
        return count;
    }

    boolean isEmpty() {
        return count == 0;
    }

    boolean holdsAny(O owner) {
        return byOwner.containsKey(owner);
    }

    /// The owner's locks, in the order of their offsets.
    List<Held<O>> of(O owner) {
        return List.copyOf(locks(owner).values());
    }

    /// The lock of another owner that forbids this one; of several, one with the lowest offset.
    Optional<Held<O>> conflict(O owner, FileRange range, Kind kind) {
        return byOwner.entrySet().stream()
                .filter(entry -> !entry.getKey().equals(owner))
                .flatMap(entry -> overlapping(entry.getValue(), range))
                .filter(held -> kind == Kind.WRITE || held.kind() == Kind.WRITE)
                .min((a, b) -> Long.compare(a.range().offset(), b.range().offset()));
    }

    /// Locks a range, whatever the owner held there before. The caller has asked for conflicts.
    void lock(O owner, FileRange range, Kind kind, Changes<O> changes) {
        unlock(owner, range, changes);
        NavigableMap<Long, Held<O>> locks = byOwner.computeIfAbsent(owner, _ -> new TreeMap<>());
        long offset = range.offset();
        long end = range.end();
        Map.Entry<Long, Held<O>> before = locks.lowerEntry(offset);
        if (before != null
                && before.getValue().range().end() == offset
                && before.getValue().kind() == kind) {
            offset = before.getKey();
            remove(locks, before.getValue(), changes);
        }
        Held<O> after = locks.get(end);
        if (after != null && after.kind() == kind) {
            remove(locks, after, changes);
            end = after.range().end();
        }
        put(locks, new Held<>(owner, new FileRange(offset, end), kind), changes);
    }

    /// Unlocks a range; what the owner holds around it stays. Nothing there is nothing to do.
    void unlock(O owner, FileRange range, Changes<O> changes) {
        NavigableMap<Long, Held<O>> locks = locks(owner);
        for (Held<O> held : overlapping(locks, range).toList()) {
            remove(locks, held, changes);
            if (held.range().offset() < range.offset()) {
                var below = new FileRange(held.range().offset(), range.offset());
                put(locks, new Held<>(owner, below, held.kind()), changes);
            }
            if (held.range().end() > range.end()) {
                var above = new FileRange(range.end(), held.range().end());
                put(locks, new Held<>(owner, above, held.kind()), changes);
            }
        }
        if (locks.isEmpty()) {
            byOwner.remove(owner);
        }
    }

    private NavigableMap<Long, Held<O>> locks(O owner) {
        return byOwner.getOrDefault(owner, new TreeMap<>());
    }

    private Stream<Held<O>> overlapping(NavigableMap<Long, Held<O>> locks, FileRange range) {
        Long first = locks.floorKey(range.offset());
        return locks.subMap(first == null ? range.offset() : first, range.end()).values().stream()
                .filter(held -> overlap(held.range(), range));
    }

    private static boolean overlap(FileRange one, FileRange other) {
        return one.offset() < other.end() && other.offset() < one.end();
    }

    private void put(NavigableMap<Long, Held<O>> locks, Held<O> held, Changes<O> changes) {
        locks.put(held.range().offset(), held);
        count++;
        changes.locked(held);
    }

    private void remove(NavigableMap<Long, Held<O>> locks, Held<O> held, Changes<O> changes) {
        locks.remove(held.range().offset());
        count--;
        changes.unlocked(held);
    }
}
