package pnfs.layout.space;

import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;

/// What must become durable of an [Allocator]: the free ranges of a volume, keyed by their offset on it.
/// Applied in the order in which the allocator gave them, they rebuild it.
public sealed interface SpaceChange {
    DeviceId volume();

    /// Offset on the volume at which the free range starts.
    long offset();

    /// The free range that starts here is this one now.
    record Put(DeviceId volume, ByteRange free) implements SpaceChange {
        @Override
        public long offset() {
            return free.offset();
        }
    }

    /// No free range starts at `offset` any more.
    record Delete(DeviceId volume, long offset) implements SpaceChange {}
}
