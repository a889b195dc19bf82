package pnfs.mds.proxy;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.Extent;

/// Volumes in memory that move bytes when the test says so. Full of noise at first: what files before ours left
/// behind.
final class ManualDisks implements BlockIo {
    private final int bytes;
    private final RandomGenerator noise;
    private final Map<DeviceId, byte[]> disks = new HashMap<>();
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();

    @Nullable
    IoFailure failure;

    ManualDisks(int bytes, RandomGenerator noise) {
        this.bytes = bytes;
        this.noise = noise;
    }

    private byte[] disk(DeviceId id) {
        return disks.computeIfAbsent(id, _ -> {
            var disk = new byte[bytes];
            noise.nextBytes(disk);
            return disk;
        });
    }

    @Override
    public void read(DeviceId volume, long volumeOffset, ByteBuffer into, Done done) {
        requireBlocks(volumeOffset, into);
        waiting.add(() -> {
            if (failure == null) {
                into.duplicate().put(disk(volume), (int) volumeOffset, into.remaining());
            }
            done.done(failure);
        });
    }

    @Override
    public void write(DeviceId volume, long volumeOffset, ByteBuffer from, Done done) {
        requireBlocks(volumeOffset, from);
        waiting.add(() -> {
            if (failure == null) {
                from.duplicate().get(disk(volume), (int) volumeOffset, from.remaining());
            }
            done.done(failure);
        });
    }

    private static void requireBlocks(long offset, ByteBuffer data) {
        if (offset % 4096 != 0 || data.remaining() % 4096 != 0 || !data.hasRemaining()) {
            throw new IllegalArgumentException(data.remaining() + " bytes at " + offset);
        }
    }

    /// Moves what waits, and what comes of it.
    void run() {
        for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
            next.run();
        }
    }

    /// Moves one of what waits, whichever; what comes of it waits in turn.
    void runOne(RandomGenerator random) {
        for (int skip = waiting.isEmpty() ? 0 : random.nextInt(waiting.size()); skip > 0; skip--) {
            waiting.add(waiting.remove());
        }
        Runnable next = waiting.poll();
        if (next != null) {
            next.run();
        }
    }

    /// The server is gone, and what it had under way with it.
    void forget() {
        waiting.clear();
    }

    /// A client with a layout writes for itself: the part of `data`, which begins at `fileOffset`, that lies on
    /// this extent.
    void writeDirectly(Extent extent, long fileOffset, byte[] data) {
        int from = (int) (extent.file().offset() - fileOffset);
        int length = (int) extent.file().length();
        System.arraycopy(data, from, disk(extent.device()), (int) extent.volumeOffset(), length);
    }

    int waiting() {
        return waiting.size();
    }
}
