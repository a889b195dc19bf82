package pnfs.it.sim;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.proto.Drain;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.RecallLayouts.FilePart;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;
import pnfs.wire.net.ConnectionLimits;

/// Who runs the cluster: empties data servers under load, and wants layouts back for no reason. One thread.
final class Operator {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final Host host;
    private final Checker checker;
    private final RandomGenerator random;
    private @Nullable DataServerNode draining;
    private boolean marked;
    /// Asked once: what is repeated until it is done would end the next drain, too.
    private boolean cancelling;

    Operator(Host host, Checker checker, RandomGenerator random) {
        this.host = host;
        this.checker = checker;
        this.random = random;
    }

    /// One data server at a time: there has to be room on the others.
    void drain(DataServerNode server) {
        if (draining == null) {
            draining = server;
            marked = false;
            checker.note("operator drains %s", server.targetName());
            ask(drainOf(server, false), reply -> marked = true);
        }
    }

    private static Request drainOf(DataServerNode server, boolean cancel) {
        return Request.newBuilder()
                .setDrain(
                        Drain.newBuilder().setName(server.regionId().toString()).setCancel(cancel))
                .build();
    }

    /// What has moved stays where it is.
    void cancelDrain() {
        DataServerNode server = draining;
        if (server == null || cancelling) {
            return;
        }
        if (!marked) {
            host.schedule(AGAIN_NANOS, this::cancelDrain);
            return;
        }
        cancelling = true;
        checker.note("operator drains %s no more", server.targetName());
        ask(drainOf(server, true), reply -> {
            draining = null;
            cancelling = false;
        });
    }

    /// Ends a drain that is under way when nothing is left there: it must come to that.
    void finishDrain() {
        DataServerNode server = draining;
        if (server == null) {
            return;
        }
        ask(Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()).build(), reply -> {
            for (Volume volume : reply.getStatus().getVolumesList()) {
                if (volume.getDraining() && volume.getUsedBytes() == 0) {
                    cancelDrain();
                    return;
                }
            }
            host.schedule(AGAIN_NANOS, this::finishDrain);
        });
    }

    boolean isDraining() {
        return draining != null;
    }

    /// Wants back a range of a file, an export, or everything.
    void recall(String file) {
        var recall = RecallLayouts.newBuilder();
        switch (random.nextInt(3)) {
            case 0 -> {
                long offset = random.nextInt(FileModel.MAX_BYTES);
                recall.setFile(FilePart.newBuilder()
                        .setPath("/" + file)
                        .setOffset(offset)
                        .setLength(random.nextInt(FileModel.MAX_BYTES)));
            }
            case 1 -> recall.setExport("/");
            default -> recall.setAll(RecallLayouts.Everything.getDefaultInstance());
        }
        checker.note("operator recalls %s", recall.getScopeCase());
        once(
                Request.newBuilder().setRecallLayouts(recall).build(),
                reply -> checker.note(
                        "operator has %d answers", reply.getRecalledLayouts().getCount()),
                () -> {});
    }

    /// Until it is done.
    private void ask(Request request, Consumer<Reply> then) {
        once(request, then, () -> host.schedule(AGAIN_NANOS, () -> ask(request, then)));
    }

    private void once(Request request, Consumer<Reply> then, Runnable otherwise) {
        host.connect(
                Fabric.address(MetadataServerNode.MACHINE, MetadataServerNode.CONTROL_PORT),
                ControlWire.of(link -> {
                    host.execute(() -> {
                        var _ = link.ask(request, PATIENCE).whenComplete((reply, refused) -> {
                            link.close();
                            if (refused == null) {
                                then.accept(reply);
                            } else {
                                checker.note("operator hears %s", refused);
                                otherwise.run();
                            }
                        });
                    });
                    return ControlHandler.refusing();
                }),
                ConnectionLimits.CLIENT,
                refused -> otherwise.run());
    }
}
