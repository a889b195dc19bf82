package pnfs.wire.net;

import java.net.InetSocketAddress;

/// An address where connections are accepted. Its methods may be called from any thread.
public interface Listener extends AutoCloseable {
    /// With the port that was really taken.
    InetSocketAddress address();

    /// How many accepted connections are open.
    int connections();

    /// Stops accepting and closes the connections accepted here as [Connection#close] does. When this returns, the
    /// address is free; called on a loop, soon after.
    @Override
    void close();
}
