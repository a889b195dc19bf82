package pnfs.mds.proxy;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.layout.device.DataServer;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.RegionId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Piece;
import pnfs.wire.iscsi.InitiatorConfig;
import pnfs.wire.iscsi.IscsiBlockDevice;
import pnfs.wire.iscsi.IscsiInitiator;
import pnfs.wire.iscsi.IscsiSessionException;
import pnfs.wire.net.Network;
import pnfs.wire.scsi.ScsiException;

/// Volumes over iSCSI: resolves an address of a volume to its regions and keeps a session with each data server
/// that was ever needed. A data server that is away makes its transfers fail as passing after a short time; its
/// session comes back by itself.
public final class DataServerIo implements BlockIo, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DataServerIo.class);
    /// A client that waits for us has its own patience; ours is shorter, so that it hears DELAY and not nothing.
    private static final InitiatorConfig.Times TIMES =
            InitiatorConfig.Times.DEFAULT.withReplacement(Duration.ofSeconds(5));

    private final Network network;
    private final String initiatorName;
    private final long isid;
    private final long reservationKey;
    private final Function<DeviceId, Optional<Volume>> volumes;
    private final Function<RegionId, Optional<DataServer.Export>> exports;
    private final Announcement announcement;
    private final Map<DataServer, IscsiInitiator> initiators = new ConcurrentHashMap<>();
    private final Map<DataServer.Export, CompletableFuture<IscsiBlockDevice>> devices = new ConcurrentHashMap<>();

    /// Hears of each write before it goes to the data servers.
    @FunctionalInterface
    public interface Announcement {
        /// Runs `write`, which begins it, when it may begin; on any thread.
        void before(DeviceId volume, Runnable write);
    }

    /// @param initiatorName our own iSCSI name
    /// @param isid 48 bits, the same in each run: with the name it is the port that registrations belong to
    /// @param reservationKey with which we register at each unit, because a fence shuts out who is not registered
    /// @param exports the way to a region as it is known now
    public DataServerIo(
            Network network,
            String initiatorName,
            long isid,
            long reservationKey,
            Function<DeviceId, Optional<Volume>> volumes,
            Function<RegionId, Optional<DataServer.Export>> exports,
            Announcement announcement) {
        this.network = network;
        this.initiatorName = initiatorName;
        this.isid = isid;
        this.reservationKey = reservationKey;
        this.volumes = volumes;
        this.exports = exports;
        this.announcement = announcement;
    }

    @Override
    public void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done) {
        transfer(
                volume,
                volumeOffset,
                into,
                done,
                (device, piece, part, end) ->
                        device.read(piece.offset(), part, (bytes, failure) -> end.done(failureOf(piece, failure))));
    }

    @Override
    public void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done) {
        announcement.before(
                volume,
                () -> transfer(
                        volume,
                        volumeOffset,
                        from,
                        done,
                        (device, piece, part, end) -> device.write(
                                piece.offset(), part, (bytes, failure) -> end.done(writeFailure(piece, failure)))));
    }

    /// Done when nothing that an earlier run sent to this volume can reach it any more: every data server under it
    /// has a session of this run, which took the place of that of the run before (RFC 7143 §6.3.5).
    public CompletableFuture<Void> supersede(Volume volume) {
        return CompletableFuture.allOf(volume.topology().leaves().stream()
                .map(leaf -> device(leaf.region()))
                .toArray(CompletableFuture<?>[]::new));
    }

    private interface Move {
        void begin(IscsiBlockDevice device, Piece piece, ByteBuffer part, Done end);
    }

    private void transfer(DeviceId id, long volumeOffset, ByteBuffer data, Done done, Move move) {
        Optional<Volume> volume = volumes.apply(id);
        if (volume.isEmpty()) {
            done.done(new IoFailure(IoFailure.Lasting.LASTING, "no volume " + id));
            return;
        }
        List<Piece> pieces = volume.get().topology().resolve(volumeOffset, data.remaining());
        var end = new Gather(pieces.size(), done);
        int at = data.position();
        for (Piece piece : pieces) {
            ByteBuffer part = data.slice(at, (int) piece.length());
            at += (int) piece.length();
            var _ = device(piece.region()).whenComplete((device, failure) -> {
                if (failure != null) {
                    end.done(passing(piece, failure));
                } else {
                    begin(move, device, piece, part, end);
                }
            });
        }
    }

    /// A unit that is smaller than it was registered, or has other blocks, refuses at once; whoever waits must
    /// hear of it.
    private static void begin(Move move, IscsiBlockDevice device, Piece piece, ByteBuffer part, Done end) {
        try {
            move.begin(device, piece, part, end);
        } catch (IllegalArgumentException refused) {
            end.done(
                    new IoFailure(IoFailure.Lasting.LASTING, "region " + piece.region() + ": " + refused.getMessage()));
        }
    }

    private CompletableFuture<IscsiBlockDevice> device(RegionId region) {
        Optional<DataServer.Export> export = exports.apply(region);
        if (export.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new IllegalStateException("region " + region + " has no data server"));
        }
        CompletableFuture<IscsiBlockDevice> device = devices.computeIfAbsent(export.get(), this::open);
        if (device.isCompletedExceptionally() && devices.remove(export.get(), device)) {
            return devices.computeIfAbsent(export.get(), this::open);
        }
        return device;
    }

    private CompletableFuture<IscsiBlockDevice> open(DataServer.Export export) {
        IscsiInitiator initiator = initiators.computeIfAbsent(export.server(), this::dial);
        return IscsiBlockDevice.open(initiator, export.lun())
                .thenCompose(device -> device.register(reservationKey).thenApply(registered -> device));
    }

    private IscsiInitiator dial(DataServer server) {
        log.info("session begun server={} portal={}:{}", server.id(), server.host(), server.port());
        var portal = new InetSocketAddress(server.host(), server.port());
        return IscsiInitiator.open(
                network,
                InitiatorConfig.of(portal, server.targetName(), initiatorName, isid)
                        .withTimes(TIMES));
    }

    /// A region is gone from where it was, and its data server with it, because two never serve one region:
    /// nothing is kept for that place, and with the last region there nothing for its data server.
    public void forget(RegionId region) {
        Optional<DataServer.Export> current = exports.apply(region);
        for (DataServer.Export export : List.copyOf(devices.keySet())) {
            if (export.region().equals(region) && !current.equals(Optional.of(export))) {
                devices.remove(export);
                if (devices.keySet().stream().noneMatch(other -> other.server().equals(export.server()))) {
                    IscsiInitiator initiator = initiators.remove(export.server());
                    if (initiator != null) {
                        initiator.close();
                    }
                }
            }
        }
    }

    /// As [#failureOf], and a data server that was lost with the command may still carry it out.
    private static @Nullable IoFailure writeFailure(Piece piece, @Nullable RuntimeException failure) {
        IoFailure described = failureOf(piece, failure);
        return described != null && failure instanceof IscsiSessionException lost
                ? new IoFailure(described.passing(), described.detail(), lost.over())
                : described;
    }

    /// What the unit itself answered lasts; anything else is the way to it.
    private static @Nullable IoFailure failureOf(Piece piece, @Nullable RuntimeException failure) {
        if (failure == null) {
            return null;
        }
        return failure instanceof ScsiException
                ? new IoFailure(IoFailure.Lasting.LASTING, "region " + piece.region() + ": " + failure.getMessage())
                : passing(piece, failure);
    }

    private static IoFailure passing(Piece piece, Throwable failure) {
        return new IoFailure(IoFailure.Lasting.PASSING, "region " + piece.region() + ": " + failure.getMessage());
    }

    @Override
    public void close() {
        initiators.values().forEach(IscsiInitiator::close);
    }
}
