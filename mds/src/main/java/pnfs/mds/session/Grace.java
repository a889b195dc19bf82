package pnfs.mds.session;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.session.ClientRecords.ClientRecord;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

/// The time after a restart in which clients take back what they held and nobody may take anything new: RFC
/// 8881 §8.4.2. There is one only where the store knows of clients that may have held state; it ends when all
/// of these have said RECLAIM_COMPLETE, were destroyed or came back rebooted, and after one lease at the
/// latest. Only while clients are at their reclaims does it go on, for one lease more at most: who came late is
/// not cut off halfway, nor who waits for the disk before it can ask for the next.
///
/// Its books are guarded by the lock of [Clients], which keeps them; the questions may be asked by any
/// thread.
public final class Grace {
    private static final Logger log = LoggerFactory.getLogger(Grace.class);
    /// Between the answer to one reclaim of a client and its next.
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Clients clients;
    private final long leaseNanos;
    private volatile long beganAtNanos;
    private volatile long endsAtNanos;
    /// Clients of the run before that have yet to come back, by owner.
    private final Map<Opaque, ClientRecord> missing = new HashMap<>();

    /// Something was reclaimed since the last tick.
    private volatile boolean reclaimed;
    /// The store's ticket with which all is durable that was reclaimed until the last tick.
    private long reclaimTicket;

    private volatile boolean over;

    Grace(Clients clients, List<ClientRecord> holders, long beganAtNanos, long leaseNanos) {
        this.clients = clients;
        this.leaseNanos = leaseNanos;
        begin(beganAtNanos);
        holders.forEach(client -> missing.put(client.owner(), client));
        over = missing.isEmpty();
        if (!over) {
            log.info("grace began clients={}", missing.size());
        }
    }

    /// Its time runs from here.
    void begin(long nowNanos) {
        beganAtNanos = nowNanos;
        endsAtNanos = nowNanos + leaseNanos;
    }

    /// New state may be granted to this client: who did not come back in time can take nothing back any more.
    /// Called without a file's lock.
    ///
    /// @throws NfsException GRACE while others may still reclaim, or while this client has not said that it is
    ///     done
    public void requireOver(CompoundState state) {
        if (!isOver(state.nowNanos())) {
            throw new NfsException(NfsStatus.GRACE, "in grace");
        }
        if (!over) {
            clients.endOverdueGrace(state.nowNanos());
        }
        Client client = clients.requireLive(state.clientId());
        if (!client.reclaimComplete) {
            throw new NfsException(NfsStatus.GRACE, "before this client's RECLAIM_COMPLETE");
        }
        state.dependsOn(client.recordTicket);
    }

    /// State of the run before may be given back to this client.
    ///
    /// @throws NfsException NO_GRACE when it is too late, RECLAIM_BAD when this client held nothing
    public void requireReclaim(CompoundState state) {
        Client client = clients.requireLive(state.clientId());
        if (isOver(state.nowNanos()) || client.reclaimComplete) {
            throw new NfsException(NfsStatus.NO_GRACE, "reclaim after grace");
        }
        if (client.formerId == 0) {
            throw new NfsException(NfsStatus.RECLAIM_BAD, "this client held nothing before the restart");
        }
        reclaimed = true;
        goOnAfter(state.nowNanos());
    }

    /// Grace does not end while a reclaim is not durable: its answer waits for that, and with it its client.
    ///
    /// @param store what the reclaims change
    void tick(MetadataStore store, long nowNanos) {
        if (reclaimed) {
            reclaimed = false;
            reclaimTicket = store.lastTicket();
        }
        if (!isOver(nowNanos) && reclaimTicket > store.durableTicket()) {
            goOnAfter(nowNanos);
        }
    }

    /// The next reclaim of a client that is at it comes soon after the answer to this. Two threads may do this
    /// at once: either's end is late enough.
    private void goOnAfter(long nowNanos) {
        long wanted = nowNanos + Math.min(leaseNanos / 2, LONGEST_PAUSE_NANOS);
        long latest = beganAtNanos + 2 * leaseNanos;
        long end = wanted - latest < 0 ? wanted : latest;
        if (end - endsAtNanos > 0) {
            endsAtNanos = end;
        }
    }

    /// Whether everybody may take new state; what READ and WRITE with a special stateid, and SETATTR of a
    /// size, ask.
    public boolean isOver(long nowNanos) {
        return over || nowNanos - endsAtNanos >= 0;
    }

    /// Whether it was ended: everybody came back, or [Clients#tick] found that time is up. Never before [#isOver].
    public boolean hasEnded() {
        return over;
    }

    /// The record that this owner left in the run before, if it has yet to come back.
    @Nullable
    ClientRecord recordOf(Opaque owner) {
        return missing.get(owner);
    }

    /// This owner has taken back what it wanted, or never will.
    void settled(Opaque owner) {
        if (missing.remove(owner) != null && missing.isEmpty()) {
            end("everybody came back");
        }
    }

    /// The ids that clients had in the run before who may come back and take back what they held.
    public Set<Long> awaited() {
        return missing.values().stream().map(ClientRecord::clientId).collect(Collectors.toUnmodifiableSet());
    }

    /// Those who did not come back in time.
    List<ClientRecord> endOverdue(long nowNanos) {
        if (over || !isOver(nowNanos)) {
            return List.of();
        }
        List<ClientRecord> lost = List.copyOf(missing.values());
        missing.clear();
        end("time is up");
        return lost;
    }

    private void end(String why) {
        over = true;
        log.info("grace ended why={}", why);
    }
}
