package pnfs.it.process;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A file whose sectors say who wrote them: which file, which sector, which generation, which writer. Knows
/// what each may hold, from what was written and what was acknowledged. Who uses it is alone with it.
///
/// A sector of 512 bytes is 64 words: file, sector, generation, writer, and behind them words that are made of
/// these, so that a sector of two writes shows. A sector that was never written is zeros.
final class StampedFile {
    static final int SECTOR_BYTES = 512;
    private static final int WORDS = SECTOR_BYTES / Long.BYTES;
    private static final long MIXER = 0x9e37_79b9_7f4a_7c15L;

    /// Zeros, or a write.
    private record Stamp(long generation, int writer) {
        private static final Stamp ZEROS = new Stamp(0, 0);
    }

    /// What was found wrong in a read.
    ///
    /// @param lost sectors that hold an older write than the one that was acknowledged
    /// @param staleBytes that nobody wrote there
    /// @param first what the first such sector holds, and what it may
    record Damage(int lost, long staleBytes, String first) {
        static final Damage NONE = new Damage(0, 0, "");

        Damage plus(Damage other) {
            return new Damage(lost + other.lost, staleBytes + other.staleBytes, first.isEmpty() ? other.first : first);
        }
    }

    private final long number;
    private final List<List<Stamp>> past = new ArrayList<>();
    /// Sectors with writes that nobody has acknowledged, oldest first. What a sector holds may be a mixture of
    /// them.
    private final Map<Integer, List<Stamp>> pending = new TreeMap<>();
    private long generations;

    /// @param number another for each file that ever had this name
    StampedFile(long number, int sectors) {
        this.number = number;
        for (int sector = 0; sector < sectors; sector++) {
            var acknowledged = new ArrayList<Stamp>();
            acknowledged.add(Stamp.ZEROS);
            past.add(acknowledged);
        }
    }

    /// The bytes of a new write of these sectors, which is about to begin.
    ByteBuffer write(int first, int count, int writer) {
        var stamp = new Stamp(++generations, writer);
        ByteBuffer data = ByteBuffer.allocate(count * SECTOR_BYTES);
        for (int sector = first; sector < first + count; sector++) {
            pending.computeIfAbsent(sector, _ -> new ArrayList<>()).add(stamp);
            for (int word = 0; word < WORDS; word++) {
                data.putLong(word(sector, stamp, word));
            }
        }
        return data.flip();
    }

    /// Sectors with a write that was not acknowledged.
    List<Integer> unacknowledged() {
        return List.copyOf(pending.keySet());
    }

    /// All writes so far are durable.
    void acknowledged() {
        pending.forEach((sector, stamps) -> past.get(sector).add(stamps.getLast()));
        pending.clear();
    }

    /// Where the last acknowledged write ends.
    long acknowledgedBytes() {
        for (int sector = past.size(); sector > 0; sector--) {
            if (past.get(sector - 1).size() > 1) {
                return (long) sector * SECTOR_BYTES;
            }
        }
        return 0;
    }

    /// Checks a read of the file from its beginning to its end.
    Damage check(ByteBuffer content) {
        Damage damage = Damage.NONE;
        for (int sector = 0; sector < past.size(); sector++) {
            int at = sector * SECTOR_BYTES;
            ByteBuffer found = at + SECTOR_BYTES <= content.limit()
                    ? content.slice(at, SECTOR_BYTES)
                    : ByteBuffer.allocate(SECTOR_BYTES);
            damage = damage.plus(check(sector, found));
        }
        return damage;
    }

    private Damage check(int sector, ByteBuffer found) {
        List<Stamp> acknowledged = past.get(sector);
        var allowed = new ArrayList<>(pending.getOrDefault(sector, List.of()));
        allowed.add(acknowledged.getLast());
        if (strangeWords(sector, allowed, found) == 0) {
            return Damage.NONE;
        }
        allowed.addAll(acknowledged);
        int strange = strangeWords(sector, allowed, found);
        String what = described(sector, found);
        return strange == 0 ? new Damage(1, 0, what) : new Damage(0, (long) strange * Long.BYTES, what);
    }

    private String described(int sector, ByteBuffer found) {
        return "sector " + sector + " of file " + number + " holds [file " + found.getLong(0) + ", sector "
                + found.getLong(Long.BYTES) + ", generation " + found.getLong(2 * Long.BYTES) + ", writer "
                + found.getLong(3 * Long.BYTES) + "]; acknowledged is "
                + past.get(sector).getLast() + ", not yet " + pending.getOrDefault(sector, List.of());
    }

    private int strangeWords(int sector, List<Stamp> allowed, ByteBuffer found) {
        int strange = 0;
        for (int word = 0; word < WORDS; word++) {
            int at = word;
            long value = found.getLong(word * Long.BYTES);
            if (allowed.stream().noneMatch(stamp -> word(sector, stamp, at) == value)) {
                strange++;
            }
        }
        return strange;
    }

    private long word(int sector, Stamp stamp, int word) {
        if (stamp.generation() == 0) {
            return 0;
        }
        return switch (word) {
            case 0 -> number;
            case 1 -> sector;
            case 2 -> stamp.generation();
            case 3 -> stamp.writer();
            default ->
                (((number * MIXER + sector) * MIXER + stamp.generation()) * MIXER + stamp.writer()) * MIXER + word;
        };
    }
}
