package pnfs.it.sim;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.it.sim.Session.Answer;
import pnfs.wire.control.ControlHandler;
import pnfs.wire.control.ControlLink;
import pnfs.wire.control.proto.Extent;
import pnfs.wire.control.proto.ExtentsQuery;
import pnfs.wire.control.proto.Reply;
import pnfs.wire.control.proto.Request;
import pnfs.wire.control.proto.Status;
import pnfs.wire.control.proto.StatusQuery;
import pnfs.wire.control.proto.Volume;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.GetFhArgs;
import pnfs.wire.nfs4.OpArgs.LookupArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.Stateid;

/// Looks at everything when all is quiet: each name, each byte, and whether what is free and what files have is
/// all there is. One thread.
final class Audit implements Session.Owner {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /// Of each volume, for the disk's signature.
    private static final long WITHHELD_BYTES = 4096;

    private final Host host;
    private final Checker checker;
    private final Session session;
    private final Map<Long, String> owners = new HashMap<>();
    private final long mostNanos;
    private long allottedBytes;
    /// When the last look began.
    private Status atFirst = Status.getDefaultInstance();
    private @Nullable ControlLink control;
    private boolean begun;
    private boolean done;

    Audit(Host host, Checker checker) {
        this.host = host;
        this.checker = checker;
        this.mostNanos = host.nowNanos() + PATIENCE.toNanos();
        this.session = new Session(host, checker, 0, 1, this);
    }

    boolean isDone() {
        return done;
    }

    @Override
    public void ready() {
        if (!begun) {
            begun = true;
            host.connect(
                    Fabric.address(MetadataServerNode.MACHINE, MetadataServerNode.CONTROL_PORT),
                    ControlWire.of(link -> {
                        host.execute(() -> {
                            control = link;
                            lookAgain();
                        });
                        return ControlHandler.refusing();
                    }),
                    ConnectionLimits.CLIENT,
                    refused -> {
                        throw checker.fail("audit: " + refused.getMessage());
                    });
        }
    }

    private void lookAgain() {
        allottedBytes = 0;
        owners.clear();
        askStatus(status -> {
            atFirst = status;
            look(checker.names().iterator());
        });
    }

    private void look(Iterator<NameModel> names) {
        if (!names.hasNext()) {
            count();
            return;
        }
        NameModel name = names.next();
        long askedAt = checker.now();
        List<OpArgs> operations = List.of(
                new PutRootFhArgs(),
                new LookupArgs(name.name),
                new GetFhArgs(),
                new GetAttrArgs(Bitmap.of(Attribute.SIZE)),
                new ReadArgs(Stateid.ANONYMOUS, 0, FileModel.MAX_BYTES));
        session.ask(operations, answer -> {
            if (answer.isOk()) {
                check(name, answer, askedAt, () -> look(names));
            } else if (answer.status() == NfsStatus.NOENT) {
                checker.absent(name, askedAt);
                look(names);
            } else if (answer.status() == NfsStatus.DELAY || answer.status() == NfsStatus.GRACE) {
                host.schedule(AGAIN_NANOS, () -> look(List.of(name), names));
            } else {
                throw checker.fail("audit: " + name.name + " answers " + answer.status());
            }
        });
    }

    private void look(List<NameModel> again, Iterator<NameModel> rest) {
        var all = new ArrayList<>(again);
        rest.forEachRemaining(all::add);
        look(all.iterator());
    }

    private void check(NameModel name, Answer answer, long askedAt, Runnable then) {
        var handle = answer.find(OpResult.GetFhResult.class).fileHandle();
        FileModel file = checker.resolved(name, handle, askedAt);
        long size = AttributeCodec.read(
                        answer.find(OpResult.GetAttrResult.class).attributes())
                .size();
        ByteBuffer data = answer.find(OpResult.ReadResult.class).data();
        var bytes = new byte[data.remaining()];
        data.get(bytes);
        checker.seenSize(file, size, askedAt);
        if (bytes.length != size) {
            throw checker.fail("audit: " + file + " of " + size + " bytes reads " + bytes.length);
        }
        checker.seen(file, 0, bytes, 0, bytes.length, askedAt);
        ask(
                Request.newBuilder()
                        .setExtents(ExtentsQuery.newBuilder()
                                .setFileHandle(ByteString.copyFrom(handle.toByteArray()))
                                .setMaxExtents(4096))
                        .build(),
                reply -> {
                    for (Extent extent : reply.getExtents().getExtentsList()) {
                        allotted(name.name, extent);
                    }
                    then.run();
                });
    }

    private void allotted(String owner, Extent extent) {
        allottedBytes += extent.getLength();
        long region = extent.getRegionId().asReadOnlyByteBuffer().getLong(Long.BYTES);
        for (long at = 0; at < extent.getLength(); at += 4096) {
            String other = owners.put(region << 32 | extent.getRegionOffset() + at, owner);
            if (other != null) {
                throw checker.fail("I2: " + owner + " and " + other + " share a block of region " + region);
            }
        }
    }

    private void ask(Request request, Consumer<Reply> then) {
        ControlLink link = control;
        if (link == null) {
            throw new IllegalStateException("no control connection");
        }
        var _ = link.ask(request, PATIENCE).whenComplete((reply, refused) -> {
            if (refused != null) {
                throw checker.fail("audit: " + refused.getMessage());
            }
            then.accept(reply);
        });
    }

    /// What has lost its last name or its owner is given back in time, not at once.
    private void count() {
        askStatus(status -> {
            String leak = leakIn(status);
            if (leak == null) {
                done = true;
            } else if (host.nowNanos() < mostNanos) {
                host.schedule(AGAIN_NANOS, this::await);
            } else {
                throw checker.fail("leak: " + leak);
            }
        });
    }

    /// Looks again when something has been given back since the last look began, and for a last time.
    private void await() {
        askStatus(status -> {
            if (isAsAtFirst(status) && host.nowNanos() < mostNanos) {
                host.schedule(AGAIN_NANOS, this::await);
            } else {
                lookAgain();
            }
        });
    }

    private void askStatus(Consumer<Status> then) {
        ask(
                Request.newBuilder().setStatus(StatusQuery.getDefaultInstance()).build(),
                reply -> then.accept(reply.getStatus()));
    }

    private boolean isAsAtFirst(Status now) {
        return atFirst.getOpens() == now.getOpens()
                && atFirst.getLayouts() == now.getLayouts()
                && atFirst.getVolumesList().equals(now.getVolumesList());
    }

    private @Nullable String leakIn(Status status) {
        if (status.getOpens() != 0 || status.getLayouts() != 0) {
            return status.getOpens() + " opens and " + status.getLayouts() + " layouts are left when all is closed";
        }
        long free = 0;
        long all = 0;
        for (Volume volume : status.getVolumesList()) {
            free += volume.getFreeBytes();
            all += volume.getSizeBytes() - WITHHELD_BYTES;
        }
        return free + allottedBytes == all ? null : free + " bytes free, " + allottedBytes + " in files, of " + all;
    }

    @Override
    public void forgotten() {}

    @Override
    public void reclaim(Runnable then) {
        then.run();
    }

    @Override
    public void revoked() {}

    @Override
    public CbResult called(CbArgs callback) {
        return new CbResult.CbSuccess(callback.op());
    }
}
