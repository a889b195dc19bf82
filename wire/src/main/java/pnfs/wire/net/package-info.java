/// Connections: bytes in, messages, bytes out. Protocols implement [pnfs.wire.net.ConnectionHandler] and never
/// see a socket; [pnfs.wire.net.NioNetwork] carries them in production and a simulation can carry them in one
/// thread.
@NullMarked
package pnfs.wire.net;

import org.jspecify.annotations.NullMarked;
