package pnfs.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.ClientOptions.DataPath;
import pnfs.client.FileLayout.Mapping;
import pnfs.layout.extent.ByteRange;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.AttributeValue.Fsid;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.FileRange;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CloseArgs;
import pnfs.wire.nfs4.OpArgs.DeallocateArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.ReadArgs;
import pnfs.wire.nfs4.OpArgs.SetAttrArgs;
import pnfs.wire.nfs4.OpArgs.WriteArgs;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpResult.ReadResult;
import pnfs.wire.nfs4.OpResult.WriteResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.StableHow;
import pnfs.wire.nfs4.StateOwner;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// An open file of the cluster. Safe for all threads: writes of different blocks go on side by side, writes of
/// the same block one after the other. Its layouts are given back on [#close], or when somebody else wants them:
/// then what is under way is finished and committed first.
///
/// A write has three phases. *Map*: a LAYOUTGET tells where the bytes go, ahead of what a sequential writer
/// needs now. *Write*: pieces go straight to the data servers, several at a time; [#write] returns when all are
/// durable there. From then on this file reads them. *Commit*: [#fsync] makes them part of the file for
/// everybody and for ever.
public final class PnfsFile implements AutoCloseable, MdsSession.StateHolder {
    private static final Logger log = LoggerFactory.getLogger(PnfsFile.class);

    private final String path;
    private final Opaque fileHandle;
    private final StateOwner owner;
    private final int shareAccess;
    private final MdsSession session;
    private final MdsSession.Caller caller;
    private final ClientOptions options;
    private final Tally tally;
    private final Mappers mappers;
    private final Mapper mapper;
    private final DirectIo direct;
    private final RangeGate gate;
    private final AtomicLong size;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile Stateid stateid;

    PnfsFile(
            String path,
            Opaque fileHandle,
            Fsid fsid,
            StateOwner owner,
            int shareAccess,
            OpenResult opened,
            long size,
            MdsSession session,
            Mappers mappers,
            DirectIo direct,
            ClientOptions options,
            Tally tally) {
        this.path = path;
        this.fileHandle = fileHandle;
        this.owner = owner;
        this.shareAccess = shareAccess;
        this.session = session;
        this.caller = session.caller();
        this.direct = direct;
        this.options = options;
        this.tally = tally;
        this.size = new AtomicLong(size);
        this.stateid = opened.stateid();
        this.mappers = mappers;
        this.mapper =
                mappers.join(fileHandle, () -> new Mapper(path, fileHandle, fsid, caller, tally, options.events()));
        this.gate = mapper.gate();
    }

    public String path() {
        return path;
    }

    /// In bytes, with what was written here; what others write shows when the file is opened again or read at
    /// its end.
    public long size() {
        return size.get();
    }

    /// Writes `data`, from its position to its limit, at `offset`, and moves its position there. When this
    /// returns the data is on the data servers, but not part of the file before [#fsync].
    ///
    /// @throws PnfsException where neither the data servers nor the metadata server would take it
    public void write(long offset, ByteBuffer data) throws IOException {
        ByteRange bytes = ByteRange.ofLength(offset, data.remaining());
        if (bytes.isEmpty()) {
            return;
        }
        try (var _ = gate.enter(bytes.widened())) {
            if (!wroteDirect(bytes, data.duplicate())) {
                writeThroughMds(bytes, data.duplicate());
            }
        }
        data.position(data.limit());
        size.accumulateAndGet(bytes.end(), Math::max);
    }

    private boolean wroteDirect(ByteRange bytes, ByteBuffer data) throws IOException {
        if (options.dataPath() == DataPath.THROUGH_MDS) {
            return false;
        }
        try {
            boolean written = false;
            while (!written) {
                mapper.mapForWriting(bytes.widened(), () -> stateid);
                try (var _ = mapper.layout().use()) {
                    Mapping mapping = mapper.layout().forWriting(bytes.widened());
                    Mapping before = mapper.layout().forReading(bytes.widened());
                    if (mapping != null && before != null) {
                        direct.write(path, mapping, before, bytes, data.duplicate(), mapper.layout()::mayComeLate);
                        // Where the layout was lost meanwhile, the bytes are nowhere and go into the next one.
                        written = mapper.layout().written(mapping, bytes);
                    }
                }
            }
            tally.bytesDirect.add(bytes.length());
            return true;
        } catch (NoDirectWayException e) {
            options.events().throughMds(path, bytes, Why.of(e));
            return false;
        }
    }

    private void writeThroughMds(ByteRange bytes, ByteBuffer data) throws IOException {
        mapper.release(bytes.widened());
        long offset = bytes.offset();
        while (data.hasRemaining()) {
            long at = offset;
            int count = Math.min(data.remaining(), session.ioBytes());
            // A copy, because an attempt that was given up may still be on its way while the caller fills its buffer
            // anew.
            ByteBuffer piece = ByteBuffer.allocate(count)
                    .put(data.slice(data.position(), count))
                    .flip();
            WriteResult result = caller.call(
                            path,
                            () -> List.of(
                                    new PutFhArgs(fileHandle),
                                    new WriteArgs(stateid, at, StableHow.FILE_SYNC, piece.duplicate())))
                    .get(WriteResult.class);
            if (result.count() < 1 || result.count() > count || result.committed() != StableHow.FILE_SYNC) {
                throw new PnfsException(NfsStatus.SERVERFAULT, path, "a WRITE of " + count + " came to " + result);
            }
            data.position(data.position() + result.count());
            offset += result.count();
            tally.bytesThroughMds.add(result.count());
        }
        mapper.layout().writtenThroughMds(bytes);
    }

    /// Reads at `offset` into `into`, from its position, as many bytes as there are and fit; moves its
    /// position. Returns how many, or -1 at the end of the file.
    public int read(long offset, ByteBuffer into) throws IOException {
        if (offset >= size.get()) {
            refreshSize();
        }
        long end = Math.min(size.get(), Math.addExact(offset, into.remaining()));
        if (offset >= size.get()) {
            return -1;
        }
        var bytes = new ByteRange(offset, end);
        ByteBuffer part = into.slice(into.position(), (int) bytes.length());
        if (!readDirect(bytes, part.duplicate())) {
            readThroughMds(bytes, part.duplicate());
        }
        into.position(into.position() + (int) bytes.length());
        return (int) bytes.length();
    }

    private boolean readDirect(ByteRange bytes, ByteBuffer into) throws IOException {
        if (options.dataPath() == DataPath.THROUGH_MDS || bytes.isEmpty()) {
            return bytes.isEmpty();
        }
        try {
            boolean read = false;
            while (!read) {
                mapper.mapForReading(bytes.widened(), size.get(), () -> stateid);
                try (var _ = mapper.layout().use()) {
                    Mapping mapping = mapper.layout().forReading(bytes.widened());
                    if (mapping != null) {
                        direct.read(path, mapping, bytes, into.duplicate());
                        read = true;
                    }
                }
            }
            tally.bytesDirect.add(bytes.length());
            return true;
        } catch (NoDirectWayException e) {
            options.events().throughMds(path, bytes, Why.of(e));
            return false;
        }
    }

    private void readThroughMds(ByteRange bytes, ByteBuffer into) throws IOException {
        try (var _ = gate.enter(bytes.widened())) {
            mapper.release(bytes.widened()); // the server does not see what it was not told of
            fetchThroughMds(bytes.offset(), into);
        }
    }

    private void fetchThroughMds(long from, ByteBuffer into) throws IOException {
        long offset = from;
        while (into.hasRemaining()) {
            long at = offset;
            int count = Math.min(into.remaining(), session.ioBytes());
            ReadResult result = caller.call(
                            path, () -> List.of(new PutFhArgs(fileHandle), new ReadArgs(stateid, at, count)))
                    .get(ReadResult.class);
            ByteBuffer data = result.data();
            if (data.remaining() > count) {
                throw new PnfsException(NfsStatus.SERVERFAULT, path, "a READ of " + count + " gave more");
            }
            if (!data.hasRemaining()) {
                // Somebody cut the file meanwhile: what is gone reads as it would after the next extension.
                while (into.hasRemaining()) {
                    into.put((byte) 0);
                }
                return;
            }
            offset += data.remaining();
            tally.bytesThroughMds.add(data.remaining());
            into.put(data);
        }
    }

    /// LAYOUTCOMMIT: when this returns, everything written before is part of the file and survives every crash.
    ///
    /// @throws PnfsException where something written since the last fsync was lost with a restarted server;
    ///     write it again
    public void fsync() throws IOException {
        mapper.commit();
    }

    /// Makes the file `newSize` bytes long; what is beyond is gone, what is new reads as zeros. Durable on return.
    public void truncate(long newSize) throws IOException {
        try (var _ = gate.enter(ByteRange.all())) {
            mapper.release();
            var attributes =
                    AttributeCodec.write(Attributes.builder().size(newSize).build());
            caller.call(path, () -> List.of(new PutFhArgs(fileHandle), new SetAttrArgs(stateid, attributes)));
            size.set(newSize);
        }
    }

    /// Makes `range` a hole: it reads as zeros, and whole blocks of it are free again. The size stays. Durable
    /// on return.
    ///
    /// @throws PnfsException with NOTSUPP where the server has no DEALLOCATE
    public void punchHole(ByteRange range) throws IOException {
        try (var _ = gate.enter(range.widened())) {
            mapper.release();
            caller.call(
                    path,
                    () -> List.of(
                            new PutFhArgs(fileHandle),
                            new DeallocateArgs(stateid, new FileRange(range.offset(), range.end()))));
        }
    }

    private void refreshSize() throws IOException {
        Reply reply =
                caller.call(path, () -> List.of(new PutFhArgs(fileHandle), new GetAttrArgs(Bitmap.of(Attribute.SIZE))));
        long there =
                AttributeCodec.read(reply.get(GetAttrResult.class).attributes()).size();
        size.accumulateAndGet(there, Math::max);
    }

    /// Claims the open back, and commits what was written under layouts that are gone now.
    @Override
    public void reclaim(MdsSession.Caller recovery) throws IOException {
        Reply reply = open(recovery, new OpenClaim.Previous(DelegationType.NONE));
        if (reply.status() == NfsStatus.NO_GRACE || reply.status() == NfsStatus.RECLAIM_BAD) {
            // Not a restart: we were silent for too long, or the grace period is over. An open of its own may do.
            reply = open(recovery, new OpenClaim.ByHandle());
        }
        if (reply.status() == NfsStatus.OK) {
            stateid = reply.get(OpenResult.class).stateid();
        } else {
            log.warn("open not reclaimed path={} why={}", path, reply.status());
        }
        mapper.commitAfterRestart(recovery);
    }

    private Reply open(MdsSession.Caller recovery, OpenClaim claim) throws IOException {
        return recovery.ask(
                path,
                () -> List.of(
                        new PutFhArgs(fileHandle),
                        new OpenArgs(0, shareAccess, 0, owner, new OpenHow.NoCreate(), claim)));
    }

    /// Commits, gives the layouts back and closes. What [#fsync] would have said is said here. Closing twice
    /// does nothing.
    @Override
    public void close() throws IOException {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            fsync();
        } finally {
            mapper.close(mappers, () -> new CloseArgs(0, stateid));
            session.remove(this);
        }
    }
}
