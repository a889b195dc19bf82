package pnfs.ds;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.agent.Agent;
import pnfs.ds.agent.FaultDesk;
import pnfs.ds.agent.ServerIdentity;
import pnfs.ds.fault.FaultScript;
import pnfs.ds.iscsi.AccessList;
import pnfs.ds.iscsi.IscsiTarget;
import pnfs.ds.iscsi.TargetSettings;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Network;
import pnfs.wire.net.NioNetwork;

/// A running data server: every part, in order of construction, and let go in reverse.
final class Wiring implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Wiring.class);

    private final List<Region> regions;
    private final Network network;
    private final IscsiTarget target;
    private final Listener iscsi;
    private final String targetName;
    private final @Nullable Agent agent;
    private final @Nullable Control control;

    /// The control port, and where it is.
    private record Control(ControlTransport transport, HostPort address) {}

    private Wiring(
            List<Region> regions,
            Network network,
            IscsiTarget target,
            Listener iscsi,
            String targetName,
            @Nullable Agent agent,
            @Nullable Control control) {
        this.regions = List.copyOf(regions);
        this.network = network;
        this.target = target;
        this.iscsi = iscsi;
        this.targetName = targetName;
        this.agent = agent;
        this.control = control;
    }

    /// Opens the regions, then serves them.
    ///
    /// @throws IOException with a line for the operator; nothing is left open then
    static Wiring start(Settings settings, MeterRegistry meters) throws IOException {
        var regions = new ArrayList<Region>();
        Network network = null;
        Control control = null;
        try {
            AccessList access = settings.access() == null ? AccessList.EVERYBODY : AccessList.read(settings.access());
            for (Path path : settings.regions()) {
                regions.add(RegionFile.open(path, meters));
            }
            List<SharedVolume> volumes =
                    regions.stream().map(Volume::new).map(SharedVolume::open).toList();
            String targetName = settings.targetName() == null
                    ? "iqn.2026-01.pnfs:" + volumes.getFirst().volume().naa()
                    : settings.targetName();
            var faults = new FaultScript(Wiring::cutPower);
            var scsi = new ScsiTarget(targetName, volumes, meters, faults);

            network = new NioNetwork(settings.loops(), System::nanoTime);
            var limits = ConnectionLimits.DEFAULT
                    .withMaxConnections(Limits.MAX_CONNECTIONS)
                    .withQueue(Limits.SOFT_QUEUE_BYTES, Limits.HARD_QUEUE_BYTES)
                    .withStall(Limits.STALL);
            var target = new IscsiTarget(targetSettings(settings, targetName, access), scsi, meters);
            Listener iscsi = network.listen(settings.listen().resolved(), target::accept, limits);
            control = control(settings, faults);
            Agent agent = agent(settings, targetName, volumes, target, HostPort.of(iscsi.address()));
            return new Wiring(regions, network, target, iscsi, targetName, agent, control);
        } catch (IOException | RuntimeException failed) {
            if (network != null) {
                network.close();
            }
            if (control != null) {
                control.transport().close();
            }
            regions.forEach(Region::close);
            throw failed;
        }
    }

    /// A power cut writes nothing any more, and says nothing: the exit status is that of `kill -9`.
    private static void cutPower() {
        Runtime.getRuntime().halt(137);
    }

    private static @Nullable Control control(Settings settings, FaultScript faults) throws IOException {
        if (settings.control() == null) {
            return null;
        }
        InetSocketAddress at = settings.control().resolved();
        if (!at.getAddress().isLoopbackAddress()) {
            throw new IOException("--control " + settings.control() + " can be reached from other machines, and whoever"
                    + " reaches it may let commands fail: listen at 127.0.0.1 or [::1]");
        }
        var transport = new ControlTransport("control");
        try {
            var desk = new FaultDesk(faults, ScsiTarget.commandNames());
            return new Control(transport, HostPort.of(transport.listen(at, link -> desk)));
        } catch (IOException refused) {
            transport.close();
            throw refused;
        }
    }

    private static @Nullable Agent agent(
            Settings settings, String targetName, List<SharedVolume> volumes, IscsiTarget target, HostPort listening)
            throws IOException {
        HostPort mds = settings.mds();
        if (mds == null) {
            return null;
        }
        UUID id = ServerIdentity.beside(settings.regions().getFirst()).uuid();
        List<String> portals = settings.advertise().isEmpty() ? List.of(listening.toString()) : advertised(settings);
        var presence = new Agent.Presence(id, settings.name(), targetName, portals, volumes);
        return new Agent(presence, target::cutOff, mds.host(), mds.port(), new SplittableRandom());
    }

    private static List<String> advertised(Settings settings) {
        return settings.advertise().stream().map(HostPort::toString).toList();
    }

    private static TargetSettings targetSettings(Settings settings, String targetName, AccessList access) {
        return new TargetSettings(
                targetName,
                advertised(settings),
                Limits.MAX_SESSIONS,
                Limits.COMMAND_WINDOW,
                Limits.MAX_RECEIVE_BYTES,
                Limits.MAX_BURST_BYTES,
                Limits.FIRST_BURST_BYTES,
                Limits.LOGIN_SECONDS,
                Limits.PING_SECONDS,
                access);
    }

    /// Whether files can be placed here: a metadata server knows us, or none was asked for.
    boolean isReady() {
        return agent == null || agent.isRegistered();
    }

    /// Where iSCSI is really served.
    HostPort iscsiAddress() {
        return HostPort.of(iscsi.address());
    }

    /// Where faults are set; null for nowhere.
    @Nullable
    HostPort controlAddress() {
        return control == null ? null : control.address();
    }

    String targetName() {
        return targetName;
    }

    List<Region> regions() {
        return regions;
    }

    /// Says goodbye, also to initiators, then no connections, then what was written is made durable and the
    /// files let go.
    @Override
    public void close() {
        try {
            if (agent != null) {
                agent.close();
            }
            if (control != null) {
                control.transport().close();
            }
        } catch (IOException afterAll) {
            log.debug("control transport did not close", afterAll);
        }
        try {
            target.dismiss(Limits.DISMISSAL);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
        iscsi.close();
        network.close();
        regions.forEach(Region::close);
        log.info("data server stopped");
    }
}
