package pnfs.mds.cluster;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DataServer;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;

/// The registry of data servers, regions and volumes. Regions and volumes are durable before anybody hears of
/// them; who is online is known by its control connection alone.
///
/// Each region becomes a volume of its own when it registers first, unless a [VolumeSpec] names it: then it
/// waits for the others of that volume. A volume keeps its device id for ever.
///
/// Guarded by its own lock, which is never held over a callback.
public final class Cluster {
    private static final Logger log = LoggerFactory.getLogger(Cluster.class);

    /// Learns which volumes there are.
    public interface Listener {
        /// Volumes became known or went on or off line. Calls come one after the other.
        ///
        /// @param all every volume there is; one that is missing was empty and has been forgotten
        /// @param online those whose every region is served now
        /// @param draining those from which no new space must come
        void volumesChanged(List<Volume> all, List<Volume> online, Set<DeviceId> draining);
    }

    /// A data server as it presents itself.
    record Presented(UUID server, String name, List<KnownRegion> regions) {}

    /// What came of a registration.
    sealed interface Registration {
        /// Known and durable once the ticket is; then [Cluster#online] may be called.
        record Accepted(long ticket) implements Registration {}

        record Refused(String reason) implements Registration {}
    }

    private final MetadataStore store;
    private final List<VolumeSpec> specs;
    private final int epoch;
    private final Listener listener;
    private final Consumer<Volume> moves;

    private final ReentrantLock lock = new ReentrantLock();
    private final ReentrantLock telling = new ReentrantLock();
    // Guarded by the lock from here on.
    private final Map<RegionId, KnownRegion> regions = new TreeMap<>();
    private final Map<DeviceId, Volume> volumes = new TreeMap<>();
    private final Set<DeviceId> draining = new TreeSet<>();
    /// The highest number of a volume that was there when one was forgotten.
    private long lastVolume;
    /// Who is online, as the listener is told it, and how to ask whether its connection still stands: who fell
    /// silent stays here until [#expire].
    private final Map<UUID, BooleanSupplier> online = new HashMap<>();
    /// Regions that are elsewhere than they were, until their data server is online.
    private final Set<RegionId> moved = new HashSet<>();

    /// Reads what the store knows.
    ///
    /// @param epoch tells device ids of this store from those of others
    /// @param moves hears of each volume a region of which is online at another place than before
    /// @throws CorruptStoreException when the registry is damaged
    public Cluster(MetadataStore store, List<VolumeSpec> specs, int epoch, Listener listener, Consumer<Volume> moves) {
        this.store = store;
        this.specs = List.copyOf(specs);
        this.epoch = epoch;
        this.listener = listener;
        this.moves = moves;
        store.scan(Keys.REGION.first(), Keys.REGION.end(), (key, value) -> {
            KnownRegion region = ClusterRecords.readRegion(key, value);
            regions.put(region.id(), region);
            return true;
        });
        store.scan(Keys.VOLUME.first(), Keys.VOLUME.end(), (key, value) -> {
            Volume volume = ClusterRecords.readVolume(key, value, this::disk);
            volumes.put(volume.id(), volume);
            return true;
        });
        lastVolume = ClusterRecords.readLastVolume(
                store.get(ClusterRecords.LAST_VOLUME_KEY).value());
        store.scan(Keys.DRAIN.first(), Keys.DRAIN.end(), (key, value) -> {
            DeviceId id = ClusterRecords.readDrain(key, value);
            if (!volumes.containsKey(id)) {
                throw new CorruptStoreException("volume " + id + " is being emptied, and is not there");
            }
            draining.add(id);
            return true;
        });
    }

    private VolumeTopology.Leaf disk(RegionId id) {
        KnownRegion region = regions.get(id);
        if (region == null) {
            throw new CorruptStoreException("a volume lies on region " + id + ", which is not registered");
        }
        return region.disk();
    }

    /// Takes a data server's word for its regions, or says why not.
    Registration register(Presented presented) {
        lock.lock();
        try {
            Optional<String> refusal = refusalOf(presented);
            if (refusal.isPresent()) {
                return new Registration.Refused(refusal.get());
            }
            var batch = new Batch();
            for (KnownRegion region : presented.regions()) {
                KnownRegion before = regions.put(region.id(), region);
                if (!region.equals(before)) {
                    batch.put(ClusterRecords.keyOf(region.id()), ClusterRecords.write(region));
                }
                if (before != null && !before.isAtSamePlace(region)) {
                    moved.add(region.id());
                }
            }
            for (VolumeTopology topology : newTopologies()) {
                var volume = new Volume(nextId(), topology);
                volumes.put(volume.id(), volume);
                batch.put(ClusterRecords.keyOf(volume.id()), ClusterRecords.write(topology));
                log.info("volume made device={} topology={}", volume.id(), topology);
            }
            return new Registration.Accepted(store.append(batch));
        } finally {
            lock.unlock();
        }
    }

    private Optional<String> refusalOf(Presented presented) {
        for (KnownRegion region : presented.regions()) {
            KnownRegion known = regions.get(region.id());
            if (known == null) {
                continue;
            }
            if (!known.isSameStorage(region)) {
                return Optional.of(
                        "region " + region.id() + " was registered with another size or name: it is a different"
                                + " file now; bring the old one back, or format the new one so that it gets an id of its own");
            }
            if (!known.server().equals(region.server()) && isOnline(known.server())) {
                return Optional.of("region " + region.id() + " is served by " + known.serverName()
                        + " already: stop that data server first");
            }
        }
        return Optional.empty();
    }

    /// Whether a connection of the data server stands.
    boolean isOnline(UUID server) {
        lock.lock();
        try {
            BooleanSupplier stands = online.get(server);
            return stands != null && stands.getAsBoolean();
        } finally {
            lock.unlock();
        }
    }

    /// The volumes that can be made now and have not been.
    private List<VolumeTopology> newTopologies() {
        Set<RegionId> used = new HashSet<>();
        volumes.values().forEach(volume -> volume.topology().leaves().forEach(leaf -> used.add(leaf.region())));
        var made = new ArrayList<VolumeTopology>();
        for (VolumeSpec spec : specs) {
            List<KnownRegion> named =
                    spec.regions().stream().flatMap(name -> find(name).stream()).toList();
            named.stream()
                    .filter(region -> used.contains(region.id()))
                    .findFirst()
                    .ifPresentOrElse(region -> log.debug("volume not made spec={} taken={}", spec, region.id()), () -> {
                        if (named.size() == spec.regions().size()) {
                            made.add(spec.over(
                                    named.stream().map(KnownRegion::disk).toList()));
                        }
                    });
            named.forEach(region -> used.add(region.id()));
        }
        for (KnownRegion region : regions.values()) {
            if (used.add(region.id())) {
                made.add(region.disk());
            }
        }
        return made;
    }

    private Optional<KnownRegion> find(String name) {
        return regions.values().stream()
                .filter(region -> region.isNamed(name))
                .min(Comparator.comparingInt(KnownRegion::lun));
    }

    private DeviceId nextId() {
        return new DeviceId(highestVolume() + 1, 1, epoch);
    }

    private long highestVolume() {
        return Math.max(
                lastVolume,
                volumes.keySet().stream().mapToLong(DeviceId::volumeSet).max().orElse(0));
    }

    /// From now on a data server is there, as long as `stands` says so.
    void online(UUID server, BooleanSupplier stands) {
        List<Volume> elsewhere;
        lock.lock();
        try {
            online.put(server, stands);
            elsewhere = volumes.values().stream()
                    .filter(volume ->
                            volume.topology().leaves().stream().anyMatch(leaf -> moved.contains(leaf.region())))
                    .filter(this::isServed)
                    .toList();
            elsewhere.forEach(volume -> volume.topology().leaves().forEach(leaf -> moved.remove(leaf.region())));
        } finally {
            lock.unlock();
        }
        tell();
        elsewhere.forEach(moves);
    }

    /// A data server beat over the connection that lives. One that was silent for so long that [#expire] took it
    /// for gone is back.
    void heard(UUID server, BooleanSupplier stands) {
        lock.lock();
        try {
            if (online.put(server, stands) != null) {
                return;
            }
        } finally {
            lock.unlock();
        }
        log.info("data server is heard of again server={}", server);
        tell();
    }

    /// A connection of this data server is gone. Nothing changes when another one stands already.
    void offline(UUID server) {
        lock.lock();
        try {
            if (isOnline(server) || online.remove(server) == null) {
                return;
            }
        } finally {
            lock.unlock();
        }
        log.warn("data server went offline server={}", server);
        tell();
    }

    /// Looks for data servers that fell silent while their connection stands. To be called now and then.
    public void expire() {
        var silent = new ArrayList<UUID>();
        lock.lock();
        try {
            online.forEach((server, stands) -> {
                if (!stands.getAsBoolean()) {
                    silent.add(server);
                }
            });
            online.keySet().removeAll(silent);
        } finally {
            lock.unlock();
        }
        if (!silent.isEmpty()) {
            log.warn("data servers went silent servers={}", silent);
            tell();
        }
    }

    /// Tells the listener of the volumes there are now: once at start, then by itself.
    public void tell() {
        telling.lock(); // so that the last word is the newest
        try {
            List<Volume> all;
            List<Volume> there;
            Set<DeviceId> leaving;
            lock.lock();
            try {
                all = List.copyOf(volumes.values());
                there = all.stream().filter(this::isServed).toList();
                leaving = Set.copyOf(draining);
            } finally {
                lock.unlock();
            }
            listener.volumesChanged(all, there, leaving);
        } finally {
            telling.unlock();
        }
    }

    /// A number that is another where a region of the volume was registered at another place, the same in each
    /// run; empty where there is no such volume.
    public OptionalInt placeOf(DeviceId id) {
        lock.lock();
        try {
            Volume volume = volumes.get(id);
            if (volume == null) {
                return OptionalInt.empty();
            }
            var sum = new CRC32C();
            for (VolumeTopology.Leaf leaf : volume.topology().leaves()) {
                KnownRegion region = regions.get(leaf.region());
                sum.update((region == null ? "" : region.place()).getBytes(StandardCharsets.UTF_8));
            }
            return OptionalInt.of((int) sum.getValue());
        } finally {
            lock.unlock();
        }
    }

    private boolean isServed(Volume volume) {
        return volume.topology().leaves().stream().allMatch(leaf -> {
            KnownRegion region = regions.get(leaf.region());
            return region != null && online.containsKey(region.server());
        });
    }

    /// What came of asking for volumes to be drained, or not any more.
    sealed interface Draining {
        /// Decided, and durable once the ticket is.
        record Marked(List<Volume> volumes, long ticket) implements Draining {}

        record Refused(String reason) implements Draining {}
    }

    /// Has the volumes of this name emptied, or (`wanted` false) used again.
    Draining drain(String name, boolean wanted) {
        Draining outcome;
        lock.lock();
        try {
            outcome = mark(name, wanted);
        } finally {
            lock.unlock();
        }
        if (outcome instanceof Draining.Marked) {
            tell();
        }
        return outcome;
    }

    private Draining mark(String name, boolean wanted) {
        List<Volume> named = named(name);
        if (named.isEmpty()) {
            return new Draining.Refused(unknown(name));
        }
        Optional<String> shared = sharedAmong(named, name);
        if (shared.isPresent()) {
            return new Draining.Refused(shared.get());
        }
        var batch = new Batch();
        for (Volume volume : named) {
            if (wanted && draining.add(volume.id())) {
                batch.put(ClusterRecords.drainKeyOf(volume.id()), ClusterRecords.writeDrain());
                log.info("drain begun device={}", volume.id());
            } else if (!wanted && draining.remove(volume.id())) {
                batch.delete(ClusterRecords.drainKeyOf(volume.id()));
                log.info("drain cancelled device={}", volume.id());
            }
        }
        long ticket = store.append(batch);
        for (Volume volume : named) { // where it was asked for before, nothing was appended
            ticket = Math.max(
                    ticket, store.get(ClusterRecords.drainKeyOf(volume.id())).ticket());
        }
        return new Draining.Marked(named, ticket);
    }

    /// Who may have something on volumes.
    public interface Tenants {
        /// Why a volume cannot go yet; empty where nobody has anything there. A volume that is draining stays so.
        Optional<String> obstacle(Volume volume);

        /// Forgets a volume for which there is no [#obstacle], in the step that `batch` is.
        void leave(Volume volume, Batch batch);

        /// A volume is gone. Called without locks.
        void gone(Volume volume);
    }

    /// What came of asking for volumes to be forgotten.
    sealed interface Removal {
        /// Decided, and durable once the ticket is.
        record Forgotten(List<Volume> volumes, long ticket) implements Removal {}

        record Refused(String reason) implements Removal {}
    }

    /// Forgets the volumes of this name, which are drained, and the regions under them.
    Removal remove(String name, Tenants tenants) {
        Removal outcome;
        telling.lock(); // nobody is told of a volume after it is gone
        try {
            lock.lock();
            try {
                outcome = forget(name, tenants);
            } finally {
                lock.unlock();
            }
            if (outcome instanceof Removal.Forgotten) {
                tell();
            }
        } finally {
            telling.unlock();
        }
        if (outcome instanceof Removal.Forgotten(var gone, var _)) {
            gone.forEach(tenants::gone);
        }
        return outcome;
    }

    private Removal forget(String name, Tenants tenants) {
        List<Volume> named = named(name);
        Optional<String> refusal = named.isEmpty()
                ? Optional.of(unknown(name))
                : sharedAmong(named, name)
                        .or(() -> named.stream()
                                .flatMap(volume -> obstacle(volume, tenants).stream())
                                .findFirst());
        if (refusal.isPresent()) {
            return new Removal.Refused(refusal.get());
        }
        var batch = new Batch();
        lastVolume = highestVolume();
        batch.put(ClusterRecords.LAST_VOLUME_KEY, ClusterRecords.writeLastVolume(lastVolume));
        for (Volume volume : named) {
            tenants.leave(volume, batch);
            volumes.remove(volume.id());
            draining.remove(volume.id());
            batch.delete(ClusterRecords.keyOf(volume.id()));
            batch.delete(ClusterRecords.drainKeyOf(volume.id()));
            for (VolumeTopology.Leaf leaf : volume.topology().leaves()) {
                regions.remove(leaf.region());
                moved.remove(leaf.region());
                batch.delete(ClusterRecords.keyOf(leaf.region()));
            }
            log.info("volume forgotten device={} topology={}", volume.id(), volume.topology());
        }
        return new Removal.Forgotten(named, store.append(batch));
    }

    private Optional<String> obstacle(Volume volume, Tenants tenants) {
        if (!draining.contains(volume.id())) {
            return Optional.of("volume " + volume.id() + " is in use: empty it first, with 'pnfs mds drain'");
        }
        return tenants.obstacle(volume)
                .map(why -> "volume " + volume.id() + " " + why)
                .or(() -> volume.topology().leaves().stream()
                        .map(leaf -> requireNonNull(regions.get(leaf.region())))
                        .filter(region -> isOnline(region.server()))
                        .map(region -> "data server " + region.serverName()
                                + " is still there and would register again: stop it first")
                        .findFirst());
    }

    private static String unknown(String name) {
        return "no data server, region or volume is named '" + name + "': 'pnfs status' shows those there are";
    }

    /// The volumes that a name means: one by its device id, or all that lie on a region or a data server.
    private List<Volume> named(String name) {
        Set<RegionId> meant = regions.values().stream()
                .filter(region -> region.isNamed(name))
                .map(KnownRegion::id)
                .collect(Collectors.toSet());
        return volumes.values().stream()
                .filter(volume -> name.equals(volume.id().toString())
                        || volume.topology().leaves().stream().anyMatch(leaf -> meant.contains(leaf.region())))
                .toList();
    }

    /// Who empties a data server does not mean another one, that happens to have the other half of its volumes.
    private Optional<String> sharedAmong(List<Volume> named, String name) {
        for (Volume volume : named) {
            Set<String> servers = volume.topology().leaves().stream()
                    .map(leaf -> requireNonNull(regions.get(leaf.region())).serverName())
                    .collect(Collectors.toCollection(TreeSet::new));
            if (servers.size() > 1 && !name.equals(volume.id().toString())) {
                return Optional.of("volume " + volume.id() + " lies on the data servers " + String.join(", ", servers)
                        + " together and can only be emptied as a whole: name the volume instead of '" + name + "'");
            }
        }
        return Optional.empty();
    }

    /// The volumes that are being emptied.
    public Set<DeviceId> draining() {
        lock.lock();
        try {
            return Set.copyOf(draining);
        } finally {
            lock.unlock();
        }
    }

    public Optional<Volume> volume(DeviceId id) {
        lock.lock();
        try {
            return Optional.ofNullable(volumes.get(id));
        } finally {
            lock.unlock();
        }
    }

    /// The way to a region, as it was registered last; its data server may be away.
    public Optional<DataServer.Export> export(RegionId id) {
        lock.lock();
        try {
            KnownRegion region = regions.get(id);
            if (region == null) {
                return Optional.empty();
            }
            Portal portal = region.portals().getFirst();
            var server = new DataServer(region.server(), portal.host(), portal.port(), region.targetName());
            return Optional.of(new DataServer.Export(id, server, region.lun()));
        } finally {
            lock.unlock();
        }
    }

    /// A data server and what it exports, for [ControlDesk].
    record ServerView(UUID id, boolean online, List<KnownRegion> regions) {}

    List<ServerView> servers() {
        lock.lock();
        try {
            var byServer = new LinkedHashMap<UUID, List<KnownRegion>>();
            regions.values()
                    .forEach(region -> byServer.computeIfAbsent(region.server(), _ -> new ArrayList<>())
                            .add(region));
            return byServer.entrySet().stream()
                    .map(entry ->
                            new ServerView(entry.getKey(), isOnline(entry.getKey()), List.copyOf(entry.getValue())))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    public List<Volume> volumes() {
        lock.lock();
        try {
            return List.copyOf(volumes.values());
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    KnownRegion region(RegionId id) {
        lock.lock();
        try {
            return regions.get(id);
        } finally {
            lock.unlock();
        }
    }
}
