package pnfs.mds.cluster;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.mds.cluster.Cluster.Draining;
import pnfs.mds.cluster.Cluster.Presented;
import pnfs.mds.cluster.Cluster.Registration;
import pnfs.mds.cluster.Cluster.Removal;
import pnfs.mds.cluster.Cluster.ServerView;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.MetadataStore;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Beaten;
import pnfs.wire.control.proto.DataServer;
import pnfs.wire.control.proto.Disconnect;
import pnfs.wire.control.proto.Drain;
import pnfs.wire.control.proto.Drained;
import pnfs.wire.control.proto.ExtentsQuery;
import pnfs.wire.control.proto.Farewell;
import pnfs.wire.control.proto.Fence;
import pnfs.wire.control.proto.Heartbeat;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.Region;
import pnfs.wire.control.proto.RegionReport;
import pnfs.wire.control.proto.Register;
import pnfs.wire.control.proto.Registered;
import pnfs.wire.control.proto.Registrations;
import pnfs.wire.control.proto.RegistrationsQuery;
import pnfs.wire.control.proto.Remove;
import pnfs.wire.control.proto.Removed;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.Status;
import pnfs.wire.xdr.Opaque;

/// The metadata server's end of the control protocol: answers data servers and the command line. One
/// [ControlHandler] a connection; what they share is the [Cluster].
public final class ControlDesk {
    private static final Logger log = LoggerFactory.getLogger(ControlDesk.class);
    private static final int UUID_BYTES = 16;
    private static final int MAX_REGIONS = 64;
    private static final int MAX_PORTALS = 16;
    private static final int MAX_NAME = 64;
    private static final int MAX_TARGET_NAME = 223;
    private static final long MIN_REGION_BYTES = 1 << 20;
    /// What a fenced client has under way may take as long as its connection may stall, 30 seconds, to end.
    private static final Duration FENCE_PATIENCE = Duration.ofSeconds(40);
    /// Connections are dropped as they are, so this takes no longer than a store into a region. Shorter than what
    /// clients give us for an answer.
    private static final Duration DISCONNECT_PATIENCE = Duration.ofSeconds(5);
    /// After so many beats without one a data server counts as gone.
    private static final int MISSED_BEATS = 4;

    /// What other rooms know and the cluster does not.
    public interface Facts extends Cluster.Tenants {
        /// Adds counts of clients, sessions, opens and layouts, fences, and whether there is grace.
        void addTo(Status.Builder status);

        /// Bytes of a volume that are free, as far as its allocator is known.
        Optional<Long> freeBytes(DeviceId volume);

        /// Bytes of a volume that belong to files, as far as its allocator is known.
        Optional<Long> usedBytes(DeviceId volume);

        /// What keeps a draining volume from getting emptier, for people; empty while it gets on.
        String waitsFor(DeviceId volume);

        /// Whether neither a file nor a layout has anything to do with the volume, which is draining.
        boolean isDrained(DeviceId volume);

        /// Whether clients of the run before may still write there.
        boolean isQuarantined(DeviceId volume);

        /// The extents of a file, or a refusal.
        Reply extents(ExtentsQuery query);

        /// Recalls layouts; answers when that is over, or refuses.
        void recall(RecallLayouts wanted, Consumer<Reply> reply);
    }

    private final Cluster cluster;
    private final MetadataStore store;
    private final UUID clusterId;
    private final long boot;
    private final int heartbeatMillis;
    private final LongSupplier nanoTime;
    private final long startedAtNanos;
    private final Facts facts;
    private final Map<RegionId, RegionReport> reports = new ConcurrentHashMap<>();
    /// Of the data servers that are there.
    private final Map<UUID, ControlLink> links = new ConcurrentHashMap<>();

    /// @param boot how often this metadata server has started
    /// @param heartbeatMillis how often data servers are to beat
    public ControlDesk(
            Cluster cluster,
            MetadataStore store,
            UUID clusterId,
            long boot,
            int heartbeatMillis,
            LongSupplier nanoTime,
            Facts facts) {
        this.cluster = cluster;
        this.store = store;
        this.clusterId = clusterId;
        this.boot = boot;
        this.heartbeatMillis = heartbeatMillis;
        this.nanoTime = nanoTime;
        this.startedAtNanos = nanoTime.getAsLong();
        this.facts = facts;
    }

    /// The handler of a new connection.
    public ControlHandler welcome(ControlLink link) {
        return new Visitor(link);
    }

    /// One connection: a data server once it has registered, a mere asker before. Called one request at a time.
    private final class Visitor implements ControlHandler {
        private final ControlLink link;
        private volatile @Nullable UUID server;
        private volatile boolean open = true;
        private volatile long beatAtNanos;

        Visitor(ControlLink link) {
            this.link = link;
        }

        @Override
        public void onRequest(Request request, Consumer<Reply> reply) {
            try {
                answer(request, reply);
            } catch (CorruptStoreException damage) {
                store.damaged().met(damage);
                reply.accept(ControlLink.refusal(
                        "a record is damaged: 'pnfs fsck' says what can be done: " + damage.getMessage()));
            }
        }

        private void answer(Request request, Consumer<Reply> reply) {
            switch (request.getKindCase()) {
                case REGISTER -> register(request.getRegister(), reply);
                case HEARTBEAT -> reply.accept(beat(request.getHeartbeat()));
                case GOODBYE -> {
                    leave();
                    reply.accept(Reply.newBuilder()
                            .setFarewell(Farewell.getDefaultInstance())
                            .build());
                }
                case STATUS ->
                    reply.accept(Reply.newBuilder().setStatus(status()).build());
                case EXTENTS -> reply.accept(facts.extents(request.getExtents()));
                case RECALL_LAYOUTS -> facts.recall(request.getRecallLayouts(), reply);
                case DRAIN -> drain(request.getDrain(), reply);
                case REMOVE -> remove(request.getRemove(), reply);
                case FENCE, DISCONNECT, REGISTRATIONS ->
                    reply.accept(ControlLink.refusal("a data server answers that: ask the one that has the region"));
                case ADD_FAULT, FAULTS, CLEAR_FAULTS ->
                    reply.accept(ControlLink.refusal("a data server answers that: ask its own control port"));
                case KIND_NOT_SET ->
                    reply.accept(ControlLink.refusal(
                            "this metadata server does not know the request: use the same release on both sides"));
            }
        }

        private void register(Register register, Consumer<Reply> reply) {
            Presented presented;
            try {
                presented = presented(register);
            } catch (IllegalArgumentException wrong) {
                log.warn("data server refused peer={} why={}", link.peer(), wrong.getMessage());
                reply.accept(ControlLink.refusal(String.valueOf(wrong.getMessage())));
                return;
            }
            switch (cluster.register(presented)) {
                case Registration.Refused(var reason) -> {
                    log.warn(
                            "data server refused server={} name={} why={}",
                            presented.server(),
                            presented.name(),
                            reason);
                    reply.accept(ControlLink.refusal(reason));
                }
                case Registration.Accepted(long ticket) -> {
                    links.put(presented.server(), link); // the newest connection is the one that lives
                    store.whenDurable(ticket, () -> {
                        if (links.get(presented.server()) != link) {
                            reply.accept(ControlLink.refusal("this data server has connected anew meanwhile"));
                            return;
                        }
                        server = presented.server();
                        beatAtNanos = nanoTime.getAsLong();
                        cluster.online(presented.server(), this::stands);
                        log.info(
                                "data server registered server={} name={} regions={}",
                                presented.server(),
                                presented.name(),
                                presented.regions().size());
                        reply.accept(Reply.newBuilder()
                                .setRegistered(Registered.newBuilder()
                                        .setClusterId(ByteString.copyFrom(ClusterRecords.bytes(clusterId)))
                                        .setBoot(boot)
                                        .setHeartbeatMillis(heartbeatMillis))
                                .build());
                    });
                }
            }
        }

        private void drain(Drain drain, Consumer<Reply> reply) {
            switch (cluster.drain(drain.getName(), !drain.getCancel())) {
                case Draining.Refused(var reason) -> reply.accept(ControlLink.refusal(reason));
                case Draining.Marked(var marked, long ticket) ->
                    store.whenDurable(
                            ticket,
                            () -> reply.accept(Reply.newBuilder()
                                    .setDrained(Drained.newBuilder().addAllDeviceIds(ids(marked)))
                                    .build()));
            }
        }

        private void remove(Remove remove, Consumer<Reply> reply) {
            switch (cluster.remove(remove.getName(), facts)) {
                case Removal.Refused(var reason) -> reply.accept(ControlLink.refusal(reason));
                case Removal.Forgotten(var forgotten, long ticket) -> {
                    forgotten.forEach(
                            volume -> volume.topology().leaves().forEach(leaf -> reports.remove(leaf.region())));
                    store.whenDurable(
                            ticket,
                            () -> reply.accept(Reply.newBuilder()
                                    .setRemoved(Removed.newBuilder().addAllDeviceIds(ids(forgotten)))
                                    .build()));
                }
            }
        }

        private Reply beat(Heartbeat heartbeat) {
            UUID who = server;
            if (who == null) {
                return ControlLink.refusal("register before the first heartbeat");
            }
            beatAtNanos = nanoTime.getAsLong();
            if (links.get(who) == link) {
                cluster.heard(who, this::stands);
            } else if (!cluster.isOnline(who)) {
                // What it sent over a connection that is gone was read after what it registered over this one, and
                // counts.
                return ControlLink.refusal("an older connection of this data server was heard last: register again");
            }
            for (RegionReport report :
                    heartbeat.getRegionsList().subList(0, Math.min(MAX_REGIONS, heartbeat.getRegionsCount()))) {
                if (report.getRegionId().size() == UUID_BYTES) {
                    var region = new RegionId(
                            ClusterRecords.uuid(report.getRegionId().toByteArray()));
                    if (cluster.region(region) != null) {
                        reports.put(region, report);
                    }
                }
            }
            return Reply.newBuilder().setBeaten(Beaten.getDefaultInstance()).build();
        }

        private boolean stands() {
            return open && nanoTime.getAsLong() - beatAtNanos < silenceNanos();
        }

        @Override
        public void onClosed() {
            leave();
        }

        private void leave() {
            open = false;
            links.values().remove(link);
            UUID who = server;
            if (who != null) {
                cluster.offline(who);
            }
        }
    }

    /// Has a data server keep a key away from a region. The future is done once that is durable there and no
    /// command of those that were registered with the key can change the region any more; it fails with
    /// [ControlException] when the data server is away, refuses, or takes longer than [#FENCE_PATIENCE]: the
    /// fence may then be in force or not, and is to be asked for again.
    ///
    /// @param ownKey under which the metadata server is registered there, or is to be
    public CompletableFuture<Void> fence(RegionId region, long ownKey, long key) {
        var fence =
                Fence.newBuilder().setRegionId(bytes(region)).setOwnKey(ownKey).setKey(key);
        return ask(region, Request.newBuilder().setFence(fence).build(), FENCE_PATIENCE)
                .thenApply(fenced -> null);
    }

    /// Has a data server end the sessions of those that are registered at a region with a key, with all that they
    /// have sent there; they stay registered, and may log in again. The future is done once nothing of that can
    /// change the region any more, and fails as that of [#fence], though after [#DISCONNECT_PATIENCE].
    public CompletableFuture<Void> disconnect(RegionId region, long key) {
        var disconnect = Disconnect.newBuilder().setRegionId(bytes(region)).setKey(key);
        return ask(region, Request.newBuilder().setDisconnect(disconnect).build(), DISCONNECT_PATIENCE)
                .thenApply(disconnected -> null);
    }

    /// Who is registered at a region, and its reservation. Fails as [#fence] does.
    public CompletableFuture<Registrations> registrations(RegionId region) {
        var query = RegistrationsQuery.newBuilder().setRegionId(bytes(region));
        return ask(region, Request.newBuilder().setRegistrations(query).build(), FENCE_PATIENCE)
                .thenApply(Reply::getRegistrations);
    }

    private CompletableFuture<Reply> ask(RegionId region, Request request, Duration patience) {
        KnownRegion known = cluster.region(region);
        ControlLink link = known == null ? null : links.get(known.server());
        return link == null
                ? CompletableFuture.failedFuture(
                        new ControlException("the data server of region " + region + " is not there: start it"))
                : link.ask(request, patience);
    }

    /// How long a data server may be silent before it counts as gone.
    public long silenceNanos() {
        return TimeUnit.MILLISECONDS.toNanos((long) heartbeatMillis * MISSED_BEATS);
    }

    /// Checks everything that a data server says before it is kept.
    private static Presented presented(Register register) {
        if (register.getProtocol() != ControlTransport.PROTOCOL) {
            throw new IllegalArgumentException("control protocol " + Integer.toUnsignedString(register.getProtocol())
                    + ", this metadata server speaks " + ControlTransport.PROTOCOL
                    + ": use the same release on both sides");
        }
        require(
                register.getServerId().size() == UUID_BYTES,
                "server id of " + register.getServerId().size() + " bytes");
        require(isWord(register.getName(), MAX_NAME), "server name '" + register.getName() + "'");
        require(isWord(register.getTargetName(), MAX_TARGET_NAME), "target name '" + register.getTargetName() + "'");
        require(between(register.getRegionsCount(), MAX_REGIONS), "region count " + register.getRegionsCount());
        require(between(register.getPortalsCount(), MAX_PORTALS), "portal count " + register.getPortalsCount());
        var portals = new ArrayList<Portal>();
        for (String text : register.getPortalsList()) {
            portals.add(Portal.parse(text)
                    .orElseThrow(() -> new IllegalArgumentException("portal '" + text + "': host:port is wanted")));
        }
        UUID server = ClusterRecords.uuid(register.getServerId().toByteArray());
        var regions = new ArrayList<KnownRegion>();
        Set<RegionId> ids = new HashSet<>();
        for (Region region : register.getRegionsList()) {
            KnownRegion known = region(server, register, portals, region);
            require(ids.add(known.id()), "region " + known.id() + " twice");
            regions.add(known);
        }
        return new Presented(server, register.getName(), regions);
    }

    private static KnownRegion region(UUID server, Register register, List<Portal> portals, Region region) {
        require(
                region.getRegionId().size() == UUID_BYTES,
                "region id of " + region.getRegionId().size() + " bytes");
        require(
                region.getNaa().size() == KnownRegion.NAA_BYTES,
                "region name of " + region.getNaa().size() + " bytes");
        require(
                region.getSizeBytes() >= MIN_REGION_BYTES && region.getSizeBytes() <= Volume.MAX_CAPACITY,
                "region size " + Long.toUnsignedString(region.getSizeBytes()));
        require(
                region.getBlockBytes() == 512 || region.getBlockBytes() == 4096,
                "block size " + region.getBlockBytes());
        require(region.getLun() >= 0 && region.getLun() < 1 << 14, "unit number " + region.getLun());
        return new KnownRegion(
                new RegionId(ClusterRecords.uuid(region.getRegionId().toByteArray())),
                server,
                register.getName(),
                register.getTargetName(),
                portals,
                region.getLun(),
                Opaque.of(region.getNaa().toByteArray()),
                region.getSizeBytes(),
                region.getBlockBytes(),
                region.getDurabilityValue());
    }

    private static boolean between(int count, int max) {
        return count >= 1 && count <= max;
    }

    /// Something that can stand in a log and on a command line.
    private static boolean isWord(String text, int max) {
        return !text.isEmpty() && text.length() <= max && text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ',');
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException(what + " is not accepted: the data server speaks wrongly");
        }
    }

    private Status status() {
        var status = Status.newBuilder()
                .setClusterId(ByteString.copyFrom(ClusterRecords.bytes(clusterId)))
                .setBoot(boot)
                .setUptimeSeconds(TimeUnit.NANOSECONDS.toSeconds(nanoTime.getAsLong() - startedAtNanos));
        facts.addTo(status);
        for (ServerView server : cluster.servers()) {
            status.addDataServers(describe(server));
        }
        Set<DeviceId> draining = cluster.draining();
        for (Volume volume : cluster.volumes()) {
            var described = pnfs.wire.control.proto.Volume.newBuilder()
                    .setDeviceId(ByteString.copyFrom(volume.id().bytes()))
                    .setTopology(volume.topology().getClass().getSimpleName().toLowerCase(Locale.ROOT))
                    .setSizeBytes(volume.capacity());
            facts.freeBytes(volume.id()).ifPresent(described::setFreeBytes);
            facts.usedBytes(volume.id()).ifPresent(described::setUsedBytes);
            described.setQuarantined(facts.isQuarantined(volume.id()));
            described.setDraining(draining.contains(volume.id()));
            described.setWaitsFor(facts.waitsFor(volume.id()));
            described.setDrained(draining.contains(volume.id()) && facts.isDrained(volume.id()));
            volume.topology().leaves().forEach(leaf -> described.addRegionIds(bytes(leaf.region())));
            status.addVolumes(described);
        }
        return status.build();
    }

    private DataServer describe(ServerView server) {
        KnownRegion first = server.regions().getFirst();
        var described = DataServer.newBuilder()
                .setServerId(ByteString.copyFrom(ClusterRecords.bytes(server.id())))
                .setName(first.serverName())
                .setOnline(server.online())
                .setTargetName(first.targetName());
        first.portals().forEach(portal -> described.addPortals(portal.toString()));
        for (KnownRegion region : server.regions()) {
            described.addRegions(Region.newBuilder()
                    .setRegionId(bytes(region.id()))
                    .setNaa(ByteString.copyFrom(region.naa().toByteArray()))
                    .setSizeBytes(region.sizeBytes())
                    .setBlockBytes(region.blockBytes())
                    .setLun(region.lun())
                    .setDurabilityValue(region.durability()));
            RegionReport report = reports.get(region.id());
            if (report != null) {
                described.addReports(report);
            }
        }
        return described.build();
    }

    private static List<ByteString> ids(List<Volume> volumes) {
        return volumes.stream()
                .map(volume -> ByteString.copyFrom(volume.id().bytes()))
                .toList();
    }

    private static ByteString bytes(RegionId region) {
        return ByteString.copyFrom(ClusterRecords.bytes(region.uuid()));
    }
}
