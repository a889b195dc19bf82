/// SCSI commands onto volumes (SPC-4, SBC-3): what a command means, without how it travels. Refusals are sense
/// values.
@NullMarked
package pnfs.ds.scsi;

import org.jspecify.annotations.NullMarked;
