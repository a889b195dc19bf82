package pnfs.mds.check;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Inode;
import pnfs.mds.delegation.DelegationRecords;
import pnfs.mds.lock.LockRecords;
import pnfs.mds.open.OpenRecords;
import pnfs.mds.open.StateRecords.Facts;
import pnfs.mds.store.Keys;
import pnfs.mds.store.StoreEngine;

/// What clients hold of files: each open and delegation is of a file that is there and of a client that is known,
/// each lock is under an open, each locked range is some lock's. Anything else the next start drops, too.
final class StateCheck implements AutoCloseable {
    private final Findings findings;
    private final Set<Long> clients = new HashSet<>();
    private final Rows opens;
    private final Rows locks;
    private final Rows ranges;
    private final Rows delegations;

    StateCheck(StoreEngine engine, Findings findings) {
        this.findings = findings;
        try (var known = new Rows(engine, Keys.CLIENT, findings)) {
            for (long client = known.number(); client != Rows.END; client = known.number()) {
                clients.add(client);
                known.take(client, (_, _) -> {});
            }
        }
        opens = new Rows(engine, Keys.OPEN, findings);
        locks = new Rows(engine, Keys.LOCK, findings);
        ranges = new Rows(engine, Keys.RANGE, findings);
        delegations = new Rows(engine, Keys.DELEGATION, findings);
    }

    /// The next inode that something is held of.
    long number() {
        long held = Math.min(opens.number(), delegations.number());
        return Math.min(held, Math.min(locks.number(), ranges.number()));
    }

    /// All that is held of one inode.
    ///
    /// @param inode null where there is none
    void check(long id, @Nullable Inode inode) {
        Set<Long> open = new HashSet<>();
        opens.take(id, (key, value) -> {
            Facts held = Findings.salvaged(key, value, OpenRecords::facts);
            if (held == null) {
                return;
            }
            if (isSound(held, inode)) {
                open.add(held.number());
            } else {
                stray(Damage.STRAY_OPEN, key, held);
            }
        });
        Set<Long> locked = new HashSet<>();
        locks.take(id, (key, value) -> {
            LockRecords.Recorded lock = Findings.salvaged(key, value, LockRecords::read);
            if (lock == null) {
                return;
            }
            if (open.contains(lock.open())) {
                locked.add(lock.facts().number());
            } else {
                stray(Damage.STRAY_LOCK, key, lock.facts());
            }
        });
        ranges.take(id, (key, value) -> {
            Long lock = Findings.salvaged(key, value, LockRecords::stateOfRange);
            if (lock != null && !locked.contains(lock)) {
                findings.add(Damage.STRAY_LOCK, "of inode " + id + " under no stateid");
                findings.repair.delete(key);
            }
        });
        delegations.take(id, (key, value) -> {
            DelegationRecords.Recorded held = Findings.salvaged(key, value, DelegationRecords::read);
            if (held != null && !isSound(held.facts(), inode)) {
                stray(Damage.STRAY_DELEGATION, key, held.facts());
            }
        });
    }

    private boolean isSound(Facts held, @Nullable Inode inode) {
        return inode != null
                && inode.isRegular()
                && inode.file().equals(held.file())
                && clients.contains(held.clientId());
    }

    private void stray(Damage damage, byte[] key, Facts held) {
        findings.add(damage, "of " + held.file() + ", client " + Long.toHexString(held.clientId()));
        findings.repair.delete(key);
    }

    @Override
    public void close() {
        opens.close();
        locks.close();
        ranges.close();
        delegations.close();
    }
}
