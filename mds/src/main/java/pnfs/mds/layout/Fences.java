package pnfs.mds.layout;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.extent.Extent;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.layout.FenceRecords.FenceRecord;
import pnfs.mds.layout.FenceRecords.State;
import pnfs.mds.session.Clients;
import pnfs.mds.session.StateHolder;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;

/// Reservation keys, and how clients that do not give back their layouts are kept from what they held (RFC 8154
/// §2.4.10).
///
/// **Order.** The client's layouts are revoked: they are its own no longer, and nobody else's. It is durable
/// that its key is being fenced, and where. The data servers are told; each confirms when it is durable there
/// and nothing of that client is under way any more. Only then is the storage free for others (I1, I2), volume
/// by volume: what lies where a data server is away waits until that comes back, and nothing else does.
///
/// **Keys.** A client's first key is its id; after a fence it gets another, that no client ever had, and sees
/// every volume under another device id, so that it has to ask for the key and register it. It hears neither
/// before the old key is fenced on that volume: registering the new one would take the old one out of the
/// fence's sight while what was sent under it may still be on its way.
///
/// **Restarts.** Before a client hears a key for a volume, that is in the store. Clients that go on have their
/// keys. Of others a new run does not know all that they held, so their volumes are quarantined until they said
/// that they are done with it (RECLAIM_COMPLETE) or their time is up, and their keys are fenced. So are those to
/// which the run before wrote itself, until nothing of that can come late.
///
/// **Concurrency.** Guarded by a lock of its own, which comes after every other; appends to the store are the
/// most that happens under it. Data servers are told by `later`, without locks.
public final class Fences implements StateHolder {
    private static final Logger log = LoggerFactory.getLogger(Fences.class);

    /// The way to the data servers.
    public interface Fencer {
        /// Has every data server under `volume` keep `key` away from it. With this server's own key: what an
        /// earlier run sent there under it.
        ///
        /// @param then gets null when all have confirmed, else why not; once, without locks, on any thread
        void fence(Volume volume, long key, Consumer<@Nullable String> then);

        /// Has every data server under `volume` end the sessions of those that are registered with `key`, with
        /// all that they have sent. They stay registered, and may come back.
        ///
        /// @param then as that of [#fence]
        void disconnect(Volume volume, long key, Consumer<@Nullable String> then);
    }

    private final MetadataStore store;
    private final Clients clients;
    private final FileLayouts layouts;
    private final ClientLayouts held;
    private final Fencer fencer;
    private final Executor later;
    private final LongSupplier nowNanos;
    private final Counter failures;
    private final Timer confirmations;

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock from here on.
    private final Map<Long, Ring> rings = new HashMap<>();
    private final Map<Long, Fencing> fencings = new TreeMap<>();

    /// The key of a client that is there.
    private static final class Ring {
        long key;
        /// How often it got another.
        int fenced;
        /// Its layouts are being revoked.
        boolean barred;
        /// Meanwhile it was let go.
        boolean gone;
        /// Where it was told the key, and the tickets of the records.
        final Map<DeviceId, Long> told = new HashMap<>();

        Ring(long key) {
            this.key = key;
        }
    }

    /// Where the fence of one key on one volume stands.
    private enum Step {
        /// The client of an earlier run may come back, and says then that it is done with what it held.
        AWAITED,
        /// To be sent when it is durable and the data servers are there.
        DUE,
        SENT
    }

    /// A key that is to be fenced, and where that is not done yet.
    private static final class Fencing {
        final long key;
        final long client;
        final boolean ofEarlierRun;
        final long sinceNanos;
        final Map<DeviceId, Step> pending = new TreeMap<>();
        long ticket;
        boolean complained;

        Fencing(long key, long client, boolean ofEarlierRun, long sinceNanos) {
            this.key = key;
            this.client = client;
            this.ofEarlierRun = ofEarlierRun;
            this.sinceNanos = sinceNanos;
        }
    }

    /// A fence that is not done yet, for those who look after the server.
    ///
    /// @param awaited nothing is asked of the data server yet, because the client may still come back
    public record Pending(long key, long client, DeviceId volume, long sinceNanos, boolean awaited) {}

    /// What GETDEVICEINFO tells.
    record Told(Volume volume, long key) {}

    /// Reads what the run before left, and quarantines its volumes.
    ///
    /// @param later runs what was given to it, soon and without locks
    Fences(
            MetadataStore store,
            Clients clients,
            FileLayouts layouts,
            ClientLayouts held,
            Fencer fencer,
            Executor later,
            LongSupplier nowNanos,
            MeterRegistry meters) {
        this.store = store;
        this.clients = clients;
        this.layouts = layouts;
        this.held = held;
        this.fencer = fencer;
        this.later = later;
        this.nowNanos = nowNanos;
        Set<Long> awaited = clients.grace().awaited();
        var strays = new Batch();
        for (FenceRecord left : FenceRecords.readAll(store)) {
            if (left.state() != State.OWNED && layouts.volume(left.device()).isEmpty()) {
                FenceRecords.delete(strays, left.key(), left.device()); // forgotten just before the run ended
                continue;
            }
            if (restored(left)) {
                continue;
            }
            boolean waits = left.state() == State.HANDED_OUT && awaited.contains(left.clientId());
            fencings.computeIfAbsent(left.key(), key -> new Fencing(key, left.clientId(), true, nowNanos.getAsLong()))
                    .pending
                    .put(left.device(), waits ? Step.AWAITED : Step.DUE);
        }
        store.append(strays);
        if (!fencings.isEmpty()) {
            log.info("fences left by the run before keys={}", fencings.size());
            layouts.quarantine(ofEarlierRuns());
        }
        failures = meters.counter("pnfs.mds.fence.failed");
        confirmations = Timer.builder("pnfs.mds.fence").register(meters);
        Gauge.builder("pnfs.mds.fence.pending", this, fences -> fences.pending().size())
                .register(meters);
    }

    /// Keys that clients have who go on after a restart, but for those whose key is their id. Forgets those of
    /// others.
    static Map<Long, Long> keys(MetadataStore store, Clients clients) {
        var keys = new HashMap<Long, Long>();
        var gone = new Batch();
        for (FenceRecord left : FenceRecords.readAll(store)) {
            if (left.state() == State.OWNED) {
                if (clients.isLive(left.clientId())) {
                    keys.put(left.clientId(), left.key());
                } else {
                    FenceRecords.deleteOwned(gone, left.key());
                }
            }
        }
        store.append(gone);
        return keys;
    }

    /// Whether it is of a client that goes on with its key.
    private boolean restored(FenceRecord left) {
        if (left.state() == State.BEING_FENCED || !clients.isLive(left.clientId())) {
            return false;
        }
        Ring ring = rings.computeIfAbsent(left.clientId(), _ -> new Ring(left.key()));
        ring.fenced = left.earlier();
        if (left.state() == State.HANDED_OUT) {
            ring.told.put(left.device(), 0L);
        }
        return true;
    }

    /// The key of a client for the volume that it knows as `wireId`: durably recorded when the state's ticket is.
    ///
    /// @throws NfsException NOENT for a volume that is not there, or that the client has to ask for under a newer
    ///     id; DELAY while an earlier key of it is fenced there
    Told tell(DeviceId wireId, CompoundState state) {
        long client = state.clientId();
        enter();
        try {
            clients.checkLive(client); // who is let go after this finds what is told here
            Ring ring = rings.computeIfAbsent(client, Ring::new);
            Volume volume =
                    find(client, wireId).orElseThrow(() -> new NfsException(NfsStatus.NOENT, "device " + wireId));
            if (ring.barred || isBeingFenced(client, volume.id())) {
                throw new NfsException(NfsStatus.DELAY, "a key of this client is being fenced on " + volume.id());
            }
            state.dependsOn(ring.told.computeIfAbsent(volume.id(), device -> {
                var batch = new Batch();
                FenceRecords.put(batch, new FenceRecord(ring.key, device, State.HANDED_OUT, client, ring.fenced));
                return store.append(batch);
            }));
            return new Told(volume, ring.key);
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock.
    private boolean isBeingFenced(long client, DeviceId volume) {
        return fencings.values().stream()
                .anyMatch(fencing -> fencing.client == client && fencing.pending.containsKey(volume));
    }

    /// Has the data servers under a volume end what a client has sent there. Its key and its layouts stay its own,
    /// and it goes on when it has logged in again.
    ///
    /// @param then gets null when nothing that was sent can reach the volume any more, else why that is not so; on
    ///     any thread, without locks
    void disconnect(long client, Volume volume, Consumer<@Nullable String> then) {
        boolean isFenced;
        boolean mayWrite;
        long key;
        enter();
        try {
            Ring ring = rings.get(client);
            isFenced = isBeingFenced(client, volume.id()) || (ring != null && ring.barred);
            mayWrite = ring != null && ring.told.containsKey(volume.id());
            key = ring == null ? 0 : ring.key;
        } finally {
            lock.unlock();
        }
        if (isFenced) {
            then.accept("a key of this client is being fenced there");
        } else if (!mayWrite) {
            then.accept(null);
        } else if (!layouts.isServed(volume)) {
            then.accept("a data server is away"); // and where the others end sessions again and again, nothing gets on
        } else {
            fencer.disconnect(volume, key, then);
        }
    }

    /// This server is about to write to a volume itself: a run that ends before the data server has answered
    /// leaves a write behind which may come late, so the next one has to find out first that none is left.
    ///
    /// @param ownKey under which it is registered there, in each run
    /// @return the ticket of the record
    public long writing(DeviceId volume, long ownKey) {
        enter();
        try {
            return rings.computeIfAbsent(FenceRecords.NOBODY, _ -> new Ring(ownKey))
                    .told
                    .computeIfAbsent(volume, device -> {
                        var batch = new Batch();
                        var record = new FenceRecord(ownKey, device, State.HANDED_OUT, FenceRecords.NOBODY, 0);
                        FenceRecords.put(batch, record);
                        return store.append(batch);
                    });
        } finally {
            lock.unlock();
        }
    }

    /// The volume that the client knows by this id; empty where it has to ask for it under a newer one.
    Optional<Volume> find(long client, DeviceId wireId) {
        return layouts.volume(later(wireId, -fenced(client)));
    }

    /// By what id the client knows a volume.
    DeviceId wireId(long client, DeviceId volume) {
        return later(volume, fenced(client));
    }

    /// Extents with the ids by which the client knows their volumes.
    List<Extent> seenBy(long client, List<Extent> extents) {
        int generations = fenced(client);
        return generations == 0
                ? extents
                : extents.stream()
                        .map(extent -> new Extent(
                                later(extent.device(), generations),
                                extent.file(),
                                extent.volumeOffset(),
                                extent.state()))
                        .toList();
    }

    private static DeviceId later(DeviceId id, int generations) {
        return generations == 0 ? id : new DeviceId(id.volumeSet(), id.generation() + generations, id.epoch());
    }

    private int fenced(long client) {
        enter();
        try {
            Ring ring = rings.get(client);
            return ring == null ? 0 : ring.fenced;
        } finally {
            lock.unlock();
        }
    }

    /// Whether the client is losing its layouts: what it is granted meanwhile may escape that. Asked under the
    /// file's lock, after the grant.
    boolean isBarred(long client) {
        enter();
        try {
            Ring ring = rings.get(client);
            return ring != null && ring.barred;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean holdsStateOf(long clientId) {
        return held.holdsAny(clientId);
    }

    /// It fell silent, rebooted, or was of the run before.
    @Override
    public void release(long clientId) {
        held.forgetFormer(clientId);
        if (!settle(clientId)) {
            take(clientId, false);
        }
    }

    /// It has dropped its layouts, and what it wrote it has written.
    @Override
    public void reclaimed(long formerId) {
        settle(formerId);
    }

    /// It gave everything back and will not write any more, so there is nobody to keep away.
    @Override
    public void left(long clientId) {
        enter();
        try {
            Ring ring = rings.remove(clientId);
            if (ring != null) {
                var batch = new Batch();
                ring.told.keySet().forEach(device -> FenceRecords.delete(batch, ring.key, device));
                FenceRecords.deleteOwned(batch, ring.key);
                store.append(batch);
            }
        } finally {
            lock.unlock();
        }
        held.forgetLost(clientId);
        held.rekeyed(clientId, clientId);
    }

    /// A client that is there did not give back what it was asked for: it loses all its layouts, since a fence
    /// leaves it nothing of a volume.
    void revoke(long clientId) {
        take(clientId, true);
    }

    /// Whether the client is of the run before.
    private boolean settle(long clientId) {
        var due = new ArrayList<Fencing>();
        enter();
        try {
            var batch = new Batch();
            for (Fencing fencing : fencings.values()) {
                if (fencing.client == clientId && fencing.ofEarlierRun) {
                    fencing.pending.replaceAll((device, step) -> {
                        FenceRecords.put(batch, new FenceRecord(fencing.key, device, State.BEING_FENCED, clientId, 0));
                        return step == Step.AWAITED ? Step.DUE : step;
                    });
                    due.add(fencing);
                }
            }
            long ticket = store.append(batch);
            due.forEach(fencing -> begin(fencing, ticket));
        } finally {
            lock.unlock();
        }
        return !due.isEmpty();
    }

    private void take(long clientId, boolean isLive) {
        long nextKey = isLive ? clients.uniqueNumber() : 0;
        Ring ring;
        Fencing fencing;
        enter();
        try {
            ring = rings.computeIfAbsent(clientId, Ring::new);
            if (ring.barred) {
                ring.gone |= !isLive;
                return;
            }
            ring.barred = true; // from here on its key stays, and where it was told
            fencing = new Fencing(ring.key, clientId, false, nowNanos.getAsLong());
        } finally {
            lock.unlock();
        }
        held.revokeAll(clientId, fencing.key, isLive);
        Set<DeviceId> pending;
        enter();
        try {
            var batch = new Batch();
            for (DeviceId device : ring.told.keySet()) {
                FenceRecords.put(batch, new FenceRecord(fencing.key, device, State.BEING_FENCED, clientId, 0));
                fencing.pending.put(device, Step.DUE);
            }
            pending = Set.copyOf(fencing.pending.keySet());
            if (ring.fenced > 0) {
                FenceRecords.deleteOwned(batch, ring.key);
            }
            if (isLive) {
                ring.key = nextKey;
                ring.fenced++;
                held.rekeyed(clientId, nextKey);
                FenceRecords.put(batch, FenceRecord.owned(nextKey, clientId, ring.fenced));
                ring.told.clear();
                ring.barred = false;
            } else {
                rings.remove(clientId);
            }
            if (!pending.isEmpty()) {
                log.warn(
                        "key is being fenced client={} key={} volumes={}",
                        Long.toHexString(clientId),
                        Long.toHexString(fencing.key),
                        pending);
                fencings.put(fencing.key, fencing);
                begin(fencing, store.append(batch));
            } else {
                store.append(batch);
            }
        } finally {
            lock.unlock();
        }
        held.dropFenced(clientId, fencing.key, pending);
        if (ring.gone && isLive) {
            take(clientId, false);
        } else if (!isLive) {
            held.forgetLost(clientId);
            held.rekeyed(clientId, clientId);
        }
    }

    /// Under the lock.
    private void begin(Fencing fencing, long ticket) {
        fencing.ticket = ticket;
        store.whenDurable(ticket, () -> later.execute(this::sendDue));
    }

    /// Tells the data servers that are there what is due. To be called every now and then, and when one came.
    public void sendDue() {
        record Order(Fencing fencing, Volume volume) {}
        var orders = new ArrayList<Order>();
        enter();
        try {
            long durable = store.durableTicket();
            for (Fencing fencing : fencings.values()) {
                for (Map.Entry<DeviceId, Step> each : fencing.pending.entrySet()) {
                    if (each.getValue() == Step.DUE && fencing.ticket <= durable) {
                        layouts.volume(each.getKey()).filter(layouts::isServed).ifPresent(volume -> {
                            each.setValue(Step.SENT);
                            orders.add(new Order(fencing, volume));
                        });
                    }
                }
            }
        } finally {
            lock.unlock();
        }
        for (Order order : orders) {
            fencer.fence(order.volume(), order.fencing().key, failure -> {
                if (failure == null) {
                    confirmed(order.fencing(), order.volume().id());
                } else {
                    failed(order.fencing(), order.volume().id(), failure);
                }
            });
        }
    }

    private void failed(Fencing fencing, DeviceId volume, String why) {
        failures.increment();
        enter();
        try {
            fencing.pending.replace(volume, Step.DUE);
            if (!fencing.complained) {
                fencing.complained = true;
                log.warn("fence not confirmed key={} volume={} why={}", Long.toHexString(fencing.key), volume, why);
            }
        } finally {
            lock.unlock();
        }
    }

    private void confirmed(Fencing fencing, DeviceId volume) {
        Set<DeviceId> left;
        enter();
        try {
            fencing.pending.remove(volume);
            left = Set.copyOf(fencing.pending.keySet());
            if (left.isEmpty()) {
                fencings.remove(fencing.key);
            }
            var batch = new Batch();
            FenceRecords.delete(batch, fencing.key, volume);
            store.append(batch); // nobody waits: a crash that takes it back has the key fenced once more
            if (fencing.ofEarlierRun) {
                layouts.quarantine(ofEarlierRuns());
            }
        } finally {
            lock.unlock();
        }
        long nanos = nowNanos.getAsLong() - fencing.sinceNanos;
        confirmations.record(nanos, TimeUnit.NANOSECONDS);
        log.info(
                "key fenced key={} client={} volume={} afterMillis={} left={}",
                Long.toHexString(fencing.key),
                Long.toHexString(fencing.client),
                volume,
                TimeUnit.NANOSECONDS.toMillis(nanos),
                left);
        held.dropFenced(fencing.client, fencing.key, left);
    }

    /// The lock of fences comes after those of files and before that of space.
    private void enter() {
        assert !layouts.isSpaceLocked() : "the lock of fences wanted while that of space is held";
        lock.lock();
    }

    /// Under the lock, or before anybody else is here.
    private Set<DeviceId> ofEarlierRuns() {
        var all = new HashSet<DeviceId>();
        fencings.values().stream()
                .filter(fencing -> fencing.ofEarlierRun)
                .forEach(fencing -> all.addAll(fencing.pending.keySet()));
        return all;
    }

    /// The volume is gone, and nobody is there to keep a key away from: what waits for that is done.
    public void forget(DeviceId volume) {
        var over = new ArrayList<Fencing>();
        enter();
        try {
            var batch = new Batch();
            for (Ring ring : rings.values()) {
                if (ring.told.remove(volume) != null) {
                    FenceRecords.delete(batch, ring.key, volume);
                }
            }
            store.append(batch);
            fencings.values().stream()
                    .filter(fencing -> fencing.pending.containsKey(volume))
                    .forEach(over::add);
        } finally {
            lock.unlock();
        }
        over.forEach(fencing -> confirmed(fencing, volume));
    }

    /// All that is not done yet.
    public List<Pending> pending() {
        var all = new ArrayList<Pending>();
        enter();
        try {
            for (Fencing fencing : fencings.values()) {
                fencing.pending.forEach((volume, step) -> all.add(
                        new Pending(fencing.key, fencing.client, volume, fencing.sinceNanos, step == Step.AWAITED)));
            }
        } finally {
            lock.unlock();
        }
        return all;
    }
}
