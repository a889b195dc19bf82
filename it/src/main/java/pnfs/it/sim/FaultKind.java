package pnfs.it.sim;

/// What goes wrong in a run; each kind can be left out, to find those that a failure needs.
enum FaultKind {
    /// The metadata server dies and starts again; what was not durable may be lost.
    METADATA_SERVER_DIES,
    /// A data server's process dies and starts again.
    DATA_SERVER_DIES,
    /// A data server's machine loses its power: words that were not written back may be lost.
    DATA_SERVER_LOSES_POWER,
    /// A client dies and starts again.
    CLIENT_DIES,
    /// A client's machine stands still for a while, and then goes on as if nothing had been.
    CLIENT_FREEZES,
    /// A connection breaks.
    CONNECTION_BREAKS,
    /// Two machines do not hear each other for a while, in one direction or in both.
    PARTITION,
    /// A client is not heard by the metadata server for longer than its lease, and goes on with its data servers.
    SILENT_CLIENT,
    /// A client goes on with what it is asked to give back.
    CLIENT_KEEPS_LAYOUTS,
    /// A disk takes hundreds of times as long as usual for a while.
    SLOW_DISK,
    /// The metadata server's clock on the wall is set.
    CLOCK_JUMPS,
    /// A data server is emptied while everybody works, and perhaps taken away.
    DRAIN,
    /// Layouts are wanted back of which nobody is in the way.
    ORDERED_RECALL
}
