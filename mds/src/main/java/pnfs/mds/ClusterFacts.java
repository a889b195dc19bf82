package pnfs.mds;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import pnfs.layout.device.DataServer;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.Volume;
import pnfs.layout.device.VolumeTopology.Piece;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.layout.extent.ExtentState;
import pnfs.layout.grant.LayoutManager;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.cluster.Cluster;
import pnfs.mds.cluster.ControlDesk;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.drain.Drains;
import pnfs.mds.export.Exports;
import pnfs.mds.layout.DeviceWatch;
import pnfs.mds.layout.Fences;
import pnfs.mds.layout.FileLayouts;
import pnfs.mds.layout.OrderedRecalls;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.open.OpenFiles;
import pnfs.mds.proxy.DataServerIo;
import pnfs.mds.session.Clients;
import pnfs.mds.store.Batch;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.proto.Extents;
import pnfs.wire.control.proto.ExtentsQuery;
import pnfs.wire.control.proto.PendingFence;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.RecalledClient;
import pnfs.wire.control.proto.RecalledLayouts;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Status;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.xdr.Opaque;

/// What the control port tells of rooms that the cluster does not know.
record ClusterFacts(
        Clients clients,
        OpenFiles opens,
        LayoutManager manager,
        FileLayouts layouts,
        Fences fences,
        Drains drains,
        DeviceWatch devices,
        DataServerIo dataServers,
        Cluster cluster,
        OrderedRecalls recalls,
        Exports exports,
        Namespace namespace,
        long fsidMajor,
        LongSupplier nanoTime)
        implements ControlDesk.Facts {
    private static final int MAX_EXTENTS = 4096;
    private static final int MAX_RECALLED = 1000;

    @Override
    public void addTo(Status.Builder status) {
        status.setInGrace(!clients.grace().isOver(nanoTime.getAsLong()))
                .setClients(clients.count())
                .setSessions(clients.sessionCount())
                .setOpens(opens.count())
                .setLayouts(manager.held().layouts());
        for (Fences.Pending fence : fences.pending()) {
            long ageNanos = Math.max(0, nanoTime.getAsLong() - fence.sinceNanos());
            status.addFences(PendingFence.newBuilder()
                    .setKey(fence.key())
                    .setClientId(fence.client())
                    .setDeviceId(ByteString.copyFrom(fence.volume().bytes()))
                    .setAgeSeconds(TimeUnit.NANOSECONDS.toSeconds(ageNanos))
                    .setAwaited(fence.awaited()));
        }
    }

    @Override
    public boolean isQuarantined(DeviceId volume) {
        return layouts.quarantined().contains(volume);
    }

    @Override
    public Optional<Long> freeBytes(DeviceId volume) {
        return layouts.freeBytes(volume);
    }

    @Override
    public Optional<Long> usedBytes(DeviceId volume) {
        return layouts.usedBytes(volume);
    }

    @Override
    public Optional<String> obstacle(Volume volume) {
        return layouts.obstacle(volume);
    }

    @Override
    public void leave(Volume volume, Batch batch) {
        layouts.leave(volume, batch);
    }

    @Override
    public void gone(Volume volume) {
        fences.forget(volume.id());
        devices.forget(volume.id());
        volume.topology().leaves().forEach(leaf -> dataServers.forget(leaf.region()));
    }

    @Override
    public String waitsFor(DeviceId volume) {
        return drains.waitsFor(volume);
    }

    @Override
    public boolean isDrained(DeviceId volume) {
        return layouts.isDrained(volume);
    }

    @Override
    public void recall(RecallLayouts wanted, Consumer<Reply> reply) {
        switch (wanted.getScopeCase()) {
            case FILE -> {
                RecallLayouts.FilePart part = wanted.getFile();
                Optional<FileHandle> file = find(part.getPath());
                boolean isRange = part.getOffset() >= 0
                        && part.getLength() >= 0
                        && part.getLength() <= Long.MAX_VALUE - part.getOffset();
                if (file.isEmpty() || !isRange) {
                    reply.accept(ControlLink.refusal(
                            file.isEmpty() ? "no file " + part.getPath() : "offset and length pass all files"));
                    return;
                }
                ByteRange range = part.getLength() == 0
                        ? ByteRange.toEnd(part.getOffset())
                        : ByteRange.ofLength(part.getOffset(), part.getLength());
                recall(new OrderedRecalls.Scope.OfFile(file.get(), range), reply);
            }
            case EXPORT -> {
                Optional<FileHandle> root = find(wanted.getExport());
                if (root.isEmpty()
                        || root.get().inode()
                                != Inodes.rootOf(Inodes.exportOf(root.get().inode()))) {
                    reply.accept(ControlLink.refusal("no export " + wanted.getExport()));
                    return;
                }
                int number = Inodes.exportOf(root.get().inode());
                recall(new OrderedRecalls.Scope.OfExport(fsidMajor, number), reply);
            }
            case ALL -> recall(new OrderedRecalls.Scope.All(), reply);
            case SCOPE_NOT_SET -> reply.accept(ControlLink.refusal("say what to recall: a file, an export, or all"));
        }
    }

    private Optional<FileHandle> find(String path) {
        List<String> names = Pattern.compile("/")
                .splitAsStream(path)
                .filter(name -> !name.isEmpty())
                .toList();
        return namespace.find(exports.root(), names);
    }

    private void recall(OrderedRecalls.Scope scope, Consumer<Reply> reply) {
        recalls.recall(scope, nanoTime, outcomes -> {
            var answer = RecalledLayouts.newBuilder().setCount(outcomes.size());
            outcomes.stream().limit(MAX_RECALLED).map(ClusterFacts::describe).forEach(answer::addClients);
            reply.accept(Reply.newBuilder().setRecalledLayouts(answer).build());
        });
    }

    private static RecalledClient describe(OrderedRecalls.Outcome outcome) {
        NfsStatus answered = outcome.answer();
        return RecalledClient.newBuilder()
                .setClientId(outcome.client())
                .setLayoutType(outcome.type().name().toLowerCase(Locale.ROOT))
                .setAnswer(answered == null ? "" : answered.name())
                .setDelays(outcome.delays())
                .setAnsweredMicros(TimeUnit.NANOSECONDS.toMicros(outcome.answeredNanos()))
                .setEnding(outcome.ending().name().toLowerCase(Locale.ROOT))
                .setEndedMicros(TimeUnit.NANOSECONDS.toMicros(outcome.endedNanos()))
                .build();
    }

    /// The extents of a file in the pieces in which they lie on regions.
    @Override
    public Reply extents(ExtentsQuery query) {
        FileHandle file;
        try {
            file = FileHandle.fromWire(Opaque.of(query.getFileHandle().toByteArray()));
        } catch (NfsException foreign) {
            return ControlLink.refusal("no file handle of this server: " + foreign.getMessage());
        }
        int most = Math.min(MAX_EXTENTS, query.getMaxExtents() > 0 ? query.getMaxExtents() : MAX_EXTENTS);
        var answer = Extents.newBuilder();
        List<Extent> extents = layouts.extentsOf(file.inode());
        for (Extent extent : extents) {
            if (extent.file().end() <= query.getOffset()) {
                continue;
            }
            Optional<Volume> volume = layouts.volume(extent.device());
            if (volume.isEmpty()) {
                return ControlLink.refusal("volume " + extent.device() + " is not known");
            }
            List<Piece> pieces = volume.get()
                    .topology()
                    .resolve(extent.volumeOffset(), extent.file().length());
            if (answer.getExtentsCount() > 0 && answer.getExtentsCount() + pieces.size() > most) {
                answer.setMore(true);
                break;
            }
            long at = extent.file().offset();
            for (Piece piece : pieces) {
                answer.addExtents(describe(extent, piece, at));
                at += piece.length();
            }
        }
        return Reply.newBuilder().setExtents(answer).build();
    }

    private pnfs.wire.control.proto.Extent describe(Extent extent, Piece piece, long fileOffset) {
        var described = pnfs.wire.control.proto.Extent.newBuilder()
                .setFileOffset(fileOffset)
                .setLength(piece.length())
                .setState(
                        extent.state() == ExtentState.INVALID_DATA
                                ? pnfs.wire.control.proto.ExtentState.UNWRITTEN
                                : pnfs.wire.control.proto.ExtentState.WRITTEN)
                .setRegionId(bytes(piece.region().uuid()))
                .setRegionOffset(piece.offset());
        cluster.export(piece.region())
                .map(DataServer.Export::server)
                .ifPresent(server -> described.setServerId(bytes(server.id())));
        return described.build();
    }

    private static ByteString bytes(UUID uuid) {
        return ByteString.copyFrom(ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .flip());
    }
}
