package pnfs.ds.fault;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The faults that are set at the moment. Rules are tried in the order in which they came, and the first one that
/// strikes counts; each has a chance of its own, so one connection that sends the same commands meets the same
/// faults again.
///
/// Safe for use by many threads: guarded by its lock, which the data path takes only while there is a rule.
public final class FaultScript {
    /// How many rules there may be at once.
    public static final int MAX_RULES = 64;

    private final Runnable powerCut;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock, down to `lastId`.
    private final SequencedMap<Integer, Entry> entries = new LinkedHashMap<>();
    private int lastId;

    private volatile boolean armed;

    /// @param powerCut ends the process at once, with nothing written any more
    public FaultScript(Runnable powerCut) {
        this.powerCut = powerCut;
    }

    /// A command as rules see it.
    ///
    /// @param name without the size of its CDB: `read`, `write_same`
    /// @param blocks 0 for one that names none
    /// @param initiator the initiator port: `iqn…,i,0x00023d000001`
    public record Command(String name, int lun, long firstBlock, long blocks, String initiator) {}

    /// How a rule has done.
    ///
    /// @param seen commands that matched
    /// @param struck those of them that it struck
    public record Report(int id, FaultRule rule, long seen, long struck) {}

    private static final class Entry {
        final FaultRule rule;
        final SplittableRandom random;
        long seen;
        long struck;

        Entry(FaultRule rule) {
            this.rule = rule;
            this.random = new SplittableRandom(rule.seed());
        }

        boolean strikes(Command command) {
            if (!rule.matches(command)) {
                return false;
            }
            seen++;
            boolean spent = rule.times() > 0 && struck == rule.times();
            if (spent || seen % rule.every() != 0 || random.nextDouble() >= rule.probability()) {
                return false;
            }
            struck++;
            return true;
        }

        Fault fault() {
            return rule.fault() instanceof Fault.TornWrite(var survivors, long _)
                    ? new Fault.TornWrite(survivors, random.nextLong())
                    : rule.fault();
        }
    }

    /// Whether any rule is set: all that a command is asked otherwise.
    public boolean isArmed() {
        return armed;
    }

    /// What happens to a command; null for nothing.
    public @Nullable Fault strike(Command command) {
        lock.lock();
        try {
            for (Entry entry : entries.values()) {
                if (entry.strikes(command)) {
                    return entry.fault();
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    /// Sets a rule from the next command on.
    ///
    /// @return its number; 0 when there are [#MAX_RULES] already
    public int add(FaultRule rule) {
        lock.lock();
        try {
            if (entries.size() == MAX_RULES) {
                return 0;
            }
            entries.put(++lastId, new Entry(rule));
            armed = true;
            return lastId;
        } finally {
            lock.unlock();
        }
    }

    /// All rules, in the order in which they are tried.
    public List<Report> reports() {
        lock.lock();
        try {
            return entries.entrySet().stream()
                    .map(each -> new Report(
                            each.getKey(), each.getValue().rule, each.getValue().seen, each.getValue().struck))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /// Takes a rule away; commands that it has struck already stay so. False when there is none of this number.
    public boolean remove(int id) {
        lock.lock();
        try {
            boolean there = entries.remove(id) != null;
            armed = !entries.isEmpty();
            return there;
        } finally {
            lock.unlock();
        }
    }

    /// Takes all rules away.
    ///
    /// @return how many there were
    public int clear() {
        lock.lock();
        try {
            int all = entries.size();
            entries.clear();
            armed = false;
            return all;
        } finally {
            lock.unlock();
        }
    }

    /// The power fails: see [Fault.TornWrite].
    public void cutPower() {
        powerCut.run();
    }
}
