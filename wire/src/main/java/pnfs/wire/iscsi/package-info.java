/// iSCSI (RFC 7143): PDUs, login keys and their negotiation for both ends, and an initiator. Knows `wire.net` and
/// `wire.scsi`.
@NullMarked
package pnfs.wire.iscsi;

import org.jspecify.annotations.NullMarked;
