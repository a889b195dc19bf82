package pnfs.mds.store.engine;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.StoreEngine;

/// An engine in memory whose commits and crashes come when a test or the simulator says so. With [#committing]
/// every batch is durable at once. Safe for any thread; commits are reported on the thread that calls
/// [#commit(int)].
public final class MemoryEngine implements StoreEngine {
    private final ReentrantLock lock = new ReentrantLock();
    private final boolean commitsAtOnce;
    /// What survives a crash. Guarded by the lock, as is the queue.
    private final NavigableMap<byte[], byte[]> durable;

    private final ArrayDeque<Queued> queue = new ArrayDeque<>();
    private @Nullable Listener listener;
    /// How many of the queue are written.
    private int written;

    private boolean dead;
    private volatile BooleanSupplier isCold = () -> false;

    private record Queued(long ticket, Batch batch) {}

    /// An empty engine that commits by hand.
    public MemoryEngine() {
        this(false, new TreeMap<>(Arrays::compareUnsigned));
    }

    private MemoryEngine(boolean commitsAtOnce, NavigableMap<byte[], byte[]> durable) {
        this.commitsAtOnce = commitsAtOnce;
        this.durable = durable;
    }

    /// An empty engine that commits each batch before its append returns.
    public static MemoryEngine committing() {
        return new MemoryEngine(true, new TreeMap<>(Arrays::compareUnsigned));
    }

    /// From now on `isCold` says of each read whether it would go to a disk, if there was one.
    public void coldWhen(BooleanSupplier isCold) {
        this.isCold = isCold;
    }

    @Override
    public void start(Listener listener) {
        this.listener = listener;
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        lock.lock();
        try {
            return durable.get(key);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public byte @Nullable [] get(byte[] key, Runnable beforeDisk) {
        if (isCold.getAsBoolean()) {
            beforeDisk.run();
        }
        return get(key);
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive) {
        return open(fromInclusive, toExclusive, () -> {});
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive, Runnable beforeDisk) {
        lock.lock();
        try {
            return new Snapshot(
                    new TreeMap<>(durable.subMap(fromInclusive, true, toExclusive, false))
                            .entrySet()
                            .iterator(),
                    beforeDisk);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void commit(long ticket, Batch batch) {
        lock.lock();
        try {
            if (dead) {
                return; // what a server does between the crash and its end reaches no disk
            }
            queue.add(new Queued(ticket, batch));
        } finally {
            lock.unlock();
        }
        if (commitsAtOnce) {
            commitAll();
        }
    }

    /// The oldest `batches` of the queue are written, and reported as that: they survive [#kill], not [#crash].
    public void write(int batches) {
        long last = 0;
        lock.lock();
        try {
            written = Math.max(written, Math.min(batches, queue.size()));
            last = queue.stream().limit(written).mapToLong(Queued::ticket).max().orElse(0);
        } finally {
            lock.unlock();
        }
        if (last > 0 && listener != null) {
            listener.written(last);
        }
    }

    /// Makes the oldest `batches` of the queue durable, as one group commit, and reports them.
    public void commit(int batches) {
        long last = 0;
        lock.lock();
        try {
            for (int i = 0; i < batches && !queue.isEmpty(); i++) {
                Queued next = queue.remove();
                next.batch().changes().forEach(this::apply);
                last = next.ticket();
                written = Math.max(0, written - 1);
            }
        } finally {
            lock.unlock();
        }
        if (last > 0 && listener != null) {
            listener.written(last);
            listener.durable(last);
        }
    }

    /// Makes everything queued durable.
    public void commitAll() {
        commit(Integer.MAX_VALUE);
    }

    /// How many batches wait for a commit.
    public int queued() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /// The process is killed: what was not written is gone. Returns the engine that finds the rest; this one is
    /// dead.
    public MemoryEngine kill() {
        lock.lock();
        try {
            for (int i = 0; i < written; i++) {
                queue.remove().batch().changes().forEach(this::apply);
            }
            return crash();
        } finally {
            lock.unlock();
        }
    }

    /// Power is lost: what was not committed is gone. Returns the engine that finds the rest; this one is dead.
    public MemoryEngine crash() {
        lock.lock();
        try {
            dead = true;
            queue.clear();
            var survived = new TreeMap<byte[], byte[]>(Arrays::compareUnsigned);
            survived.putAll(durable);
            return new MemoryEngine(commitsAtOnce, survived);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        commitAll();
    }

    private void apply(Batch.Change change) {
        byte[] value = change.value();
        if (value == null) {
            durable.remove(change.key());
        } else {
            durable.put(change.key(), value);
        }
    }

    private final class Snapshot implements Cursor {
        private final Iterator<Map.Entry<byte[], byte[]>> entries;
        private final Runnable beforeDisk;
        private Map.@Nullable Entry<byte[], byte[]> current;

        Snapshot(Iterator<Map.Entry<byte[], byte[]>> entries, Runnable beforeDisk) {
            this.entries = entries;
            this.beforeDisk = beforeDisk;
        }

        @Override
        public boolean next() {
            if (isCold.getAsBoolean()) {
                beforeDisk.run();
            }
            current = entries.hasNext() ? entries.next() : null;
            return current != null;
        }

        @Override
        public byte[] key() {
            return entry().getKey();
        }

        @Override
        public byte[] value() {
            return entry().getValue();
        }

        private Map.Entry<byte[], byte[]> entry() {
            if (current == null) {
                throw new IllegalStateException("cursor is before its first entry or after its last");
            }
            return current;
        }

        @Override
        public void close() {}
    }
}
