package pnfs.wire.nfs4;

/// `locker4`, RFC 8881 §18.10: whose lock it becomes.
public sealed interface Locker {
    /// The first lock of this owner on the file.
    record NewOwner(int openSequence, Stateid open, int lockSequence, StateOwner owner) implements Locker {}

    record KnownOwner(Stateid lock, int lockSequence) implements Locker {}
}
