package pnfs.it.sim;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.proto.Drain;
import pnfs.wire.control.proto.RecallLayouts;
import pnfs.wire.control.proto.RecallLayouts.FilePart;
import pnfs.wire.control.proto.Remove;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;
import pnfs.wire.net.ConnectionLimits;

/// Who runs the cluster: empties data servers under load, takes them away, and wants layouts back for no
/// reason. One thread.
final class Operator {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final Request STATUS =
            Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()).build();

    /// How far it is with a data server.
    private enum Stage {
        /// It has asked for the drain, and does not know yet whether that was heard.
        ASKED,
        /// The data server is being emptied; how that ends is open.
        DRAINING,
        /// It is about to end. Asked once: what is repeated until it is done would end the next drain, too.
        ENDING
    }

    private final Host host;
    private final Checker checker;
    private final RandomGenerator random;
    private @Nullable DataServerNode draining;
    private Stage stage = Stage.ASKED;

    Operator(Host host, Checker checker, RandomGenerator random) {
        this.host = host;
        this.checker = checker;
        this.random = random;
    }

    /// One data server at a time: there has to be room on the others.
    void drain(DataServerNode server) {
        if (draining == null) {
            draining = server;
            stage = Stage.ASKED;
            checker.note("operator drains %s", server.targetName());
            ask(drainOf(server, false), reply -> stage = Stage.DRAINING);
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
        end(this::cancel);
    }

    /// Waits until nothing is left there, which must come. Then the data server stays, or is taken away and comes
    /// back as one that nobody has known.
    void finishDrain() {
        end(random.nextBoolean() ? server -> whenDrained(server, () -> cancel(server)) : this::takeAway);
    }

    private void end(Consumer<DataServerNode> how) {
        DataServerNode server = draining;
        if (server == null || stage == Stage.ENDING) {
            return;
        }
        if (stage == Stage.ASKED) {
            host.schedule(AGAIN_NANOS, () -> end(how));
            return;
        }
        stage = Stage.ENDING;
        how.accept(server);
    }

    private void cancel(DataServerNode server) {
        checker.note("operator drains %s no more", server.targetName());
        ask(drainOf(server, true), reply -> draining = null);
    }

    private void whenDrained(DataServerNode server, Runnable then) {
        ask(STATUS, reply -> {
            if (leaving(reply).stream().anyMatch(Volume::getDrained)) {
                then.run();
            } else {
                host.schedule(AGAIN_NANOS, () -> whenDrained(server, then));
            }
        });
    }

    private static List<Volume> leaving(Reply reply) {
        return reply.getStatus().getVolumesList().stream()
                .filter(Volume::getDraining)
                .toList();
    }

    /// Stops it once it is empty, has it forgotten, and starts it again.
    private void takeAway(DataServerNode server) {
        whenDrained(server, () -> {
            if (server.isUp()) {
                checker.note("operator stops %s", server.targetName());
                server.kill();
                forget(server);
            } else { // it has died, and comes back by itself
                host.schedule(AGAIN_NANOS, () -> takeAway(server));
            }
        });
    }

    private void forget(DataServerNode server) {
        once(
                Request.newBuilder()
                        .setRemove(Remove.newBuilder().setName(server.regionId().toString()))
                        .build(),
                reply -> forgotten(server),
                () -> ask(STATUS, reply -> {
                    if (leaving(reply).isEmpty()) {
                        forgotten(server); // and the answer was lost
                    } else {
                        host.schedule(AGAIN_NANOS, () -> forget(server)); // it is not missed yet, for example
                    }
                }));
    }

    private void forgotten(DataServerNode server) {
        checker.note("operator has taken %s away", server.targetName());
        draining = null;
        server.start();
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
