package pnfs.layout.space;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import pnfs.layout.device.DeviceId;
import pnfs.layout.extent.ByteRange;

/// Storage that a change freed, kept from everybody until the change is durable and until nobody holds a layout
/// or has I/O under way over it (I2). The stored form calls it free at once: a crash ends every hold, and the
/// change itself is then durable or never was. Guarded by the space lock, which both calls take.
public final class Freed {
    private enum Wait {
        DURABILITY,
        HOLDERS
    }

    private final Space space;
    private final Map<DeviceId, List<ByteRange>> ranges;
    private final EnumSet<Wait> waitsFor = EnumSet.allOf(Wait.class);

    Freed(Space space, Map<DeviceId, List<ByteRange>> ranges) {
        this.space = space;
        this.ranges = ranges;
    }

    /// The batch with the change that freed this is durable.
    public void becameDurable() {
        arrived(Wait.DURABILITY);
    }

    /// The last one who could touch this storage has given it back.
    public void becameUnheld() {
        arrived(Wait.HOLDERS);
    }

    private void arrived(Wait what) {
        try (var _ = space.lock()) {
            if (waitsFor.remove(what) && waitsFor.isEmpty()) {
                ranges.forEach((volume, freed) -> space.allocator(volume).readmit(freed));
            }
        }
    }
}
