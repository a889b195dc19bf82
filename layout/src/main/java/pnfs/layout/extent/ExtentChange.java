package pnfs.layout.extent;

/// What must become durable of an [ExtentMap]: extents keyed by their offset in the file. Applied in the order
/// in which the map gave them, they rebuild it.
public sealed interface ExtentChange {
    /// Offset in the file at which the stored extent starts.
    long offset();

    /// This extent is stored at its offset now, over whatever stood there.
    record Put(Extent extent) implements ExtentChange {
        @Override
        public long offset() {
            return extent.file().offset();
        }
    }

    /// No extent starts at `offset` any more.
    record Delete(long offset) implements ExtentChange {}
}
