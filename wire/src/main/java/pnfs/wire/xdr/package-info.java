/// XDR (RFC 4506): how every RPC message of ours is written and read. Knows no other room.
@NullMarked
package pnfs.wire.xdr;

import org.jspecify.annotations.NullMarked;
