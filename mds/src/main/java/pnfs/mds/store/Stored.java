package pnfs.mds.store;

import org.jspecify.annotations.Nullable;

/// What the store holds under a key, and how safe that is. A `ticket` of 0 is durable; a reply that shows any
/// other answer, the answer "nothing there" included, waits for that ticket (I3). Immutable; the array is not
/// to be changed.
@SuppressWarnings("ArrayRecordComponent") // equal where the very same array is; it is written once
public record Stored(byte @Nullable [] value, long ticket) {
    static final Stored NOTHING = new Stored(null, 0);

    public boolean isPresent() {
        return value != null;
    }

    /// The value of a key that is known to be present.
    ///
    /// @throws CorruptStoreException when it is not: the caller's records disagree with each other
    public byte[] require(String what) {
        if (value == null) {
            throw new CorruptStoreException(what + " is missing from the store");
        }
        return value;
    }
}
