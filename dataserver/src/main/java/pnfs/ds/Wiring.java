package pnfs.ds;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.ds.iscsi.IscsiTarget;
import pnfs.ds.iscsi.TargetSettings;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionFile;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Network;
import pnfs.wire.net.NioNetwork;

/// A running data server: every part, in order of construction, and let go in reverse.
final class Wiring implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Wiring.class);

    private final List<Region> regions = new ArrayList<>();
    private final Network network;
    private final Listener iscsi;
    private final String targetName;

    private Wiring(Network network, Listener iscsi, List<Region> regions, String targetName) {
        this.network = network;
        this.iscsi = iscsi;
        this.regions.addAll(regions);
        this.targetName = targetName;
    }

    /// Opens the regions, then serves them.
    ///
    /// @throws IOException with a line for the operator; nothing is left open then
    static Wiring start(Settings settings, MeterRegistry meters) throws IOException {
        var regions = new ArrayList<Region>();
        Network network = null;
        try {
            for (Path path : settings.regions()) {
                regions.add(RegionFile.open(path, meters));
            }
            List<Volume> volumes = regions.stream().map(Volume::new).toList();
            String targetName = settings.targetName() == null
                    ? "iqn.2026-01.pnfs:" + volumes.getFirst().naa()
                    : settings.targetName();
            var scsi = new ScsiTarget(targetName, volumes, meters);

            network = new NioNetwork(settings.loops(), System::nanoTime);
            var limits = ConnectionLimits.DEFAULT
                    .withMaxConnections(Limits.MAX_CONNECTIONS)
                    .withQueue(Limits.SOFT_QUEUE_BYTES, Limits.HARD_QUEUE_BYTES)
                    .withStall(Limits.STALL);
            var target = new IscsiTarget(targetSettings(settings, targetName), scsi, meters);
            Listener iscsi = network.listen(settings.listen().resolved(), target::accept, limits);
            return new Wiring(network, iscsi, regions, targetName);
        } catch (IOException | RuntimeException failed) {
            if (network != null) {
                network.close();
            }
            regions.forEach(Region::close);
            throw failed;
        }
    }

    private static TargetSettings targetSettings(Settings settings, String targetName) {
        return new TargetSettings(
                targetName,
                settings.advertise() == null
                        ? List.of()
                        : List.of(settings.advertise().toString()),
                Limits.MAX_SESSIONS,
                Limits.COMMAND_WINDOW,
                Limits.MAX_RECEIVE_BYTES,
                Limits.MAX_BURST_BYTES,
                Limits.FIRST_BURST_BYTES,
                Limits.LOGIN_SECONDS,
                Limits.PING_SECONDS);
    }

    /// Where iSCSI is really served.
    HostPort iscsiAddress() {
        return HostPort.of(iscsi.address());
    }

    String targetName() {
        return targetName;
    }

    List<Region> regions() {
        return List.copyOf(regions);
    }

    /// No new commands, then no connections, then what was written made durable and the files let go.
    @Override
    public void close() {
        iscsi.close();
        network.close();
        regions.forEach(Region::close);
        log.info("data server stopped");
    }
}
