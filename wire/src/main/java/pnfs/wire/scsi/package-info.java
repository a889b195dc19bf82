/// SCSI as block devices speak it (SPC-4, SBC-3): CDBs, status and sense, inquiry and mode data, persistent
/// reservations. Both directions: an initiator builds what a target parses. Knows no other room.
///
/// READ, WRITE and their kin are the data path and stay views over the command's bytes ([pnfs.wire.scsi.Cdb]);
/// everything else is an immutable record ([pnfs.wire.scsi.ScsiCommand] and the parameter data). All numbers are
/// big-endian.
@NullMarked
package pnfs.wire.scsi;

import org.jspecify.annotations.NullMarked;
