package pnfs.mds.compound;

/// Who may go to a file, and as whom. The export room implements it; called before a COMPOUND's current file
/// becomes one that a client named by its handle, the root, or one on the other side of an export's border.
@FunctionalInterface
public interface Gate {
    /// Lets the COMPOUND in and sets its [Permit].
    ///
    /// @throws pnfs.wire.nfs4.NfsException STALE where the file is gone, and has the reply wait for the change
    ///     that made it so; ACCESS where the client may not come
    void enter(FileHandle file, CompoundState state);
}
