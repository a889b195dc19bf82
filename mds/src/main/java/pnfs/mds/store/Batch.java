package pnfs.mds.store;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Changes that happen together or not at all. For the same key the later change wins. Keys and values are
/// given away: the caller does not touch the arrays again. Confined to one thread until [MetadataStore#append]
/// takes it; sealed from then on.
public final class Batch {
    private final List<Change> changes = new ArrayList<>(4);
    private long bytes;
    private boolean sealed;

    /// One key and its new value; `value` is null where the key goes away.
    @SuppressWarnings("ArrayRecordComponent") // never compared; the arrays are written once
    public record Change(byte[] key, byte @Nullable [] value) {}

    public void put(byte[] key, byte[] value) {
        add(new Change(key, value), (long) key.length + value.length);
    }

    public void delete(byte[] key) {
        add(new Change(key, null), key.length);
    }

    /// Everything in `others`, too. Under the store's lock it may come to a sealed batch that no engine has.
    void addAll(Batch others) {
        changes.addAll(others.changes);
        bytes += others.bytes;
    }

    /// All changes, in the order they were made.
    public List<Change> changes() {
        return changes;
    }

    /// Bytes of all keys and values.
    public long bytes() {
        return bytes;
    }

    public boolean isEmpty() {
        return changes.isEmpty();
    }

    void seal() {
        if (sealed) {
            throw new IllegalStateException("batch appended twice");
        }
        sealed = true;
    }

    private void add(Change change, long changeBytes) {
        if (sealed) {
            throw new IllegalStateException("change to a batch that was appended already");
        }
        changes.add(change);
        bytes += changeBytes;
    }
}
