package pnfs.mds.store;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Damaged records that a server comes across while it serves. Whatever needs such a record is not done and
/// changes nothing: a request fails, and what the server does by itself leaves that file out. All else goes on.
/// Each is said once, so that a client that tries again and again does not fill the log. Safe for any thread.
public final class DamagedRecords {
    private static final Logger log = LoggerFactory.getLogger(DamagedRecords.class);

    /// So many are said in one run; whoever has that many has heard enough.
    private static final int MOST_SAID = 1000;

    private final Set<String> said = ConcurrentHashMap.newKeySet();
    private final LongAdder met = new LongAdder();

    DamagedRecords() {}

    /// One stood in the way of what was to be done, which is not done.
    public void met(CorruptStoreException damage) {
        met.increment();
        if (said.size() < MOST_SAID && said.add(String.valueOf(damage.getMessage()))) {
            log.error(
                    "damaged record met; what needs it is refused and left as it is, all else goes on: 'pnfs fsck' says"
                            + " what can be repaired, else restore the store from a backup what={}",
                    damage.getMessage(),
                    damage);
        }
    }

    /// Does something about one file, for which nobody waits.
    ///
    /// @return false where a damaged record kept it from being done
    public boolean leaveOut(Runnable work) {
        try {
            work.run();
            return true;
        } catch (CorruptStoreException damage) {
            met(damage);
            return false;
        }
    }

    /// How often one was met.
    public long count() {
        return met.sum();
    }
}
