/// ONC RPC version 2 (RFC 5531) both ways on one connection.
@NullMarked
package pnfs.wire.rpc;

import org.jspecify.annotations.NullMarked;
