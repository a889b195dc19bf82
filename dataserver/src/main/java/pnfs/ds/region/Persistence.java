package pnfs.ds.region;

/// How the bytes of a region become durable. [Region] owns one; tests bring their own.
///
/// Safe for use by many threads. Stores into the region must happen-before [#persist] (a caller's own stores do).
public interface Persistence extends AutoCloseable {
    /// Tells a waiter, exactly once, what became of its range: at once on the caller's thread, or later on
    /// another one.
    void persist(long offset, long length, Waiter waiter);

    Durability durability();

    /// Whether the medium has failed for good: nothing becomes durable any more.
    boolean hasFailed();

    /// Makes durable what was asked for, then answers no more.
    @Override
    void close();

    /// Who asked for durability. Called on any thread; must hand over and return.
    @FunctionalInterface
    interface Waiter {
        /// Takes the outcome.
        ///
        /// @param durable false when the medium failed: the bytes may be lost, and nothing may be acknowledged
        void persisted(boolean durable);
    }

    /// The medium under a region: how one range is written back.
    @FunctionalInterface
    interface Force {
        /// Returns when the bytes of the range that were stored before are durable.
        ///
        /// @throws java.io.UncheckedIOException when the medium failed
        void force(long offset, long length);
    }
}
