package pnfs.layout.extent;

/// What a client may do with an extent: RFC 5663 §2.3, RFC 8154 §2.4.
public enum ExtentState {
    /// Storage with the file's data: read it, overwrite it in place.
    READ_WRITE_DATA(0),
    /// Storage with the file's data that must not be written: all data in a layout for reading.
    READ_DATA(1),
    /// Storage that the file owns and nobody wrote yet: write it; a read is zeros, whatever the storage holds.
    INVALID_DATA(2),
    /// No storage: a read is zeros.
    NONE_DATA(3);

    private final int wire;

    ExtentState(int wire) {
        this.wire = wire;
    }

    /// The number in `pnfs_block_extent_state4`.
    public int wire() {
        return wire;
    }
}
