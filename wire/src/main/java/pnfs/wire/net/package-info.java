/// Connections and the loops that serve them. Protocol code sees bytes in and bytes out, never a socket, so that a
/// simulator can stand in for [Network] and [Loop]. A shore.
@NullMarked
package pnfs.wire.net;

import org.jspecify.annotations.NullMarked;
