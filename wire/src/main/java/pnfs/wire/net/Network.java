package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import java.util.function.Function;

/// Where connections come from.
public interface Network extends AutoCloseable {
    /// How many bytes of messages a handler can be shown at a time.
    int STAGING_BYTES = 128 << 10;

    /// Accepts connections at `at` (port 0: any free one). `handlers` makes the protocol's end of each, on its
    /// loop.
    Listener listen(InetSocketAddress at, Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits)
            throws IOException;

    /// Connects to `to`. On a loop comes either `handlers`, or `failed` with a reason that names the address.
    void connect(
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed);

    /// As above, on a loop that [#loop] gave: for what outlives its connections and wants all of them on one loop.
    void connect(
            Loop on,
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed);

    /// A loop for timers of what has no connection.
    Loop loop();

    NetworkCounters counters();

    /// Stops accepting, closes all connections as [Connection#close] does, gives them a bounded time to send
    /// what waits, and ends the loops. Must not be called on a loop.
    @Override
    void close();
}
