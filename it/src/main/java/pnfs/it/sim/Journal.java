package pnfs.it.sim;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.engine.MemoryEngine;

/// The metadata store's engine on a simulated disk: groups of batches are written, and become durable in their
/// time, one after the other. One thread.
final class Journal implements StoreEngine {
    private final MemoryEngine engine;
    private final Host host;
    private final Pace pace;
    private boolean busy;
    private @Nullable Runnable atNextCommit;

    Journal(MemoryEngine engine, Host host, Pace pace) {
        this.engine = engine;
        this.host = host;
        this.pace = pace;
    }

    @Override
    public void start(Listener listener) {
        engine.start(listener);
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        return engine.get(key);
    }

    @Override
    public byte @Nullable [] get(byte[] key, Runnable beforeDisk) {
        return engine.get(key, beforeDisk);
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive) {
        return engine.open(fromInclusive, toExclusive);
    }

    @Override
    public Cursor open(byte[] fromInclusive, byte[] toExclusive, Runnable beforeDisk) {
        return engine.open(fromInclusive, toExclusive, beforeDisk);
    }

    @Override
    public void commit(long ticket, Batch batch) {
        engine.commit(ticket, batch);
        Runnable then = atNextCommit;
        if (then != null) {
            atNextCommit = null;
            host.schedule(pace.nanos(), then);
        }
        if (!busy) {
            busy = true;
            host.execute(this::flush);
        }
    }

    /// Runs `then` once, after the next batch and about as much later as a commit takes.
    void atNextCommit(Runnable then) {
        atNextCommit = then;
    }

    private void flush() {
        int group = engine.queued();
        engine.write(group);
        host.schedule(pace.nanos(), () -> {
            engine.commit(group);
            if (engine.queued() > 0) {
                flush();
            } else {
                busy = false;
            }
        });
    }

    /// The process goes: what is written is there, and of what was about to be, some, the oldest first. Returns
    /// what the next run finds.
    MemoryEngine kill(RandomGenerator random) {
        engine.write(random.nextInt(engine.queued() + 1));
        return engine.kill();
    }

    /// The power goes: of what was on its way some is durable, the oldest first. Returns what the next run finds.
    MemoryEngine losePower(RandomGenerator random) {
        engine.commit(random.nextInt(engine.queued() + 1));
        return engine.crash();
    }

    @Override
    public void close() {}
}
