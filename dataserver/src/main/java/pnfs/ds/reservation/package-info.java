/// One registration table for every protocol that reaches a volume: persistent reservations as SPC-4 §5.12 has
/// them, and the far end of a fence.
@NullMarked
package pnfs.ds.reservation;

import org.jspecify.annotations.NullMarked;
