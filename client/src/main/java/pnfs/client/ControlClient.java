package pnfs.client;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.ControlTransport;
import pnfs.wire.control.proto.DataServer;
import pnfs.wire.control.proto.Extent;
import pnfs.wire.control.proto.ExtentState;
import pnfs.wire.control.proto.Extents;
import pnfs.wire.control.proto.ExtentsQuery;
import pnfs.wire.control.proto.Region;
import pnfs.wire.control.proto.RegionReport;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.Status;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

/// Asks the metadata server's control port. Questions are rare, so each has a connection of its own. Safe for
/// all threads.
record ControlClient(InetSocketAddress address) {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int EXTENTS_AT_ONCE = 4096;

    ClusterStatus status() throws IOException {
        Status status = ask(Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()))
                .getStatus();
        return new ClusterStatus(
                status.getBoot(),
                Duration.ofSeconds(status.getUptimeSeconds()),
                status.getInGrace(),
                status.getClients(),
                status.getSessions(),
                status.getOpens(),
                status.getLayouts(),
                status.getDataServersList().stream()
                        .map(ControlClient::dataServer)
                        .toList(),
                status.getVolumesList().stream()
                        .map(volume -> new ClusterStatus.Volume(
                                HexFormat.of().formatHex(volume.getDeviceId().toByteArray()),
                                volume.getTopology(),
                                volume.getSizeBytes(),
                                volume.getFreeBytes(),
                                volume.getUsedBytes(),
                                regions(volume),
                                volume.getQuarantined(),
                                volume.getDraining(),
                                volume.getWaitsFor(),
                                volume.getDrained()))
                        .toList(),
                status.getFencesList().stream()
                        .map(fence -> new ClusterStatus.Fence(
                                fence.getKey(),
                                fence.getClientId(),
                                status.getVolumesList().stream()
                                        .filter(volume -> volume.getDeviceId().equals(fence.getDeviceId()))
                                        .flatMap(volume -> regions(volume).stream())
                                        .toList(),
                                Duration.ofSeconds(fence.getAgeSeconds()),
                                fence.getAwaited()))
                        .toList());
    }

    private static List<UUID> regions(Volume volume) {
        return volume.getRegionIdsList().stream().map(ControlClient::uuid).toList();
    }

    private static ClusterStatus.DataServer dataServer(DataServer server) {
        Map<ByteString, RegionReport> reports = new HashMap<>();
        server.getReportsList().forEach(report -> reports.put(report.getRegionId(), report));
        return new ClusterStatus.DataServer(
                server.getName(),
                server.getOnline(),
                server.getPortalsList(),
                server.getTargetName(),
                server.getRegionsList().stream()
                        .map(region -> region(
                                region, reports.getOrDefault(region.getRegionId(), RegionReport.getDefaultInstance())))
                        .toList());
    }

    private static ClusterStatus.Region region(Region region, RegionReport report) {
        return new ClusterStatus.Region(
                uuid(region.getRegionId()),
                region.getSizeBytes(),
                region.getDurability().name(),
                report.getFailed(),
                new ClusterStatus.Traffic(report.getReadBytes(), report.getReadCommands()),
                new ClusterStatus.Traffic(report.getWrittenBytes(), report.getWriteCommands()));
    }

    /// The extents of a file of `size` bytes, holes included, up to its end or that of its last extent.
    List<FileExtent> extents(Opaque fileHandle, long size) throws IOException {
        Map<ByteString, String> names = new HashMap<>();
        ask(Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()))
                .getStatus()
                .getDataServersList()
                .forEach(server -> names.put(server.getServerId(), server.getName()));
        var found = new ArrayList<FileExtent>();
        long end = 0;
        boolean more = true;
        while (more) {
            Extents page = ask(Request.newBuilder()
                            .setExtents(ExtentsQuery.newBuilder()
                                    .setFileHandle(ByteString.copyFrom(fileHandle.toByteArray()))
                                    .setOffset(end)
                                    .setMaxExtents(EXTENTS_AT_ONCE)))
                    .getExtents();
            for (Extent extent : page.getExtentsList()) {
                addHole(found, end, extent.getFileOffset());
                found.add(fileExtent(extent, names));
                end = extent.getFileOffset() + extent.getLength();
            }
            more = page.getMore() && page.getExtentsCount() > 0;
        }
        addHole(found, end, size);
        return found;
    }

    private static void addHole(List<FileExtent> found, long from, long to) {
        if (from < to) {
            found.add(new FileExtent(new ByteRange(from, to), FileExtent.State.HOLE, null));
        }
    }

    private static FileExtent fileExtent(Extent extent, Map<ByteString, String> names) {
        return new FileExtent(
                ByteRange.ofLength(extent.getFileOffset(), extent.getLength()),
                extent.getState() == ExtentState.UNWRITTEN ? FileExtent.State.UNWRITTEN : FileExtent.State.WRITTEN,
                new FileExtent.Place(
                        names.getOrDefault(extent.getServerId(), "?"),
                        uuid(extent.getRegionId()),
                        extent.getRegionOffset()));
    }

    private static UUID uuid(ByteString bytes) {
        ByteBuffer in = bytes.asReadOnlyByteBuffer();
        return new UUID(in.getLong(), in.getLong());
    }

    private Reply ask(Request.Builder request) throws IOException {
        try (var transport = new ControlTransport("pnfs-control")) {
            ControlLink link = transport.connect(address, ControlHandler.refusing(), LIMIT);
            return link.ask(request.build(), LIMIT).get();
        } catch (ExecutionException e) {
            throw new PnfsException(NfsStatus.IO, "control port " + address, Why.of(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the metadata server was asked", e);
        }
    }
}
