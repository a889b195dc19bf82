package pnfs.it.sim;

import java.util.random.RandomGenerator;
import pnfs.layout.extent.ByteRange;
import pnfs.layout.extent.ExtentMap;
import pnfs.mds.store.Batch;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;

/// What planted bugs do that takes more than leaving something out.
public final class PlantedCode {
    private PlantedCode() {}

    /// The changes of one batch become durable one after the other.
    public static void inPieces(StoreEngine engine, long ticket, Batch batch) {
        for (Batch.Change change : batch.changes()) {
            var alone = new Batch();
            byte[] value = change.value();
            if (value == null) {
                alone.delete(change.key());
            } else {
                alone.put(change.key(), value);
            }
            engine.commit(ticket, alone);
        }
    }

    /// Nobody waits until it is durable.
    public static void atOnce(MetadataStore store, long ticket, Runnable then) {
        then.run();
    }

    /// Chance that no seed decides.
    public static long sinceStart(RandomGenerator random) {
        return System.nanoTime();
    }

    /// Everything that a client could have written counts as written.
    public static long markAll(ExtentMap map, ByteRange written) {
        return map.markWritten(ByteRange.all());
    }
}
