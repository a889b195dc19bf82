package pnfs.it.sim;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.StoreEngine;
import pnfs.mds.store.engine.MemoryEngine;

/// The metadata store's engine on a simulated disk: groups of batches become durable one after the other, each in
/// its time. One thread.
final class Journal implements StoreEngine {
    private final MemoryEngine engine;
    private final Host host;
    private final Pace pace;
    private final Plant plant;
    /// What survives; another engine only where that one says too much.
    private final MemoryEngine durable;

    private boolean busy;

    Journal(MemoryEngine engine, Host host, Pace pace, Plant plant) {
        this.durable = engine;
        this.engine = plant == Plant.STORE_ANSWERS_EARLY ? copyOf(engine) : engine;
        this.host = host;
        this.pace = pace;
        this.plant = plant;
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
    public Cursor open(byte[] fromInclusive, byte[] toExclusive) {
        return engine.open(fromInclusive, toExclusive);
    }

    @Override
    public void commit(long ticket, Batch batch) {
        durable.commit(ticket, batch);
        if (plant == Plant.STORE_ANSWERS_EARLY) {
            engine.commit(ticket, batch);
            host.execute(engine::commitAll);
        }
        if (!busy) {
            busy = true;
            host.execute(this::flush);
        }
    }

    private void flush() {
        int group = durable.queued();
        host.schedule(pace.nanos(), () -> {
            durable.commit(group);
            if (durable.queued() > 0) {
                flush();
            } else {
                busy = false;
            }
        });
    }

    /// The power goes: of what was on its way some is durable, the oldest first. Returns what the next run finds.
    MemoryEngine losePower(RandomGenerator random) {
        durable.commit(random.nextInt(durable.queued() + 1));
        return durable.crash();
    }

    private static MemoryEngine copyOf(MemoryEngine engine) {
        var all = new Batch();
        try (Cursor cursor = engine.open(new byte[0], new byte[] {-1})) {
            while (cursor.next()) {
                all.put(cursor.key(), cursor.value());
            }
        }
        var copy = new MemoryEngine();
        copy.commit(1, all);
        copy.commitAll();
        return copy;
    }

    @Override
    public void close() {}
}
