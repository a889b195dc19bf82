package pnfs.wire.nfs4;

/// `openflag4`, RFC 8881 §18.16: whether and how a file is made.
public sealed interface OpenHow {
    record NoCreate() implements OpenHow {}

    /// An existing file is opened as it is; only a size of 0 is applied to it.
    record Unchecked(Fattr attributes) implements OpenHow {}

    /// EXIST where it is there.
    record Guarded(Fattr attributes) implements OpenHow {}

    /// EXIST unless it was made with this verifier.
    record Exclusive(long verifier) implements OpenHow {}

    /// As [Exclusive], with attributes.
    record Exclusive41(long verifier, Fattr attributes) implements OpenHow {}
}
