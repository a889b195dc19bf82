package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import java.util.function.Function;

/// Where connections come from: sockets in production, a simulator in tests.
public interface Network extends AutoCloseable {
    /// Makes a handler for a new connection; runs on the connection's loop.
    interface HandlerFactory extends Function<Connection, ConnectionHandler> {}

    /// Accepts connections at an address; port 0 takes a free one, which [Listener#address] tells.
    ///
    /// @throws IOException when the address cannot be had; the message names it
    Listener listen(InetSocketAddress at, HandlerFactory handlers, ConnectionLimits limits) throws IOException;

    /// Connects. The handler is made once the connection stands; `failed` is told why when it will not.
    void connect(InetSocketAddress to, HandlerFactory handlers, ConnectionLimits limits, Consumer<IOException> failed);

    /// A loop for work that has no connection, such as reconnecting: the next in turn.
    Loop loop();

    /// Stops accepting, sends what is queued for a bounded time, and closes everything.
    @Override
    void close();

    /// An address at which connections are accepted.
    interface Listener {
        InetSocketAddress address();

        /// Accepts no more; connections that stand go on.
        void close();
    }
}
