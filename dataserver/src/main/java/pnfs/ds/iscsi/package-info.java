/// The iSCSI target (RFC 7143): connections, login, sessions and the movement of data between sockets and volumes.
/// Error recovery level 0, one connection a session.
@NullMarked
package pnfs.ds.iscsi;

import org.jspecify.annotations.NullMarked;
