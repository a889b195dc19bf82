package pnfs.mds.session;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.LockRank;
import pnfs.mds.compound.SessionRef;
import pnfs.mds.session.ClientRecords.ClientRecord;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.GrantedProtection;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.ServerOwner;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.xdr.Opaque;

/// Every client this server knows, by id and by owner, and their leases. A client that has a session has a
/// record in the store: after a restart it goes on, or where state may be lost ([ServerIdentity#since]) it and
/// nobody else may reclaim, if it has said RECLAIM_COMPLETE, without which it is granted nothing.
///
/// One lock, rank CLIENT, guards the table, its clients, and grace. It is taken by what is rare; SEQUENCE
/// renews a lease without it. The rooms that hold state for clients hear of a release after the lock was given
/// back.
public final class Clients {
    /// `eir_sequenceid`: what the first CREATE_SESSION of a client presents.
    static final int FIRST_CREATE_SEQUENCE = 1;

    final MetadataStore store;
    private final ServerIdentity identity;
    private final SessionLimits limits;
    private final Grace grace;
    private final List<StateHolder> holders = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    /// Read without the lock, as are the sessions, by their ids.
    private final Map<Long, Client> byId = new ConcurrentHashMap<>();

    final Map<Opaque, Session> sessions = new ConcurrentHashMap<>();
    private final Map<Opaque, Records> byOwner = new HashMap<>();
    /// Ids from the run before whose holders have yet to hear that they are gone.
    private final List<Long> settled = new ArrayList<>();
    /// Ids from the run before of those who took back what they wanted, which holders have yet to hear.
    private final List<Long> reclaimed = new ArrayList<>();

    private int given;
    private volatile long lossTicket;

    /// The records of one owner: a rebooted client has its old one until CREATE_SESSION confirms the new.
    private static final class Records {
        @Nullable
        Client confirmed;

        @Nullable
        Client unconfirmed;

        boolean isEmpty() {
            return confirmed == null && unconfirmed == null;
        }
    }

    /// Has the clients go on that the run before left, and begins grace for those that have to reclaim.
    ///
    /// @param numbersAfter where the numbers of this run begin, any number. At random: a store that was put
    ///     back from a copy, or a new one, counts its starts anew, and data servers remember fenced keys
    public Clients(
            MetadataStore store, ServerIdentity identity, SessionLimits limits, int numbersAfter, long nowNanos) {
        this.given = numbersAfter;
        this.store = store;
        this.identity = identity;
        this.limits = limits;
        var toReclaim = new ArrayList<ClientRecord>();
        var heldNothing = new Batch();
        for (ClientRecord record : ClientRecords.readAll(store)) {
            if (record.clientId() >>> Integer.SIZE < identity.since()) {
                if (record.mayHold()) {
                    toReclaim.add(record);
                } else {
                    heldNothing.delete(ClientRecords.key(record.clientId()));
                }
                continue;
            }
            restore(Client.restored(record, nowNanos));
            if (record.formerId() != 0 && !record.reclaimComplete()) {
                toReclaim.add(record.asFormer());
            }
        }
        store.append(heldNothing);
        grace = new Grace(this, toReclaim, nowNanos, limits.leaseNanos());
    }

    private void restore(Client client) {
        byId.put(client.id, client);
        byOwner.computeIfAbsent(client.owner, _ -> new Records()).confirmed = client;
    }

    /// How many client records there are, confirmed or not.
    public int count() {
        return byId.size();
    }

    /// How many sessions they have.
    public int sessionCount() {
        return sessions.size();
    }

    public Grace grace() {
        return grace;
    }

    /// Adds a room that hears of releases. Before the first client comes.
    public void addHolder(StateHolder holder) {
        holders.add(holder);
    }

    /// EXCHANGE_ID, RFC 8881 §18.35.4: the cases in its order.
    ExchangeIdResult exchangeId(ExchangeIdArgs args, CompoundState state) {
        checkArguments(args);
        var principal = Principal.of(state.credential());
        boolean update = (args.flags() & ExchangeIdFlags.UPDATE_CONFIRMED) != 0;
        Client dropped = null;
        Client answer;
        enter();
        try {
            Records records = byOwner.get(args.owner());
            Client confirmed = records == null ? null : records.confirmed;
            if (update) {
                answer = confirmedToUpdate(confirmed, args, principal);
            } else if (confirmed != null && confirmed.principal.equals(principal)) {
                answer = confirmed.verifier == args.verifier()
                        ? confirmed // the same again: a probe for trunking
                        : addUnconfirmed(args, principal, state.nowNanos()); // it rebooted; CREATE_SESSION will tell
            } else {
                if (confirmed != null) {
                    requireReplaceable(confirmed, state.nowNanos());
                    dropped = confirmed;
                    state.dependsOn(forget(confirmed, "replaced by another principal"));
                }
                answer = addUnconfirmed(args, principal, state.nowNanos());
            }
        } finally {
            leave();
        }
        tellHolders(dropped);
        return result(answer);
    }

    private static void checkArguments(ExchangeIdArgs args) {
        if ((args.flags() & ~ExchangeIdFlags.ARGUMENT_MASK) != 0) {
            throw new NfsException(NfsStatus.INVAL, "EXCHANGE_ID flags " + Integer.toHexString(args.flags()));
        }
        switch (args.protection()) {
            case StateProtection.None() -> {}
            case StateProtection.MachineCredential _ ->
                throw new NfsException(NfsStatus.INVAL, "SP4_MACH_CRED needs RPCSEC_GSS");
            case StateProtection.Ssv _ -> throw new NfsException(NfsStatus.ENCR_ALG_UNSUPP, "SP4_SSV");
        }
    }

    private static Client confirmedToUpdate(@Nullable Client confirmed, ExchangeIdArgs args, Principal principal) {
        if (confirmed == null) {
            throw new NfsException(NfsStatus.NOENT, "update of a client that is not confirmed");
        }
        if (confirmed.verifier != args.verifier()) {
            throw new NfsException(NfsStatus.NOT_SAME, "update with another verifier");
        }
        if (!confirmed.principal.equals(principal)) {
            throw new NfsException(NfsStatus.PERM, "update by another principal");
        }
        return confirmed;
    }

    private void requireReplaceable(Client confirmed, long nowNanos) {
        boolean lapsed = confirmed.isSilentFor(limits.leaseNanos(), nowNanos);
        if (!lapsed && holdsState(confirmed.id)) {
            throw new NfsException(NfsStatus.CLID_INUSE, "owner belongs to another principal that holds state");
        }
    }

    private Client addUnconfirmed(ExchangeIdArgs args, Principal principal, long nowNanos) {
        if (byId.size() >= limits.clients()) {
            throw new NfsException(NfsStatus.DELAY, "over " + limits.clients() + " clients");
        }
        Records before = byOwner.get(args.owner());
        if (before != null && before.unconfirmed != null) {
            forget(before.unconfirmed, "replaced before it was confirmed");
        }
        long id = newNumber();
        var client = new Client(id, args.owner(), args.verifier(), principal, nowNanos);
        client.createSequence = FIRST_CREATE_SEQUENCE - 1;
        byOwner.computeIfAbsent(args.owner(), owner -> new Records()).unconfirmed = client;
        byId.put(id, client);
        return client;
    }

    /// Under the lock. The boot count keeps numbers of different runs apart, and where they begin those of
    /// runs that count the same: an old id is STALE_CLIENTID, never somebody else's.
    private long newNumber() {
        return identity.boot() << Integer.SIZE | Integer.toUnsignedLong(++given);
    }

    /// A number that no client has, had or will have as its id, nor is ever returned here again; never 0.
    public long uniqueNumber() {
        return locked(this::newNumber);
    }

    private ExchangeIdResult result(Client client) {
        int confirmed = client.lease() == LeaseState.UNCONFIRMED ? 0 : ExchangeIdFlags.CONFIRMED;
        return new ExchangeIdResult(
                client.id,
                client.createSequence + 1,
                ExchangeIdFlags.USE_PNFS_MDS | confirmed,
                new GrantedProtection.None(),
                new ServerOwner(0, identity.id()),
                identity.id(),
                Optional.empty());
    }

    /// The client of an id, confirmed or not.
    ///
    /// @throws NfsException STALE_CLIENTID when it is none of this run
    Client require(long clientId) {
        Client client = byId.get(clientId);
        if (client == null) {
            throw new NfsException(NfsStatus.STALE_CLIENTID, "client " + Long.toHexString(clientId));
        }
        return client;
    }

    /// The client of an id; null where it is not known.
    @Nullable
    Client find(long clientId) {
        return byId.get(clientId);
    }

    /// Whether the client is known, and may hold something.
    public boolean isLive(long clientId) {
        Client client = byId.get(clientId);
        return client != null && client.lease() != LeaseState.RELEASED;
    }

    /// The client of an operation that is about to grant it something. Asked under the file's lock, it makes
    /// sure that a release that is under way finds what is granted.
    ///
    /// @throws NfsException EXPIRED when it was released meanwhile
    public void checkLive(long clientId) {
        requireLive(clientId);
    }

    Client requireLive(long clientId) {
        Client client = byId.get(clientId);
        if (client == null || client.lease() == LeaseState.RELEASED) {
            throw new NfsException(NfsStatus.EXPIRED, "client " + Long.toHexString(clientId) + " was released");
        }
        return client;
    }

    /// Confirms `client` at its first session; under the lock. What the owner had before is removed and
    /// returned: a client with another verifier has rebooted and knows of nothing.
    @Nullable
    Client confirm(Batch batch, Client client) {
        if (client.lease() != LeaseState.UNCONFIRMED) {
            return null;
        }
        Records records = byOwner.get(client.owner);
        if (records == null || records.unconfirmed != client) {
            throw new IllegalStateException("unconfirmed client " + Long.toHexString(client.id) + " has no owner");
        }
        Client rebooted = records.confirmed;
        if (rebooted != null) {
            remove(batch, rebooted, "rebooted");
        }
        ClientRecord before = grace.recordOf(client.owner);
        if (before != null) {
            batch.delete(ClientRecords.key(before.clientId()));
            if (before.verifier() == client.verifier) {
                client.formerId = before.clientId();
            } else {
                grace.settled(client.owner);
                settled.add(before.clientId());
            }
        }
        records.confirmed = client;
        records.unconfirmed = null;
        client.become(LeaseState.ACTIVE, "first session");
        return rebooted;
    }

    /// Whether something is still under way that `client`, which is about to be confirmed, asked for before it
    /// rebooted: it would be done after what it asks for now. Under the lock.
    boolean isPredecessorBusy(Client client) {
        Records records = byOwner.get(client.owner);
        return client.lease() == LeaseState.UNCONFIRMED
                && records != null
                && records.confirmed != null
                && records.confirmed.sessions.stream().anyMatch(session -> session.isBusy(-1));
    }

    /// Appends `batch` with the record of a confirmed client; under the lock.
    ///
    /// @return its ticket
    long record(Batch batch, Client client) {
        put(batch, client);
        client.recordTicket = store.append(batch);
        return client.recordTicket;
    }

    /// The session is no more; under the lock.
    void end(Session session) {
        var batch = new Batch();
        session.client().sessions.remove(session);
        sessions.remove(session.id());
        session.end(batch);
        store.append(batch);
    }

    /// RECLAIM_COMPLETE, RFC 8881 §18.51. From here on the client may hold state, and its record says so
    /// (§8.4.2.1).
    void reclaimComplete(CompoundState state) {
        enter();
        try {
            Client client = requireLive(state.clientId());
            if (client.reclaimComplete) {
                throw new NfsException(NfsStatus.COMPLETE_ALREADY, "second RECLAIM_COMPLETE");
            }
            client.reclaimComplete = true;
            state.dependsOn(record(new Batch(), client));
            if (client.formerId != 0) {
                client.reclaimedAtNanos = state.nowNanos();
                reclaimed.add(client.formerId);
            }
            grace.settled(client.owner);
        } finally {
            leave();
        }
    }

    /// SEQUENCE came: the lease begins anew. Costs a volatile write where the client was not late.
    void renew(Client client, long nowNanos) {
        client.renew(nowNanos);
        if (client.lease() == LeaseState.COURTESY) {
            enter();
            try {
                if (client.lease() == LeaseState.COURTESY) {
                    client.become(LeaseState.ACTIVE, "heard of again");
                }
            } finally {
                leave();
            }
        }
    }

    /// The ways to call a client back, over each of its sessions; none where it is gone. Any thread, without
    /// locks.
    public List<Backchannel> backchannels(long clientId) {
        Client client = byId.get(clientId);
        return client == null
                ? List.of()
                : client.sessions.stream().map(Session::back).toList();
    }

    /// Whether some connection would carry a callback to the client.
    public boolean canCallBack(long clientId) {
        Client client = byId.get(clientId);
        return client != null
                && client.sessions.stream().anyMatch(session -> session.back().isUp());
    }

    /// Whether nothing came after this call in its slot.
    public boolean isLatest(SessionRef call) {
        Session session = sessions.get(call.sessionId());
        return session != null && session.isLatest(call.slotId(), call.sequenceId());
    }

    /// Recallable state was taken from a client that has yet to say, by FREE_STATEID, that it knows. Until then
    /// each SEQUENCE tells it.
    public void revoked(long clientId) {
        addRevoked(clientId, 1);
    }

    /// The id that a client had before the restart, as long as it takes back what it held then, and a lease
    /// longer; otherwise 0.
    public long formerId(long clientId) {
        return requireLive(clientId).formerId;
    }

    /// The client knows of one of the losses.
    public void acknowledged(long clientId) {
        addRevoked(clientId, -1);
    }

    /// Whether a SEQUENCE has told the client of losses since there last were none.
    public boolean wasToldOfLosses(long clientId) {
        Client client = byId.get(clientId);
        return client != null && client.wasTold();
    }

    /// A device that the client knows is reached in another way now; until it has asked how, each SEQUENCE
    /// tells it.
    public void deviceChanged(long clientId) {
        addChangedDevices(clientId, 1);
    }

    /// The client has asked about one of those.
    public void deviceLearned(long clientId) {
        addChangedDevices(clientId, -1);
    }

    private void addChangedDevices(long clientId, int more) {
        Client client = byId.get(clientId);
        if (client != null) {
            client.addChangedDevices(more);
        }
    }

    /// A device that the client knows is no more; until it has said that it wants to hear nothing of it, each
    /// SEQUENCE tells it.
    public void deviceGone(long clientId) {
        addGoneDevices(clientId, 1);
    }

    /// The client has said so about one of those.
    public void deviceRenounced(long clientId) {
        addGoneDevices(clientId, -1);
    }

    private void addGoneDevices(long clientId, int more) {
        Client client = byId.get(clientId);
        if (client != null) {
            client.addGoneDevices(more);
        }
    }

    private void addRevoked(long clientId, int more) {
        Client client = byId.get(clientId);
        if (client != null) {
            client.addRevoked(more);
        }
    }

    /// DESTROY_CLIENTID, RFC 8881 §18.50.
    void destroy(long clientId, CompoundState state) {
        Client client;
        enter();
        try {
            client = require(clientId);
            if (!client.sessions.isEmpty() || holdsState(clientId)) {
                throw new NfsException(NfsStatus.CLIENTID_BUSY, client.sessions.size() + " sessions, or state");
            }
            state.dependsOn(forget(client, "destroyed"));
        } finally {
            leave();
        }
        holders.forEach(holder -> holder.left(clientId));
    }

    /// Whether the client is there, and its lease is over.
    public boolean isLapsed(long clientId, long nowNanos) {
        enter();
        try {
            Client client = byId.get(clientId);
            return client != null && isLapsed(client, nowNanos);
        } finally {
            leave();
        }
    }

    private boolean isLapsed(Client client, long nowNanos) {
        return client.lease() != LeaseState.UNCONFIRMED && client.isSilentFor(limits.leaseNanos(), nowNanos);
    }

    /// Somebody wants what `clientId` holds. Releases the client if its lease is over, and says whether it is
    /// gone. Called without a file's lock, because every file of the client is visited.
    public boolean releaseIfLapsed(long clientId, long nowNanos) {
        Client client;
        enter();
        try {
            client = byId.get(clientId);
            if (client == null) {
                return true;
            }
            if (!isLapsed(client, nowNanos)) {
                return false;
            }
            forget(client, "its state is wanted");
        } finally {
            leave();
        }
        tellHolders(client);
        return true;
    }

    /// Clients can come from here on: nobody could renew a lease before, or take anything back.
    public void serve(long nowNanos) {
        enter();
        try {
            byId.values().forEach(client -> client.renew(nowNanos));
            grace.begin(nowNanos);
        } finally {
            leave();
        }
    }

    /// Does what time brings: ends grace, moves silent clients to courtesy, and lets go of those whose
    /// courtesy is over and of those who never confirmed. To be called every now and then, at least a few
    /// times a lease.
    public void tick(long nowNanos) {
        var released = new ArrayList<Client>();
        enter();
        try {
            grace.tick(store, nowNanos);
            endGrace(nowNanos);
            var batch = new Batch();
            for (Client client : List.copyOf(byId.values())) {
                forgetFormer(batch, client, nowNanos);
                switch (client.lease()) {
                    case UNCONFIRMED -> {
                        if (client.isSilentFor(limits.leaseNanos(), nowNanos)) {
                            remove(batch, client, "never confirmed");
                        }
                    }
                    case ACTIVE -> {
                        if (client.isSilentFor(limits.leaseNanos(), nowNanos)) {
                            client.become(LeaseState.COURTESY, "silent");
                        }
                    }
                    case COURTESY -> {
                        if (client.isSilentFor(limits.leaseNanos() + limits.courtesyNanos(), nowNanos)) {
                            remove(batch, client, "courtesy is over");
                            released.add(client);
                        }
                    }
                    case RELEASED -> {}
                }
            }
            lose(batch);
        } finally {
            leave();
        }
        released.forEach(this::tellHolders);
    }

    /// Those who did not come back in time for their reclaims have lost what they held.
    void endOverdueGrace(long nowNanos) {
        enter();
        try {
            endGrace(nowNanos);
        } finally {
            leave();
        }
    }

    private void endGrace(long nowNanos) {
        var batch = new Batch();
        for (ClientRecord lost : grace.endOverdue(nowNanos)) {
            batch.delete(ClientRecords.key(lost.clientId()));
            settled.add(lost.clientId());
        }
        lose(batch);
    }

    /// Appends a change by which clients may lose what they would take back after the end of the machine.
    private long lose(Batch batch) {
        long ticket = store.append(batch);
        lossTicket = Math.max(lossTicket, ticket);
        return ticket;
    }

    /// What was granted before this is durable could be taken back twice after the end of the machine: by who has
    /// it now, and by who lost it. To be asked under the lock under which nobody was found in the way.
    public long lossTicket() {
        return lossTicket;
    }

    /// Where it is too late for what the client held before the restart.
    private void forgetFormer(Batch batch, Client client, long nowNanos) {
        boolean isOver = client.reclaimComplete
                ? nowNanos - client.reclaimedAtNanos > limits.leaseNanos()
                : grace.isOver(nowNanos);
        if (client.formerId == 0 || !isOver) {
            return;
        }
        if (client.reclaimComplete) {
            settled.add(client.formerId);
        }
        client.formerId = 0;
        put(batch, client);
    }

    /// Runs `action` under the lock; what sessions and clients have in common is changed so.
    <T> T locked(Supplier<T> action) {
        enter();
        try {
            return action.get();
        } finally {
            leave();
        }
    }

    private boolean holdsState(long clientId) {
        return holders.stream().anyMatch(holder -> holder.holdsStateOf(clientId));
    }

    private long forget(Client client, String why) {
        var batch = new Batch();
        remove(batch, client, why);
        return lose(batch);
    }

    private void remove(Batch batch, Client client, String why) {
        if (client.lease() != LeaseState.UNCONFIRMED) {
            batch.delete(ClientRecords.key(client.id));
            grace.settled(client.owner);
            if (client.formerId != 0) {
                settled.add(client.formerId);
                client.formerId = 0;
            }
        }
        client.become(LeaseState.RELEASED, why);
        for (Session session : client.sessions) {
            sessions.remove(session.id());
            session.end(batch);
        }
        client.sessions.clear();
        byId.remove(client.id);
        Records records = byOwner.get(client.owner);
        if (records != null) {
            if (records.confirmed == client) {
                records.confirmed = null;
            }
            if (records.unconfirmed == client) {
                records.unconfirmed = null;
            }
            if (records.isEmpty()) {
                byOwner.remove(client.owner);
            }
        }
    }

    private static void put(Batch batch, Client client) {
        batch.put(ClientRecords.key(client.id), ClientRecords.write(client.record()));
    }

    void tellHolders(@Nullable Client released) {
        if (released != null) {
            holders.forEach(holder -> holder.release(released.id));
        }
    }

    private void enter() {
        assert LockRank.CLIENT.enter();
        lock.lock();
    }

    private void leave() {
        List<Long> gone = List.copyOf(settled);
        List<Long> done = List.copyOf(reclaimed);
        settled.clear();
        reclaimed.clear();
        lock.unlock();
        assert LockRank.CLIENT.leave();
        done.forEach(formerId -> holders.forEach(holder -> holder.reclaimed(formerId)));
        gone.forEach(clientId -> holders.forEach(holder -> holder.release(clientId)));
    }
}
