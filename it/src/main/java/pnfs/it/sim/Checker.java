package pnfs.it.sim;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.FileModel.Change;
import pnfs.it.sim.LockModel.Owner;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.nfs4.LockType;
import pnfs.wire.xdr.Opaque;

/// Knows every byte and name that was acknowledged and every layout that was given, and what must never happen:
///
/// - I1: bytes reach a block that somebody else holds; a block is given to two, one of them for writing.
/// - I2, I4: a read shows what was never written to that file.
/// - I3, I5: a read shows less than was acknowledged, or than somebody has seen.
/// - Locks, share reservations: two hold what forbids each other. Opens: one is gone, and its client has kept its
///   lease.
///
/// One thread.
final class Checker {
    private static final int BLOCK_BYTES = 4096;
    private static final int WORD_BYTES = 8;
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    /// A client's layout of one block of a region, from the reply until its return is sent.
    private record Holder(int client, boolean writes) {}

    private final Agenda agenda;
    final Leases leases;
    final ShareModel shares;
    private final Map<Long, List<Holder>> holders = new HashMap<>();
    private final Map<Long, Integer> keys = new HashMap<>();
    /// When a data server first kept a key away.
    private final Map<Long, Long> fencedAt = new HashMap<>();
    /// Which key a client was told last, by region and client.
    private final Map<Long, Long> lastKeys = new HashMap<>();
    /// Who may not write directly, as region and client, until it is told another key.
    private final Set<Long> barred = new HashSet<>();
    /// Writes through layouts of which nothing has arrived yet.
    private final Set<Long> direct = new HashSet<>();
    private final Map<Long, Change> changes = new HashMap<>();
    private final Map<Opaque, FileModel> files = new HashMap<>();
    private final Map<String, NameModel> names = new HashMap<>();
    private final List<String> trace = new ArrayList<>();
    private boolean traces;
    private boolean quiet;
    private long lastValue;
    private long clock;
    private int lastFile;
    private @Nullable Violation violation;

    Checker(Agenda agenda) {
        this.agenda = agenda;
        this.leases = new Leases(agenda);
        this.shares = new ShareModel(leases);
    }

    void traces(boolean wanted) {
        traces = wanted;
    }

    /// Nothing goes wrong in this run.
    void quiet(boolean wanted) {
        quiet = wanted;
    }

    List<String> trace() {
        return trace;
    }

    @Nullable
    Violation violation() {
        return violation;
    }

    /// Later than everything before.
    long now() {
        return ++clock;
    }

    /// What clients and faults do, for the log and for people.
    @SuppressWarnings("AnnotateFormatMethod") // that annotation is no library of ours
    void note(String what, Object... more) {
        if (traces) {
            trace.add("%9d %12.6f s  %s".formatted(agenda.steps(), agenda.nowNanos() / 1e9, what.formatted(more)));
        }
        agenda.log(what.hashCode());
    }

    Violation fail(String what) {
        if (violation == null) {
            violation = new Violation(what);
        }
        note("VIOLATION %s", what);
        return violation;
    }

    private void require(@Nullable String wrong, String invariant, Object where) {
        if (wrong != null) {
            throw fail(invariant + ": " + where + ": " + wrong);
        }
    }

    // Files and names.

    FileModel newFile() {
        return new FileModel(++lastFile);
    }

    NameModel name(String name) {
        return names.computeIfAbsent(name, NameModel::new);
    }

    List<NameModel> names() {
        return names.values().stream()
                .sorted((one, other) -> one.name.compareTo(other.name))
                .toList();
    }

    /// A client was told that a name stands for a file.
    FileModel resolved(NameModel name, Opaque handle, long askedAt) {
        FileModel file = files.get(handle);
        List<@Nullable FileModel> possible = name.since(askedAt);
        if (file == null) {
            file = possible.stream()
                    .filter(candidate -> candidate != null && candidate.handle == null)
                    .findFirst()
                    .orElse(null);
            if (file == null) {
                throw fail("I5: " + name.name + " is a file that nobody made, may be " + possible);
            }
            file.handle = handle;
            files.put(handle, file);
        } else if (!possible.contains(file)) {
            throw fail("I5: " + name.name + " is " + file + ", may be " + possible);
        }
        return file;
    }

    /// A client was told that a name stands for nothing.
    void absent(NameModel name, long askedAt) {
        if (!name.since(askedAt).contains(null)) {
            throw fail("I5: " + name.name + " is not there, must be " + name.since(askedAt));
        }
    }

    /// Whether a file has certainly a name.
    boolean hasName(FileModel file) {
        for (NameModel name : names.values()) {
            var now = name.now();
            if (now.size() == 1 && now.contains(file)) {
                return true;
            }
        }
        return false;
    }

    // Content.

    Change write(FileModel file, int client, int offset, int end, int newSize) {
        wanted(file, client);
        Change change = file.write(client, (long) client << 48 | ++lastValue, offset, end, newSize, now());
        changes.put(change.value, change);
        return change;
    }

    /// The same through a layout.
    Change writeDirectly(FileModel file, int client, int offset, int end, int newSize) {
        Change change = write(file, client, offset, end, newSize);
        direct.add(change.value);
        return change;
    }

    /// Zeros, wherever something was.
    Change punch(FileModel file, int client, int offset, int end) {
        wanted(file, client);
        return file.write(client, 0, offset, end, -1, now());
    }

    Change truncate(FileModel file, int client, int size) {
        wanted(file, client);
        return file.truncate(client, size, now());
    }

    void acknowledged(Change change) {
        had(change.file, change.client, change.begunAt(), change);
        change.file.acknowledged(change, now());
    }

    void ended(Change change) {
        change.file.ended(change, now());
    }

    /// What the answer says of a change; where there is none it may still come true.
    void settled(Change change, Answer answer) {
        if (answer.isOk()) {
            acknowledged(change);
        } else if (answer.known()) {
            ended(change);
        }
    }

    void seenSize(FileModel file, long size, long askedAt) {
        require(file.seenSize((int) size, askedAt), "I3, I5", file);
    }

    /// @param offset of the first byte, a multiple of a sector
    void seen(FileModel file, int offset, byte[] bytes, int from, int length, long askedAt) {
        for (int at = 0; at + WORD_BYTES <= length; at += WORD_BYTES) {
            long value = wordAt(bytes, from + at);
            boolean first = at % FileModel.SECTOR_BYTES == 0;
            if (first || value != wordAt(bytes, from + at - WORD_BYTES)) {
                int sector = (offset + at) / FileModel.SECTOR_BYTES;
                require(file.seen(sector, value, askedAt), "I2, I4, I5", file);
            }
        }
    }

    private static long wordAt(byte[] bytes, int at) {
        return (long) WORD.get(bytes, at);
    }

    // Delegations.

    /// A client is about to ask for what delegations of others forbid.
    void wanted(FileModel file, int client) {
        file.delegations.wanted(client, agenda.nowNanos());
    }

    /// The same of what a name stands for.
    void wanted(NameModel name, int client) {
        name.wanted(client, agenda.nowNanos());
    }

    /// It was told that it has it.
    void had(FileModel file, int client, long askedAt, Object what) {
        require(file.delegations.conflict(leases, client, askedAt, agenda.nowNanos()), "delegations", what);
    }

    // Share reservations.

    /// A client was told that it has a file open.
    void opened(FileModel file, int client, int denied) {
        require(shares.opened(client, file, denied), "shares", file + " opened by client " + client);
    }

    /// A client was told that others keep it away from a file.
    ///
    /// @param denied what it wanted to deny
    void keptAway(FileModel file, int client, int denied, long askedAt) {
        if (!shares.mayKeepAway(client, file, denied, askedAt)) {
            throw fail("shares: client " + client + " hears SHARE_DENIED of " + file + ", which nobody denies it");
        }
    }

    /// The same, of a file that is known by its name only.
    void keptAway(NameModel name, int client, long askedAt) {
        for (FileModel file : name.since(askedAt)) {
            if (file != null && shares.mayKeepAway(client, file, 0, askedAt)) {
                return;
            }
        }
        throw fail("shares: client " + client + " hears SHARE_DENIED of " + name.name + ", which nobody denies it");
    }

    // Locks.

    /// An owner was told that it has a lock.
    void locked(FileModel file, Owner owner, LockType type, int first, int end) {
        String wrong = file.locks.granted(leases, owner, type, first, end);
        require(wrong, "locks", type + " lock of " + file + " given to " + owner);
    }

    /// An owner was told that nobody forbids a lock.
    ///
    /// @param before who certainly forbade it when it asked, or null
    void tested(FileModel file, @Nullable String before, Owner owner, LockType type, int first, int end) {
        if (before != null && before.equals(file.locks.conflict(leases, owner, type, first, end))) {
            require(before, "locks", type + " lock of " + file + " promised to " + owner);
        }
    }

    // Layouts.

    private static long block(int region, long offset) {
        return (long) region << 32 | offset / BLOCK_BYTES;
    }

    private static long way(int region, int client) {
        return (long) region << 32 | client;
    }

    /// A client has got a layout of a block; in vain where it is kept away by now.
    void granted(int client, int region, long offset, boolean writes) {
        if (barred.contains(way(region, client))) {
            return;
        }
        List<Holder> those = holders.computeIfAbsent(block(region, offset), _ -> new ArrayList<>(1));
        for (Holder other : those) {
            if (other.client != client && (other.writes || writes)) {
                throw fail("I1: block " + offset / BLOCK_BYTES + " of region " + region + " given to client " + client
                        + (writes ? " for writing" : "") + " while client " + other.client + " holds it"
                        + (other.writes ? " for writing" : ""));
            }
        }
        those.add(new Holder(client, writes));
    }

    /// A client gives back what it has of a block, or knows that it has lost it.
    void released(int client, int region, long offset) {
        List<Holder> those = holders.get(block(region, offset));
        if (those != null) {
            those.removeIf(holder -> holder.client == client);
        }
    }

    /// A client was told with which key it is to register.
    void told(int client, int region, long key, long askedAt) {
        Integer other = keys.put(key, client);
        if ((other != null && other != client) || fencedAt.getOrDefault(key, Long.MAX_VALUE) < askedAt) {
            throw fail("I1: client " + client + " was told key " + Long.toHexString(key) + ", which was used before");
        }
        lastKeys.put(way(region, client), key);
        if (fencedAt.containsKey(key)) { // the answer is older than the fence
            barred.add(way(region, client));
        } else {
            barred.remove(way(region, client));
        }
    }

    /// A client that is there lost layouts.
    void revoked(int client) {
        if (quiet) {
            throw fail("liveness: client " + client + " lost its layouts, and nothing had gone wrong");
        }
    }

    /// A data server keeps a key away from a region: whoever has it believes in vain that it holds something
    /// there.
    void fenced(int region, long key) {
        Integer client = keys.get(key);
        note("region %d keeps key %x away", region, key);
        fencedAt.putIfAbsent(key, now());
        if (client != null) {
            if (lastKeys.getOrDefault(way(region, client), 0L) == key) {
                barred.add(way(region, client));
            }
            holders.forEach((block, those) -> {
                if (block >> 32 == region) {
                    those.removeIf(holder -> holder.client == client);
                }
            });
        }
    }

    /// Bytes have reached the memory of a region.
    void stored(int region, byte[] memory, int offset, int length) {
        for (int at = offset; at < offset + length; at += FileModel.SECTOR_BYTES) {
            Change change = changes.get(wordAt(memory, at));
            if (change != null && direct.remove(change.value) && barred.contains(way(region, change.client))) {
                throw fail("I1: " + change + " reached region " + region + ", which keeps its client away");
            }
            List<Holder> those = holders.getOrDefault(block(region, at), List.of());
            for (Holder holder : those) {
                if (change != null && holder.client != change.client) {
                    throw fail("I1: " + change + " reached block " + at / BLOCK_BYTES + " of region " + region
                            + " while client " + holder.client + " holds it");
                }
            }
        }
    }
}
