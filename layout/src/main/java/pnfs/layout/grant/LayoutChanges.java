package pnfs.layout.grant;

import java.util.List;
import pnfs.layout.extent.ExtentChange;
import pnfs.layout.space.Freed;
import pnfs.layout.space.SpaceChange;

/// What one decision changed. Extents and space must become durable in one batch, together with what else the
/// operation changes, appended before the space lock is given back; [Freed#becameDurable] is called when it is.
///
/// @param extents of the file that the decision was about
/// @param allocatedBytes storage behind the file after the change
public record LayoutChanges(
        List<ExtentChange> extents, List<SpaceChange> space, List<Freed> freed, long allocatedBytes) {
    public boolean isEmpty() {
        return extents.isEmpty() && space.isEmpty();
    }
}
