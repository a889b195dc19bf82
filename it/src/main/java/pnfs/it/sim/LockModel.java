package pnfs.it.sim;

import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Leases.Claim;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.LockType;

/// Who was told that it has locked what of a file, sector by sector, from the reply until the unlock is sent. One
/// thread.
final class LockModel {
    /// The last one stands for all that lies behind the longest file.
    static final int CELLS = FileModel.MAX_BYTES / FileModel.SECTOR_BYTES + 1;

    /// Who locks: a client has several owners.
    record Owner(int client, int number) implements Comparable<Owner> {
        @Override
        public int compareTo(Owner other) {
            int byClient = Integer.compare(client, other.client);
            return byClient != 0 ? byClient : Integer.compare(number, other.number);
        }

        @Override
        public String toString() {
            return "owner " + number + " of client " + client;
        }
    }

    /// What an owner has of a cell.
    private record Held(LockType type, Claim claim) {}

    private final TreeMap<Owner, @Nullable Held[]> held = new TreeMap<>();

    /// The bytes of cells.
    static FileRange range(int first, int end) {
        long offset = (long) first * FileModel.SECTOR_BYTES;
        return end == CELLS ? FileRange.toEnd(offset) : new FileRange(offset, (long) end * FileModel.SECTOR_BYTES);
    }

    /// An owner is about to ask for a lock: one for reading takes the place of one for writing before it hears so.
    void asked(Owner owner, LockType type, int first, int end) {
        Held[] cells = held.get(owner);
        for (int cell = first; cells != null && !type.isWrite() && cell < end; cell++) {
            Held before = cells[cell];
            if (before != null) {
                cells[cell] = new Held(type, before.claim);
            }
        }
    }

    /// An owner was told that it has a lock.
    ///
    /// @return what is wrong, or null
    @Nullable
    String granted(Leases leases, Owner owner, LockType type, int first, int end) {
        String wrong = conflict(leases, owner, type, first, end);
        Arrays.fill(
                held.computeIfAbsent(owner, _ -> new Held[CELLS]),
                first,
                end,
                new Held(type, leases.claim(owner.client)));
        return wrong;
    }

    /// Says who certainly holds a lock that forbids this one, or null.
    @Nullable
    String conflict(Leases leases, Owner owner, LockType type, int first, int end) {
        for (var each : held.entrySet()) {
            if (!each.getKey().equals(owner)) {
                for (int cell = first; cell < end; cell++) {
                    Held other = each.getValue()[cell];
                    if (other != null && (type.isWrite() || other.type.isWrite()) && leases.stands(other.claim)) {
                        return other.type + " lock of sector " + cell + " is held by " + each.getKey();
                    }
                }
            }
        }
        return null;
    }

    /// The owner gives up what it has there.
    void released(Owner owner, int first, int end) {
        Held[] cells = held.get(owner);
        if (cells != null) {
            Arrays.fill(cells, first, end, null);
        }
    }

    /// All that a client has.
    void released(int client) {
        held.keySet().removeIf(owner -> owner.client == client);
    }

    /// A lock that an owner believes to have, from its first cell to its end.
    record Run(LockType type, int first, int end, Claim claim) {}

    /// The first that an owner has at or behind a cell, or null.
    @Nullable
    Run next(Owner owner, int from) {
        Held[] cells = held.get(owner);
        for (int first = from; cells != null && first < CELLS; first++) {
            Held here = cells[first];
            if (here != null) {
                int end = first + 1;
                while (end < CELLS && here.equals(cells[end])) {
                    end++;
                }
                return new Run(here.type, first, end, here.claim);
            }
        }
        return null;
    }
}
