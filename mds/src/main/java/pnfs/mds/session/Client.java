package pnfs.mds.session;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.session.ClientRecords.ClientRecord;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.xdr.Opaque;

/// A client record (RFC 8881 §18.35.4) and its lease. Guarded by the lock of [Clients], except for what is
/// volatile.
final class Client {
    private static final Logger log = LoggerFactory.getLogger(Client.class);

    final long id;
    final Opaque owner;
    final long verifier;
    final Principal principal;
    /// Read without the lock.
    final List<Session> sessions = new CopyOnWriteArrayList<>();

    /// The one-slot reply cache of CREATE_SESSION: the sequence it last answered, and how. RFC 8881 §18.36.4.
    int createSequence;

    /// It was there before the server started, so the next CREATE_SESSION has whatever sequence.
    boolean restored;

    @Nullable
    OpResult created;

    long createdTicket;

    /// The ticket of its record in the store; 0 before there is one.
    volatile long recordTicket;
    /// RECLAIM_COMPLETE was seen: new state may be granted.
    volatile boolean reclaimComplete;
    /// The id that it had before the restart, while what it held then may be given back to it or what it sent then
    /// may come once more; otherwise 0.
    volatile long formerId;

    long reclaimedAtNanos;

    /// Recallable state that was taken from it and that it has not acknowledged with FREE_STATEID.
    private final AtomicInteger revoked = new AtomicInteger();
    private volatile boolean told;

    /// Devices that it has to ask about again.
    private final AtomicInteger changedDevices = new AtomicInteger();
    /// Devices that are no more, about which it has not said that it wants to hear nothing.
    private final AtomicInteger goneDevices = new AtomicInteger();

    private volatile LeaseState lease = LeaseState.UNCONFIRMED;
    private volatile long renewedAtNanos;

    Client(long id, Opaque owner, long verifier, Principal principal, long nowNanos) {
        this.id = id;
        this.owner = owner;
        this.verifier = verifier;
        this.principal = principal;
        this.renewedAtNanos = nowNanos;
    }

    /// As the run before recorded it: it goes on, with a lease that begins now.
    static Client restored(ClientRecord record, long nowNanos) {
        var client = new Client(record.clientId(), record.owner(), record.verifier(), record.principal(), nowNanos);
        client.restored = true;
        client.reclaimComplete = record.reclaimComplete();
        client.formerId = record.formerId();
        client.reclaimedAtNanos = nowNanos;
        client.become(LeaseState.ACTIVE, "restored");
        return client;
    }

    /// It has this session since the run before. The youngest tells what its last CREATE_SESSION was answered,
    /// unless that was refused.
    void add(Session session) {
        sessions.add(session);
        CreateSessionResult granted = session.record().granted();
        if (created == null || granted.sequence() - createSequence > 0) {
            createSequence = granted.sequence();
            created = granted;
        }
    }

    ClientRecord record() {
        return new ClientRecord(id, verifier, owner, principal, reclaimComplete, formerId);
    }

    LeaseState lease() {
        return lease;
    }

    /// Any thread may renew an active lease.
    void renew(long nowNanos) {
        renewedAtNanos = nowNanos;
    }

    boolean isSilentFor(long nanos, long nowNanos) {
        return nowNanos - renewedAtNanos > nanos;
    }

    /// Whether the client has to be told; it is, when the answer is yes.
    boolean tellRevoked() {
        boolean has = revoked.get() > 0;
        if (has) {
            told = true;
        }
        return has;
    }

    boolean wasTold() {
        return told;
    }

    void addRevoked(int more) {
        if (revoked.addAndGet(more) <= 0) {
            told = false;
        }
    }

    boolean hasChangedDevices() {
        return changedDevices.get() > 0;
    }

    void addChangedDevices(int more) {
        changedDevices.addAndGet(more);
    }

    boolean hasGoneDevices() {
        return goneDevices.get() > 0;
    }

    void addGoneDevices(int more) {
        goneDevices.addAndGet(more);
    }

    /// The only place that moves a lease.
    void become(LeaseState next, String why) {
        if (!lease.successors().contains(next)) {
            throw new IllegalStateException(
                    "client " + Long.toHexString(id) + ": " + lease + " -> " + next + ", " + why);
        }
        log.info("lease moved client={} from={} to={} why={}", Long.toHexString(id), lease, next, why);
        lease = next;
    }
}
