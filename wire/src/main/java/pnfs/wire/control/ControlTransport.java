package pnfs.wire.control;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.glassfish.grizzly.filterchain.FilterChain;
import org.glassfish.grizzly.filterchain.FilterChainBuilder;
import org.glassfish.grizzly.filterchain.TransportFilter;
import org.glassfish.grizzly.nio.transport.TCPNIOConnectorHandler;
import org.glassfish.grizzly.nio.transport.TCPNIOServerConnection;
import org.glassfish.grizzly.nio.transport.TCPNIOTransport;
import org.glassfish.grizzly.nio.transport.TCPNIOTransportBuilder;
import org.glassfish.grizzly.strategies.SameThreadIOStrategy;

/// The threads and sockets of the control protocol in one process: listens, connects, or both. Few messages, so
/// one thread does.
public final class ControlTransport implements AutoCloseable {
    /// The version of `control.proto` that this code speaks.
    public static final int PROTOCOL = 1;

    private final TCPNIOTransport transport;

    /// @param name in front of the threads' names
    public ControlTransport(String name) throws IOException {
        transport = TCPNIOTransportBuilder.newInstance()
                .setName(name)
                .setIOStrategy(SameThreadIOStrategy.getInstance())
                .setSelectorRunnersCount(1)
                .setTcpNoDelay(true)
                .setKeepAlive(true)
                .setReuseAddress(true)
                .build();
        transport.start();
    }

    /// Accepts links at an address; port 0 takes a free one.
    ///
    /// @return where
    public InetSocketAddress listen(InetSocketAddress at, Function<ControlLink, ControlHandler> handlers)
            throws IOException {
        transport.setProcessor(chain(new LinkFilter(handlers)));
        try {
            TCPNIOServerConnection listener = transport.bind(at);
            return (InetSocketAddress) listener.getLocalAddress();
        } catch (IOException refused) {
            throw new IOException(
                    "cannot listen for control connections on " + at + ": " + refused.getMessage(), refused);
        }
    }

    /// Connects; waits for it.
    public ControlLink connect(InetSocketAddress to, ControlHandler handler, Duration patience) throws IOException {
        if (to.isUnresolved()) {
            throw new IOException("unknown host " + to.getHostString());
        }
        var links = new LinkFilter(link -> handler);
        var connector = TCPNIOConnectorHandler.builder(transport)
                .processor(chain(links))
                .build();
        try {
            ControlLink link = links.linkOf(connector.connect(to).get(patience.toMillis(), TimeUnit.MILLISECONDS));
            if (link == null) {
                throw new IOException("the connection to " + to + " was closed at once");
            }
            return link;
        } catch (ExecutionException refused) {
            Throwable cause = refused.getCause();
            throw new IOException(
                    "cannot reach " + to + ": " + (cause == null ? refused : cause).getMessage(), refused);
        } catch (TimeoutException slow) {
            throw new IOException("no connection to " + to + " within " + patience, slow);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while connecting to " + to, stop);
        }
    }

    private static FilterChain chain(LinkFilter links) {
        return FilterChainBuilder.stateless()
                .add(new TransportFilter())
                .add(new FrameFilter())
                .add(links)
                .build();
    }

    @Override
    public void close() throws IOException {
        transport.shutdownNow();
    }
}
