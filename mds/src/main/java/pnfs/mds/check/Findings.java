package pnfs.mds.check;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import pnfs.mds.store.Batch;
import pnfs.mds.store.CorruptStoreException;

/// What is found, and the changes that repair it. Confined to one check.
final class Findings {
    final Batch repair = new Batch();
    private final List<Report.Finding> all = new ArrayList<>();

    void add(Damage damage, String what) {
        all.add(new Report.Finding(damage, what));
    }

    /// What `record` reads; null where it cannot be read.
    <T> @Nullable T read(Supplier<T> record) {
        try {
            return record.get();
        } catch (CorruptStoreException damaged) {
            add(Damage.UNREADABLE, String.valueOf(damaged.getMessage()));
            return null;
        }
    }

    /// The same of a record that the store can do without: it is put aside.
    <T> @Nullable T read(Damage damage, byte[] key, byte[] value, BiFunction<byte[], byte[], T> record) {
        try {
            return record.apply(key, value);
        } catch (CorruptStoreException damaged) {
            add(damage, String.valueOf(damaged.getMessage()));
            Salvage.putAside(repair, key, value);
            return null;
        }
    }

    /// The same of what clients hold, which [Salvage] has put aside already where it cannot be read.
    static <T> @Nullable T salvaged(byte[] key, byte[] value, BiFunction<byte[], byte[], T> record) {
        try {
            return record.apply(key, value);
        } catch (CorruptStoreException _) {
            return null;
        }
    }

    /// Whether there was more of files than extents tell.
    boolean lostExtents() {
        return has(Damage.UNREADABLE_EXTENT) || has(Damage.OVERLAP);
    }

    boolean has(Damage damage) {
        return all.stream().anyMatch(finding -> finding.damage() == damage);
    }

    List<Report.Finding> all() {
        return all;
    }
}
