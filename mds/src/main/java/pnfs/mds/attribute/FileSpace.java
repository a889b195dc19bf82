package pnfs.mds.attribute;

import pnfs.wire.nfs4.NfsException;

/// Where the bytes of regular files lie, as these rooms need it: the layout room implements it. All methods but
/// [#capacity] are called under the file's lock and do not wait; what they change goes into the caller's
/// [FileChange].
public interface FileSpace {
    /// Sets the size of `file`: frees what lies beyond a smaller one. Answers the bytes of storage it then
    /// uses. The caller puts the inode; bytes between an old, smaller size and a new one read as zeros.
    ///
    /// @throws NfsException DELAY while clients that hold layouts are asked to return them; NOSPC, FBIG
    long resize(FileChange change, Inode file, long newSize);

    /// Frees all that `file` occupies, because it has no name and nobody has it open any more. Answers false
    /// while that cannot be yet (a client holds a layout): then nothing changed, the file waits among the
    /// orphans, and `Orphans.reap` is to be called when it can.
    boolean release(FileChange change, Inode file);

    /// What the file system holds in all. Callable from any thread, without locks.
    Capacity capacity();

    /// Room for bytes.
    ///
    /// @param totalBytes what the volumes hold
    /// @param freeBytes of which nobody owns
    record Capacity(long totalBytes, long freeBytes) {}
}
