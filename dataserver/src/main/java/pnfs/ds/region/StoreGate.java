package pnfs.ds.region;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/// Keeps stores into a region out of the way of who must not be disturbed. While nobody claims the region a
/// store asks one volatile read and goes ahead without a lock; while somebody does, each store takes the lock,
/// and so does the claimant for what it does undisturbed.
///
/// A claim does not stop stores that had asked before it. So whoever claims waits until those are over, which
/// is for those to know who make them: stores go on on the loops of connections, each of which does one at a
/// time.
///
/// Belongs to the data path; safe for use by many threads.
public final class StoreGate {
    private final AtomicInteger claims = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();

    /// Begins a store. True if it must [#leave] when it is over.
    public boolean enter() {
        if (claims.get() == 0) {
            return false;
        }
        lock.lock();
        return true;
    }

    public void leave() {
        lock.unlock();
    }

    /// Whether somebody claims the region: a store that cannot hold a lock puts its bytes aside first.
    public boolean isClaimed() {
        return claims.get() != 0;
    }

    /// From here on each store that begins takes the lock.
    public void claim() {
        claims.incrementAndGet();
    }

    /// Does something while nobody else stores, once the stores that had begun before the [#claim] are over.
    public void undisturbed(Runnable what) {
        lock.lock();
        try {
            what.run();
        } finally {
            lock.unlock();
        }
    }

    /// Gives a claim back.
    public void release() {
        claims.decrementAndGet();
    }
}
