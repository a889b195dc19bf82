package pnfs.wire.nfs4;

import pnfs.wire.xdr.Opaque;

/// `stateid4`: names a piece of state (an open, a lock, a delegation, a layout) and its version. RFC 8881 §8.2.
/// `seqid` is unsigned; `other` has 12 bytes. Immutable.
public record Stateid(int seqid, Opaque other) {
    public static final int OTHER_BYTES = 12;
    static final int BYTES = Integer.BYTES + OTHER_BYTES;

    private static final Opaque ZEROS = Opaque.of(new byte[OTHER_BYTES]);
    private static final Opaque ONES = Opaque.ofHex("ff".repeat(OTHER_BYTES));

    /// READ, WRITE, SETATTR without open state.
    public static final Stateid ANONYMOUS = new Stateid(0, ZEROS);
    /// READ that passes share reservations; anywhere else the same as [#ANONYMOUS].
    public static final Stateid READ_BYPASS = new Stateid(0xffff_ffff, ONES);
    /// "The one that the operation before gave": RFC 8881 §16.2.3.1.2.
    public static final Stateid CURRENT = new Stateid(1, ZEROS);
    /// Valid nowhere; what CLOSE may give back.
    public static final Stateid INVALID = new Stateid(0xffff_ffff, ZEROS);

    public Stateid {
        if (other.length() != OTHER_BYTES) {
            throw new IllegalArgumentException("stateid other of " + other.length() + " bytes");
        }
    }

    public boolean isAnonymous() {
        return equals(ANONYMOUS);
    }

    public boolean isReadBypass() {
        return equals(READ_BYPASS);
    }

    public boolean isCurrent() {
        return equals(CURRENT);
    }

    /// Whether `other` belongs to the special stateids: what is special but none of the constants is BAD_STATEID.
    public boolean isSpecial() {
        return other.equals(ZEROS) || other.equals(ONES);
    }

    public Stateid withSeqid(int newSeqid) {
        return new Stateid(newSeqid, other);
    }

    /// The version after this one: 1 follows 2^32-1, because 0 means "the current one" (RFC 8881 §8.2.2).
    public Stateid next() {
        return new Stateid(seqid == 0xffff_ffff ? 1 : seqid + 1, other);
    }

    /// How a trace shows it.
    @Override
    public String toString() {
        return Integer.toUnsignedString(seqid) + ":" + other;
    }
}
