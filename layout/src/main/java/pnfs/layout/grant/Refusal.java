package pnfs.layout.grant;

/// Why a layout operation was refused, by the name of the NFS status that says so.
public enum Refusal {
    BADIOMODE,
    INVAL,
    BAD_STATEID,
    OLD_STATEID,
    /// Not even one extent fits into the reply.
    TOOSMALL,
    /// The minimum cannot be had; Linux sends this one request through the metadata server and asks again for
    /// the next.
    BADLAYOUT,
    /// The client was not granted before the restart what it commits after it.
    RECLAIM_BAD,
    /// The client was asked to return what it holds, and has yet to.
    RECALLCONFLICT,
    /// The same, and the client has seen that.
    RETURNCONFLICT,
    /// Not now; the client tries again.
    LAYOUTTRYLATER,
    NOSPC
}
