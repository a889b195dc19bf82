package pnfs.it.sim;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator.SplittableGenerator;
import pnfs.ds.agent.FenceDesk;
import pnfs.ds.iscsi.AccessList;
import pnfs.ds.iscsi.IscsiTarget;
import pnfs.ds.iscsi.TargetSettings;
import pnfs.ds.region.Memo;
import pnfs.ds.region.Region;
import pnfs.ds.region.RegionHeader;
import pnfs.ds.reservation.SharedVolume;
import pnfs.ds.scsi.ScsiTarget;
import pnfs.ds.volume.Volume;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.Durability;
import pnfs.wire.control.proto.Heartbeat;
import pnfs.wire.control.proto.Register;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.net.ConnectionLimits;

/// A data server: production's target over simulated memory, run after run. What stands in for production is its
/// agent alone, which is a thread that waits there. One thread.
final class DataServerNode {
    static final int REGION_BYTES = 1 << 20;
    static final int PORT = 3260;
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final int number;
    private final int machine;
    private final Fabric fabric;
    private final MeterRegistry meters;
    private final SplittableGenerator random;
    private final RegionHeader header;
    private final Medium data;
    private final Medium memo;
    private final Medium.Watcher watcher;
    private final Checker checker;
    final Pace pace;
    private Host host;

    /// @param number of its region, for the checker
    DataServerNode(
            int number, int machine, Fabric fabric, MeterRegistry meters, SplittableGenerator random, Checker checker) {
        this.number = number;
        this.machine = machine;
        this.fabric = fabric;
        this.meters = meters;
        this.random = random;
        this.checker = checker;
        this.header = RegionHeader.of(new UUID(0x5150, number), 4096, REGION_BYTES);
        this.data = new Medium(REGION_BYTES, (byte) (0xa0 + number)); // what files before ours left behind
        this.memo = new Medium(RegionHeader.MEMO_BYTES, (byte) 0);
        this.watcher = (offset, length) -> checker.stored(number, data.live(), (int) offset, (int) length);
        this.pace = new Pace(random.split());
        this.host = new Host(fabric, fabric.agenda(), machine, random);
        host.die();
    }

    int machine() {
        return machine;
    }

    Host host() {
        return host;
    }

    String targetName() {
        return "iqn.2026-11.sim:ds" + number;
    }

    UUID regionId() {
        return header.uuid();
    }

    byte[] naa() {
        return header.naa().toBytes();
    }

    boolean isUp() {
        return !host.isDead();
    }

    void start() {
        host = new Host(fabric, fabric.agenda(), machine, random.split());
        fabric.boot(host);
        var region = new Region(
                header,
                data.segment(),
                data.persistence(host, pace, watcher),
                new Memo(memo.segment(), memo::writeBack, memo.persistence(host, pace, (offset, length) -> {})),
                () -> {});
        var volumes = List.of(SharedVolume.open(new Volume(region)));
        var settings = new TargetSettings(
                targetName(), List.of(), 64, 64, 65_536, 1 << 20, 65_536, 15, 30, AccessList.EVERYBODY);
        var target = new IscsiTarget(settings, new ScsiTarget(targetName(), volumes, meters), meters);
        try {
            host.listen(Fabric.address(machine, PORT), target::accept, ConnectionLimits.DEFAULT);
        } catch (IOException taken) {
            throw new IllegalStateException(taken);
        }
        new Registrar(host, new FenceDesk(volumes, target::cutOff)).begin();
    }

    /// The process is killed: its memory is the kernel's and stays.
    void kill() {
        host.die();
    }

    /// The machine goes down.
    void losePower() {
        host.vanish();
        data.losePower(random);
        memo.losePower(random);
    }

    /// Keeps the data server registered.
    private final class Registrar {
        private final Host host;
        private final FenceDesk desk;
        private long beats;

        Registrar(Host host, FenceDesk desk) {
            this.host = host;
            this.desk = desk;
        }

        void begin() {
            host.connect(
                    Fabric.address(MetadataServerNode.MACHINE, MetadataServerNode.CONTROL_PORT),
                    ControlWire.of(this::welcome),
                    ConnectionLimits.CLIENT.withStall(Duration.ofSeconds(5)),
                    refused -> host.schedule(RETRY_NANOS, this::begin));
        }

        private ControlHandler welcome(ControlLink link) {
            host.execute(() -> register(link));
            return new ControlHandler() {
                @Override
                public void onRequest(Request request, Consumer<Reply> reply) {
                    desk.onRequest(request, answer -> {
                        if (answer.hasFenced()) {
                            checker.fenced(number, request.getFence().getKey());
                        }
                        reply.accept(answer);
                    });
                }

                @Override
                public void onClosed() {
                    host.schedule(RETRY_NANOS, Registrar.this::begin);
                }
            };
        }

        private void register(ControlLink link) {
            var register = Register.newBuilder()
                    .setProtocol(ControlTransport.PROTOCOL)
                    .setServerId(bytes(new UUID(0xd5, number)))
                    .setName("ds" + number)
                    .setTargetName(targetName())
                    .addPortals(Fabric.address(machine, PORT).getAddress().getHostAddress() + ":" + PORT)
                    .addRegions(pnfs.wire.control.proto.Region.newBuilder()
                            .setRegionId(bytes(header.uuid()))
                            .setNaa(ByteString.copyFrom(naa()))
                            .setSizeBytes(REGION_BYTES)
                            .setBlockBytes(4096)
                            .setDurability(Durability.MSYNC));
            var _ = link.ask(Request.newBuilder().setRegister(register).build(), PATIENCE)
                    .whenComplete((reply, refused) -> {
                        if (refused == null) {
                            beat(link, reply.getRegistered().getHeartbeatMillis());
                        } else {
                            link.close();
                        }
                    });
        }

        private void beat(ControlLink link, int millis) {
            host.schedule(TimeUnit.MILLISECONDS.toNanos(millis), () -> {
                var heartbeat = Heartbeat.newBuilder().setSequence(++beats);
                var _ = link.ask(Request.newBuilder().setHeartbeat(heartbeat).build(), PATIENCE)
                        .whenComplete((reply, refused) -> {
                            if (refused == null) {
                                beat(link, millis);
                            } else {
                                link.close();
                            }
                        });
            });
        }
    }

    private static ByteString bytes(UUID uuid) {
        return ByteString.copyFrom(ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .flip());
    }
}
