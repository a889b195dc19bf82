package pnfs.it.sim;

/// A bug that is put into the cluster on purpose, so that we know that the simulator finds such: at the shores,
/// since what stands between them is production's.
enum Plant {
    NONE,
    /// The store says that a batch is durable when it has only taken it.
    STORE_ANSWERS_EARLY,
    /// A region says that bytes are durable when they are only stored.
    REGION_ANSWERS_EARLY,
    /// A data server says that a key is fenced and has done nothing.
    FENCE_ONLY_CONFIRMED
}
