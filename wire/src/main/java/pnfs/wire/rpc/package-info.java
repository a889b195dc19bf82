/// ONC RPC version 2 (RFC 5531) over streams: record marking, calls in both directions of one connection,
/// credentials.
@NullMarked
package pnfs.wire.rpc;

import org.jspecify.annotations.NullMarked;
