package pnfs.client;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.ClusterStatus.DataServer;
import pnfs.layout.device.Designator;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiBlockDevice;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.iscsi.SendTargets;
import pnfs.wire.net.Network;
import pnfs.wire.scsi.VpdPage;
import pnfs.wire.xdr.Opaque;

/// The disks that we are logged in to, by designator: one session a target, shared by all files. A designator
/// that is not among them is looked for at the portals that the options name and those that the metadata
/// server's control port tells. Safe for all threads.
final class Disks implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Disks.class);

    private static final String INITIATOR = "iqn.2025-01.pnfs:client.";
    /// ISIDs of the random kind, RFC 7143 §11.12.5.
    private static final long RANDOM_ISID = 0x80L << 40;

    private static final long ISID_BITS = (1L << 40) - 1;
    /// A data server may be starting again; after this the metadata server has to move the bytes.
    private static final Duration AWAY_LIMIT = Duration.ofSeconds(20);

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
    /// A data server that is away keeps our registration, which shuts nobody out.
    private static final Duration FAREWELL_LIMIT = Duration.ofSeconds(1);

    private final Network network;
    private final ClientOptions options;
    private final String initiatorName;
    private final long isid;
    private final Map<Target, IscsiInitiator> sessions = new ConcurrentHashMap<>();
    private final Map<Opaque, Found> known = new ConcurrentHashMap<>();
    private final Set<Disk> registered = ConcurrentHashMap.newKeySet();
    private final SharedWork discovery = new SharedWork();

    /// A disk and how large it is.
    record Found(Disk disk, long capacityBytes) {}

    private record Target(List<InetSocketAddress> portals, String name) {}

    Disks(Network network, ClientOptions options, RandomGenerator random) {
        this.network = network;
        this.options = options;
        this.initiatorName = INITIATOR + Long.toHexString(random.nextLong());
        this.isid = RANDOM_ISID | (random.nextLong() & ISID_BITS);
    }

    /// The disk with this designator; null where no portal has it.
    @Nullable
    Found find(Designator designator) {
        Found found = known.get(designator.bytes());
        if (found == null) {
            lookAgain();
            found = known.get(designator.bytes());
        }
        return found;
    }

    /// Finds disks that are somewhere else now, too.
    void lookAgain() {
        try {
            discovery.run(this::discover);
        } catch (IOException e) {
            log.warn("discovery failed why={}", e.getMessage());
        }
    }

    /// Registers us at a disk with the key that the metadata server gave us for it, instead of an earlier one.
    void register(Disk disk, long key) throws IOException {
        await(disk.register(key), disk);
        registered.add(disk);
    }

    /// Where disks are looked for, for messages.
    String portals() {
        return options.portals() + (options.control() == null ? "" : " and those that " + options.control() + " names");
    }

    private void discover() throws IOException {
        Set<Target> told = targets();
        for (Target target : told) {
            if (!sessions.containsKey(target)) {
                try {
                    logIn(target, reachable(target.portals()));
                } catch (IOException e) {
                    log.warn("target not usable target={} why={}", target, e.getMessage());
                }
            }
        }
        sessions.entrySet().removeIf(session -> {
            boolean moved = !told.contains(session.getKey())
                    && isAmong(told, session.getKey().name());
            if (moved) {
                session.getValue().close(); // what is still under way there fails, and goes another way
            }
            return moved;
        });
    }

    /// Whether we are logged in to the target of this name at a place where it is now.
    private boolean isAmong(Set<Target> told, String name) {
        return told.stream().anyMatch(target -> target.name().equals(name) && sessions.containsKey(target));
    }

    /// Of several addresses the first that takes a connection: a data server between two networks has one for
    /// each. Where none does it may be away for a moment, and the first is as good as any.
    private static InetSocketAddress reachable(List<InetSocketAddress> portals) {
        return portals.size() == 1
                ? portals.getFirst()
                : portals.stream().filter(Disks::takesConnections).findFirst().orElseGet(portals::getFirst);
    }

    private static boolean takesConnections(InetSocketAddress portal) {
        try (var socket = new Socket()) {
            socket.connect(portal, (int) CONNECT_LIMIT.toMillis());
            return true;
        } catch (IOException e) {
            log.debug("portal not reachable portal={} why={}", portal, e.getMessage());
            return false;
        }
    }

    private Set<Target> targets() throws IOException {
        var targets = new HashSet<Target>();
        if (options.control() != null) {
            for (DataServer server :
                    new ControlClient(options.control()).status().dataServers()) {
                if (server.online() && !server.portals().isEmpty()) {
                    targets.add(new Target(
                            server.portals().stream().map(Addresses::parse).toList(), server.targetName()));
                }
            }
        }
        for (InetSocketAddress portal : options.portals()) {
            for (SendTargets.Target told : await(SendTargets.ask(network, portal, initiatorName), portal)) {
                targets.add(new Target(
                        told.portals().stream().map(Addresses::resolved).toList(), told.name()));
            }
        }
        return targets;
    }

    private void logIn(Target target, InetSocketAddress portal) throws IOException {
        IscsiInitiator session = IscsiInitiator.open(
                network,
                InitiatorConfig.of(portal, target.name(), initiatorName, isid)
                        .withTimes(InitiatorConfig.Times.DEFAULT.withReplacement(AWAY_LIMIT)));
        try {
            await(session.loggedIn(), target);
            for (int lun : await(session.reportLuns(), target).luns()) {
                IscsiBlockDevice device = await(IscsiBlockDevice.open(session, lun), target);
                VpdPage page = await(session.vitalProductData(lun, VpdPage.DEVICE_IDENTIFICATION), target);
                if (page instanceof VpdPage.DeviceIdentification identification) {
                    add(device, identification);
                }
            }
            sessions.put(target, session);
        } catch (IOException e) {
            session.close();
            throw e;
        }
    }

    private void add(IscsiBlockDevice device, VpdPage.DeviceIdentification identification) {
        var found = new Found(new IscsiDisk(device), device.capacityBytes());
        for (VpdPage.Designator designator : identification.designators()) {
            if (designator.association() == VpdPage.Designator.LOGICAL_UNIT) {
                known.put(Opaque.of(designator.name()), found);
            }
        }
    }

    private static <T> T await(CompletableFuture<T> future, Object whom) throws IOException {
        try {
            return future.get(ANSWER_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException(whom + ": " + Why.of(e.getCause()), e.getCause());
        } catch (TimeoutException e) {
            throw new IOException(whom + ": no answer within " + ANSWER_LIMIT.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while looking for disks", e);
        }
    }

    /// Takes back our registrations and logs out.
    @Override
    public void close() {
        CompletableFuture<?>[] leaving =
                registered.stream().map(disk -> disk.register(0)).toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(leaving).get(FAREWELL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.debug("registration stays", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sessions.values().forEach(IscsiInitiator::close);
    }

    /// A logical unit. The session below reconnects and sends again what was lost on the way.
    private record IscsiDisk(IscsiBlockDevice device) implements Disk {
        @Override
        public CompletableFuture<Void> register(long key) {
            return device.register(key);
        }

        @Override
        public CompletableFuture<Void> write(long offset, ByteBuffer data) {
            var done = new CompletableFuture<Void>();
            int bytes = data.remaining();
            device.write(offset, data, (moved, failure) -> complete(done, bytes, moved, failure));
            return done;
        }

        @Override
        public CompletableFuture<Void> read(long offset, ByteBuffer into) {
            var done = new CompletableFuture<Void>();
            int bytes = into.remaining();
            device.read(offset, into, (moved, failure) -> complete(done, bytes, moved, failure));
            return done;
        }

        private static void complete(
                CompletableFuture<Void> done, int wanted, int moved, @Nullable RuntimeException failure) {
            if (failure != null) {
                done.completeExceptionally(failure);
            } else if (moved != wanted) {
                done.completeExceptionally(new IOException("moved " + moved + " of " + wanted + " bytes"));
            } else {
                done.complete(null);
            }
        }
    }
}
