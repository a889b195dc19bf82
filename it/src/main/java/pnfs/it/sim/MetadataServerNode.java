package pnfs.it.sim;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.SplittableGenerator;
import pnfs.mds.MetadataServer;
import pnfs.mds.Offer;
import pnfs.mds.attribute.Owners;
import pnfs.mds.attribute.Rights;
import pnfs.mds.delegation.DelegationPolicy;
import pnfs.mds.export.ExportSpec;
import pnfs.mds.store.engine.MemoryEngine;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.nfs4.LayoutType;

/// The metadata server: production's, on simulated shores, run after run. One thread.
final class MetadataServerNode {
    static final int MACHINE = 1;
    static final int NFS_PORT = 2049;
    static final int CONTROL_PORT = 2050;
    static final Duration LEASE = Duration.ofSeconds(10);
    private static final Instant BEGIN = Instant.ofEpochSecond(1_800_000_000);
    private static final int PLACEMENT_UNIT_BYTES = 32 << 10;
    /// In the coldest of so many kinds of stores every read goes to the disk.
    private static final int COLD_KINDS = 4;

    private final Fabric fabric;
    private final MeterRegistry meters;
    private final SplittableGenerator random;
    private final Offer offer;
    final Pace pace;
    private BooleanSupplier isCold = () -> false;
    private MemoryEngine engine = new MemoryEngine();
    private Host host;
    private Journal journal;
    private int powerLosses;
    private long clockSkewSeconds;

    MetadataServerNode(Fabric fabric, MeterRegistry meters, SplittableGenerator random) {
        this.fabric = fabric;
        this.meters = meters;
        this.random = random;
        this.offer = new Offer(
                LEASE,
                List.of(LayoutType.SCSI),
                List.of(ExportSpec.EVERYTHING),
                DelegationPolicy.ON,
                Owners.numeric(),
                PLACEMENT_UNIT_BYTES,
                List.of());
        this.pace = new Pace(random.split());
        this.host = new Host(fabric, fabric.agenda(), MACHINE, random);
        this.journal = new Journal(engine, host, pace);
        host.die();
    }

    /// From the next start on `random` says which reads of the store would have to wait for its disk: in every
    /// second run none.
    void chill(RandomGenerator random) {
        if (random.nextBoolean()) {
            int among = 1 << random.nextInt(COLD_KINDS);
            isCold = () -> random.nextInt(among) == 0;
        }
    }

    Host host() {
        return host;
    }

    boolean isUp() {
        return !host.isDead();
    }

    /// The clock on the wall is set, forwards or back.
    void jump(long seconds) {
        clockSkewSeconds += seconds;
    }

    private Instant now() {
        return BEGIN.plusNanos(fabric.agenda().nowNanos()).plusSeconds(clockSkewSeconds);
    }

    void start() {
        host = new Host(fabric, fabric.agenda(), MACHINE, random.split());
        fabric.boot(host);
        engine.coldWhen(isCold);
        journal = new Journal(engine, host, pace);
        var shores = new MetadataServer.Shores(
                journal, host, host::nowNanos, this::now, random.split(), "boot " + powerLosses);
        var server = new MetadataServer(offer, new Rights(0777, 0, 0), shores, meters, why -> {
            throw new Violation("the metadata server gave up: " + why);
        });
        Host serving = host;
        server.whenDurable(() -> serving.execute(() -> {
            try {
                serving.listen(
                        Fabric.address(MACHINE, CONTROL_PORT),
                        ControlWire.of(server::welcome),
                        ConnectionLimits.DEFAULT);
                server.serve(Fabric.address(MACHINE, NFS_PORT));
            } catch (IOException taken) {
                throw new IllegalStateException(taken);
            }
        }));
    }

    /// The process is killed: what it had not written yet is lost, and clients go on when it is back.
    void kill() {
        host.die();
        engine = journal.kill(random);
    }

    /// The machine goes down: clients have to take back what they held.
    void losePower() {
        host.vanish();
        engine = journal.losePower(random);
        powerLosses++;
    }

    /// Runs `then` once, soon after the server has changed something next: before that is durable, mostly.
    void atNextCommit(Runnable then) {
        journal.atNextCommit(then);
    }

    static long seconds(long seconds) {
        return TimeUnit.SECONDS.toNanos(seconds);
    }
}
