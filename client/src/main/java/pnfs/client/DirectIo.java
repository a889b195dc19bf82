package pnfs.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import pnfs.client.FileLayout.Mapping;
import pnfs.client.Volumes.Volume;
import pnfs.layout.device.DeviceId;
import pnfs.layout.device.VolumeTopology.Piece;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.Extent;
import pnfs.wire.iscsi.IscsiSessionException;

/// Moves bytes between buffers and the disks that a [Mapping] names, in pieces that are under way side by side.
/// Safe for all threads.
///
/// Disks move whole blocks. A write that ends within a block is filled up with what the block held before, or
/// with zeros where nothing was written before; a read that begins or ends within a block goes through a buffer
/// of that block.
final class DirectIo {
    private static final int PIECE_BYTES = 1 << 20;
    /// Pieces under way for all files together: what bounds the memory below us.
    private static final int MAX_PIECES = 64;

    private final Finder volumes;
    private final IoEvents events;
    private final Semaphore room = new Semaphore(MAX_PIECES);

    /// Knows what device ids stand for.
    interface Finder {
        Volume volume(DeviceId id) throws IOException, NoDirectWayException;
    }

    private enum Direction {
        READ,
        WRITE
    }

    /// Hears of writes that failed and that a data server may carry out all the same.
    interface LateWrites {
        /// One to `volume`; nothing of it can reach that any more when `over` is done.
        void mayComeLate(DeviceId volume, CompletableFuture<Void> over);

        /// For reads, which do no harm when they come late.
        LateWrites NONE = (volume, over) -> {};
    }

    /// A piece of a disk, which is part of a volume, and of a buffer.
    private record Transfer(DeviceId volume, Disk disk, long diskOffset, ByteBuffer buffer, ByteRange file) {}

    DirectIo(Finder volumes, IoEvents events) {
        this.volumes = volumes;
        this.events = events;
    }

    /// Writes `bytes` of the file from `data`. `before` tells where the data is that the first and the last
    /// block hold already. Where it fails, `late` hears before that what may come of it later.
    void write(String path, Mapping mapping, Mapping before, ByteRange bytes, ByteBuffer data, LateWrites late)
            throws IOException, NoDirectWayException {
        var transfers = new ArrayList<Transfer>();
        ByteBuffer left = data;
        long offset = bytes.offset();
        while (offset < bytes.end()) {
            ByteRange block = ByteRange.ofLength(ByteRange.alignDown(offset), ByteRange.BLOCK_BYTES);
            ByteRange chunk;
            ByteBuffer chunkData;
            if (bytes.covers(block)) {
                chunk = new ByteRange(offset, ByteRange.alignDown(bytes.end()));
                chunkData = take(left, chunk.length());
            } else {
                ByteRange given = block.intersect(bytes);
                chunk = block;
                chunkData = filledUp(path, before, block, given, take(left, given.length()));
            }
            add(transfers, mapping, chunk, chunkData);
            offset = chunk.end();
        }
        run(path, Direction.WRITE, transfers, late);
    }

    /// The block as it shall be: what it holds, and `given` over it.
    private ByteBuffer filledUp(String path, Mapping before, ByteRange block, ByteRange given, ByteBuffer data)
            throws IOException, NoDirectWayException {
        ByteBuffer whole = ByteBuffer.allocateDirect(ByteRange.BLOCK_BYTES);
        var transfers = new ArrayList<Transfer>();
        add(transfers, before, block, whole);
        run(path, Direction.READ, transfers, LateWrites.NONE);
        whole.put((int) (given.offset() - block.offset()), data, data.position(), data.remaining());
        return whole;
    }

    /// Reads `bytes` of the file into `into`, which has room for exactly them; what the mapping leaves out is
    /// zeros.
    void read(String path, Mapping mapping, ByteRange bytes, ByteBuffer into) throws IOException, NoDirectWayException {
        var transfers = new ArrayList<Transfer>();
        var edges = new ArrayList<Edge>();
        long zeroFrom = bytes.offset();
        for (Extent extent : mapping.extents()) {
            ByteRange part = extent.file().intersect(bytes);
            if (part.isEmpty()) {
                continue;
            }
            zero(into, bytes, new ByteRange(zeroFrom, part.offset()));
            zeroFrom = part.end();
            ByteRange inner = wholeBlocks(part);
            if (!inner.isEmpty()) {
                add(transfers, mapping, inner, slice(into, bytes, inner));
            }
            for (ByteRange edge : edgesOf(part, inner)) {
                ByteBuffer block = ByteBuffer.allocateDirect(ByteRange.BLOCK_BYTES);
                add(transfers, mapping, edge.widened(), block);
                edges.add(new Edge(edge, block));
            }
        }
        zero(into, bytes, new ByteRange(zeroFrom, bytes.end()));
        run(path, Direction.READ, transfers, LateWrites.NONE);
        for (Edge edge : edges) {
            int skipped = (int)
                    (edge.range().offset() - ByteRange.alignDown(edge.range().offset()));
            slice(into, bytes, edge.range())
                    .put(edge.block().slice(skipped, (int) edge.range().length()));
        }
    }

    /// A part of a block, and the whole block as it comes from the disk.
    private record Edge(ByteRange range, ByteBuffer block) {}

    private static ByteRange wholeBlocks(ByteRange part) {
        long from = ByteRange.alignUp(part.offset());
        return new ByteRange(from, Math.max(from, ByteRange.alignDown(part.end())));
    }

    /// What of `part` lies outside of `inner`: at most a piece of one block on each side.
    private static List<ByteRange> edgesOf(ByteRange part, ByteRange inner) {
        if (inner.isEmpty() && part.widened().length() <= ByteRange.BLOCK_BYTES) {
            return List.of(part);
        }
        var edges = new ArrayList<ByteRange>(2);
        long headEnd = Math.min(part.end(), inner.offset());
        if (part.offset() < headEnd) {
            edges.add(new ByteRange(part.offset(), headEnd));
        }
        long tailStart = Math.max(headEnd, inner.end());
        if (tailStart < part.end()) {
            edges.add(new ByteRange(tailStart, part.end()));
        }
        return edges;
    }

    private static ByteBuffer take(ByteBuffer data, long bytes) {
        ByteBuffer taken = data.slice(data.position(), (int) bytes);
        data.position(data.position() + (int) bytes);
        return taken;
    }

    private static ByteBuffer slice(ByteBuffer buffer, ByteRange whole, ByteRange part) {
        return buffer.slice(buffer.position() + (int) (part.offset() - whole.offset()), (int) part.length());
    }

    private static void zero(ByteBuffer into, ByteRange whole, ByteRange part) {
        ByteBuffer zeros = slice(into, whole, part);
        while (zeros.remaining() >= Long.BYTES) {
            zeros.putLong(0);
        }
        while (zeros.hasRemaining()) {
            zeros.put((byte) 0);
        }
    }

    /// Cuts `chunk` where extents, disks and pieces end. What the mapping leaves out stays as it is in the buffer.
    private void add(List<Transfer> transfers, Mapping mapping, ByteRange chunk, ByteBuffer data)
            throws IOException, NoDirectWayException {
        for (Extent extent : mapping.extents()) {
            if (!extent.file().overlaps(chunk)) {
                continue;
            }
            Extent part = extent.cutTo(chunk);
            Volume volume = volumes.volume(part.device());
            long at = part.file().offset();
            for (Piece piece : volume.pieces(part.storage())) {
                for (long done = 0; done < piece.length(); done += PIECE_BYTES) {
                    long length = Math.min(PIECE_BYTES, piece.length() - done);
                    var file = ByteRange.ofLength(at, length);
                    transfers.add(new Transfer(
                            part.device(),
                            volume.disk(piece.region()),
                            piece.offset() + done,
                            slice(data, chunk, file),
                            file));
                    at += length;
                }
            }
        }
    }

    private void run(String path, Direction direction, List<Transfer> transfers, LateWrites late)
            throws IOException, NoDirectWayException {
        var started = new ArrayList<CompletableFuture<Void>>(transfers.size());
        InterruptedIOException interrupted = null;
        for (Transfer transfer : transfers) {
            try {
                started.add(start(path, direction, transfer));
            } catch (InterruptedIOException e) {
                interrupted = e;
                break;
            }
        }
        // All of them are waited for, because until then the buffers are not the caller's again.
        Throwable failure = null;
        for (int i = 0; i < started.size(); i++) {
            Throwable itsFailure = await(started.get(i));
            if (itsFailure instanceof IscsiSessionException lost && !lost.over().isDone()) {
                late.mayComeLate(transfers.get(i).volume(), lost.over());
            }
            failure = failure == null ? itsFailure : failure;
        }
        if (interrupted != null) {
            throw interrupted;
        }
        if (failure != null) {
            throw new NoDirectWayException("data server: " + failure.getMessage());
        }
    }

    private CompletableFuture<Void> start(String path, Direction direction, Transfer transfer)
            throws InterruptedIOException {
        try {
            room.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while other pieces were under way");
        }
        long start = System.nanoTime();
        CompletableFuture<Void> done = switch (direction) {
            case READ ->
                transfer.disk().read(transfer.diskOffset(), transfer.buffer().duplicate());
            case WRITE ->
                transfer.disk().write(transfer.diskOffset(), transfer.buffer().duplicate());
        };
        return done.whenComplete((nothing, failure) -> {
            room.release();
            if (failure == null) {
                long nanos = System.nanoTime() - start;
                switch (direction) {
                    case READ -> events.read(path, transfer.file(), nanos);
                    case WRITE -> events.written(path, transfer.file(), nanos);
                }
            }
        });
    }

    /// Why it failed; null when it did not. Not to be interrupted: until the end the buffer belongs to the disk.
    private static @Nullable Throwable await(CompletableFuture<Void> future) {
        try {
            future.join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }
}
