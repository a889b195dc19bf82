package pnfs.mds.store;

import org.jspecify.annotations.Nullable;

/// The ordered key-value engine under a [MetadataStore]. Keys are ordered as unsigned bytes. Everything an
/// engine shows is written at least; batches that wait for their commit are the store's business. Safe for any
/// thread.
public interface StoreEngine extends AutoCloseable {
    /// Who hears of commits. Called from one thread at a time, in ticket order.
    interface Listener {
        /// Every batch up to `ticket` is where the end of this process does not reach it, and in the engine;
        /// the end of the machine may take it back, as long as it is not durable.
        void written(long ticket);

        /// Every batch up to `ticket` is durable and visible in the engine.
        void durable(long ticket);

        /// No batch after the last durable one will ever become durable.
        void failed(Throwable cause);
    }

    /// A walk over a snapshot taken when it was opened. Confined to one thread.
    interface Cursor extends AutoCloseable {
        /// Moves to the next entry, the first at first; false at the end.
        boolean next();

        byte[] key();

        byte[] value();

        @Override
        void close();
    }

    /// Called once, before the first commit.
    void start(Listener listener);

    byte @Nullable [] get(byte[] key);

    /// The same for who must not wait as he is: runs `beforeDisk` before it reads from a disk.
    byte @Nullable [] get(byte[] key, Runnable beforeDisk);

    /// Entries from `fromInclusive` to `toExclusive` in order.
    Cursor open(byte[] fromInclusive, byte[] toExclusive);

    /// The same for who must not wait as he is: [Cursor#next] runs `beforeDisk` before it reads from a disk.
    Cursor open(byte[] fromInclusive, byte[] toExclusive, Runnable beforeDisk);

    /// Queues `batch` for the next commit and returns. Tickets come in ascending order.
    void commit(long ticket, Batch batch);

    /// Commits what is queued, then lets go of everything.
    @Override
    void close();
}
