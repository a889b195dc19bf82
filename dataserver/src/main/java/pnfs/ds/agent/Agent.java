package pnfs.ds.agent;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.volume.Volume;
import pnfs.wire.control.ControlException;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Durability;
import pnfs.wire.control.proto.Goodbye;
import pnfs.wire.control.proto.Heartbeat;
import pnfs.wire.control.proto.Region;
import pnfs.wire.control.proto.RegionReport;
import pnfs.wire.control.proto.Register;
import pnfs.wire.control.proto.Registered;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;

/// Keeps a data server registered: connects, registers, beats, and begins anew when the metadata server was
/// away. One thread, plain blocking code; initiators are served whether it succeeds or not.
///
/// Between attempts it waits longer and longer, up to [#MAX_PAUSE], each time a little differently, so that a
/// metadata server that comes back is not met by everybody at once.
public final class Agent implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Agent.class);

    static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    /// Nothing can be allocated here until the metadata server that came back has heard from us.
    static final Duration MAX_PAUSE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration GOODBYE_PATIENCE = Duration.ofSeconds(1);
    private static final long MIN_BEAT_MILLIS = 10;
    private static final long MAX_BEAT_MILLIS = 60_000;

    /// What this data server says of itself.
    ///
    /// @param id who it is, for life
    /// @param name for people
    /// @param targetName iSCSI name
    /// @param portals where initiators reach it, `host:port`
    /// @param volumes LUN 0, 1, …
    public record Presence(UUID id, String name, String targetName, List<String> portals, List<SharedVolume> volumes) {
        public Presence {
            portals = List.copyOf(portals);
            volumes = List.copyOf(volumes);
        }
    }

    private final Presence presence;
    private final FenceDesk desk;
    private final String mdsHost;
    private final int mdsPort;
    private final ControlTransport transport;
    private final RandomGenerator random;
    private final Thread thread;
    /// Ends a pause early: the link is gone, or we are to stop.
    private final Semaphore alarm = new Semaphore(0);
    private volatile boolean stopping;
    private volatile boolean registered;

    // Confined to the thread.
    private long pauseMillis = FIRST_PAUSE.toMillis();
    private String lastTrouble = "";

    /// Begins at once.
    ///
    /// @param sessions of the initiators that reach the volumes
    /// @param mdsHost looked up at each attempt: a metadata server may come back at another address
    /// @param random for the pauses
    public Agent(Presence presence, FenceDesk.Sessions sessions, String mdsHost, int mdsPort, RandomGenerator random)
            throws IOException {
        this.presence = presence;
        this.desk = new FenceDesk(presence.volumes(), sessions);
        this.mdsHost = mdsHost;
        this.mdsPort = mdsPort;
        this.random = random;
        this.transport = new ControlTransport("control");
        this.thread = Thread.ofPlatform().name("agent").start(this::run);
    }

    /// Whether a metadata server knows us at the moment, as far as we can tell.
    public boolean isRegistered() {
        return registered;
    }

    private void run() {
        while (!stopping) {
            try {
                serveOneLink();
            } catch (IOException | ControlException trouble) {
                complain(String.valueOf(trouble.getMessage()));
            } catch (RuntimeException bug) {
                // Without this thread nobody would find our regions until somebody starts us again.
                log.error("registering failed; trying again", bug);
            } finally {
                registered = false;
            }
            pause(pauseMillis / 2 + random.nextLong(pauseMillis / 2 + 1));
            pauseMillis = Math.min(2 * pauseMillis, MAX_PAUSE.toMillis());
        }
    }

    /// From the connection to its end.
    private void serveOneLink() throws IOException {
        var closed = new Closed();
        ControlLink link = transport.connect(new InetSocketAddress(mdsHost, mdsPort), closed, PATIENCE);
        try {
            Registered welcome = ask(link, Request.newBuilder().setRegister(introduction()), PATIENCE)
                    .getRegistered();
            registered = true;
            pauseMillis = FIRST_PAUSE.toMillis();
            lastTrouble = "";
            log.info(
                    "registered mds={}:{} boot={} beatMillis={}",
                    mdsHost,
                    mdsPort,
                    welcome.getBoot(),
                    welcome.getHeartbeatMillis());
            long beatMillis = Math.clamp(welcome.getHeartbeatMillis(), MIN_BEAT_MILLIS, MAX_BEAT_MILLIS);
            for (long beat = 1; !stopping && !closed.happened; beat++) {
                ask(link, Request.newBuilder().setHeartbeat(heartbeat(beat)), PATIENCE);
                pause(beatMillis);
            }
            if (closed.happened) {
                complain("metadata server " + mdsHost + ":" + mdsPort + " closed the connection");
            } else {
                ask(link, Request.newBuilder().setGoodbye(Goodbye.getDefaultInstance()), GOODBYE_PATIENCE);
            }
        } finally {
            link.close();
        }
    }

    /// What the metadata server asks, and that it may go away.
    private final class Closed implements ControlHandler {
        private volatile boolean happened;

        @Override
        public void onRequest(Request request, Consumer<Reply> reply) {
            desk.onRequest(request, reply);
        }

        @Override
        public void onClosed() {
            happened = true;
            alarm.release();
        }
    }

    private static Reply ask(ControlLink link, Request.Builder request, Duration patience) {
        try {
            return link.ask(request.build(), patience).join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof ControlException known
                    ? known
                    : new ControlException(link.peer() + " did not answer: " + failed.getCause());
        }
    }

    /// Says once what is wrong, and again only when it is something else.
    private void complain(String trouble) {
        if (!trouble.equals(lastTrouble) && !stopping) {
            log.warn("not registered why={}; trying again", trouble);
        }
        lastTrouble = trouble;
    }

    private void pause(long millis) {
        try {
            if (!stopping && alarm.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                alarm.drainPermits();
            }
        } catch (InterruptedException nobodysBusiness) {
            stopping = true; // nobody else has this thread, so it is an order to end
        }
    }

    private Register introduction() {
        var register = Register.newBuilder()
                .setProtocol(ControlTransport.PROTOCOL)
                .setServerId(bytes(presence.id()))
                .setName(presence.name())
                .setTargetName(presence.targetName())
                .addAllPortals(presence.portals());
        for (int lun = 0; lun < presence.volumes().size(); lun++) {
            Volume volume = presence.volumes().get(lun).volume();
            register.addRegions(Region.newBuilder()
                    .setRegionId(bytes(volume.id()))
                    .setNaa(ByteString.copyFrom(volume.naa().toBytes()))
                    .setSizeBytes(volume.sizeBytes())
                    .setBlockBytes(volume.blockBytes())
                    .setLun(lun)
                    .setDurability(durability(volume)));
        }
        return register.build();
    }

    private static Durability durability(Volume volume) {
        return switch (volume.durability()) {
            case DAX -> Durability.DAX;
            case MSYNC -> Durability.MSYNC;
            case VOLATILE -> Durability.VOLATILE;
        };
    }

    private Heartbeat heartbeat(long number) {
        var heartbeat = Heartbeat.newBuilder().setSequence(number);
        for (SharedVolume shared : presence.volumes()) {
            Volume volume = shared.volume();
            Volume.Traffic traffic = volume.traffic();
            heartbeat.addRegions(RegionReport.newBuilder()
                    .setRegionId(bytes(volume.id()))
                    .setReadBytes(traffic.readBytes())
                    .setWrittenBytes(traffic.writtenBytes())
                    .setReadCommands(traffic.readCommands())
                    .setWriteCommands(traffic.writeCommands())
                    .setFailed(volume.hasFailed()));
        }
        return heartbeat.build();
    }

    static ByteString bytes(UUID uuid) {
        return ByteString.copyFrom(ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .flip());
    }

    /// Says goodbye if there is somebody to say it to.
    @Override
    public void close() throws IOException {
        stopping = true;
        alarm.release();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        transport.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
