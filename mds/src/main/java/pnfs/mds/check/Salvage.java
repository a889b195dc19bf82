package pnfs.mds.check;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.mds.delegation.DelegationRecords;
import pnfs.mds.layout.GrantRecords;
import pnfs.mds.layout.WatchRecords;
import pnfs.mds.lock.LockRecords;
import pnfs.mds.open.OpenRecords;
import pnfs.mds.session.ClientRecords;
import pnfs.mds.session.ServerIdentity;
import pnfs.mds.session.SessionRecords;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;
import pnfs.mds.store.Keys;
import pnfs.mds.store.MetadataStore;
import pnfs.mds.store.StoreEngine;

/// Records of clients and of what they hold that cannot be read. A start does not end there, for there is
/// somebody who knows what they said: the clients. So the records are put aside, and as nobody can tell any
/// more what a lock or a delegation forbids, all clients reclaim what they hold, and nobody gets anything new
/// meanwhile: as after the loss of the machine ([ServerIdentity]). What may still be written through layouts is
/// fenced then, or waited for, by the records of reservation keys, which are no such records.
///
/// A start reads all of them here and once more where they are restored: whether anybody goes on has to be
/// known before the first of them is.
public final class Salvage {
    private static final Logger log = LoggerFactory.getLogger(Salvage.class);

    private final Batch batch;
    private final List<Lost> lost = new ArrayList<>();

    /// A record that is put aside.
    ///
    /// @param why it cannot be read, and whose it was, as far as that can be told
    public record Lost(Keys kind, String why) {}

    private Salvage(Batch batch) {
        this.batch = batch;
    }

    /// At a start, before anything of that is read: puts them aside and says so.
    ///
    /// @return how many there were
    public static int run(StoreEngine engine, MetadataStore store) {
        var batch = new Batch();
        List<Lost> lost = run(engine, batch);
        lost.forEach(record -> log.warn("record put aside kind={} why={}", record.kind(), record.why()));
        if (!lost.isEmpty()) {
            log.warn("clients have to reclaim all they hold records={}", lost.size());
        }
        store.append(batch); // with the machine's name: a start that dies here has not happened, or comes to the same
        return lost.size();
    }

    /// Adds to `batch` what puts aside all such records.
    ///
    /// @return what it puts aside; empty, as is what it adds, where all can be read
    public static List<Lost> run(StoreEngine engine, Batch batch) {
        var salvage = new Salvage(batch);
        salvage.walk(engine, Keys.CLIENT, ClientRecords::check);
        for (Keys kind : List.of(Keys.SESSION, Keys.SLOT, Keys.CALLBACK)) {
            salvage.walk(engine, kind, (key, value) -> SessionRecords.sessionOf(kind, key, value));
        }
        salvage.walk(engine, Keys.OPEN, OpenRecords::facts);
        salvage.walk(engine, Keys.LOCK, LockRecords::read);
        salvage.walk(engine, Keys.RANGE, LockRecords::stateOfRange);
        salvage.walk(engine, Keys.DELEGATION, DelegationRecords::read);
        salvage.walk(engine, Keys.GRANT, GrantRecords::read);
        salvage.walk(engine, Keys.WATCH, WatchRecords::read);
        if (!salvage.lost.isEmpty()) {
            ServerIdentity.forgetMachine(batch);
        }
        return salvage.lost;
    }

    private void walk(StoreEngine engine, Keys kind, BiConsumer<byte[], byte[]> reader) {
        try (StoreEngine.Cursor records = engine.open(kind.first(), kind.end())) {
            while (records.next()) {
                byte[] key = records.key();
                byte[] value = records.value();
                try {
                    reader.accept(key, value);
                } catch (CorruptStoreException damaged) {
                    lost.add(new Lost(kind, String.valueOf(damaged.getMessage())));
                    putAside(batch, key, value);
                    if (kind == Keys.CLIENT) {
                        ClientRecords.putUnknown(batch, key);
                    }
                }
            }
        }
    }

    /// A record is removed, and kept where nobody but people look.
    static void putAside(Batch batch, byte[] key, byte[] value) {
        batch.delete(key);
        batch.put(Keys.ASIDE.of(key), value);
    }
}
