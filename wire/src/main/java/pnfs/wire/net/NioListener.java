package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Accepts on one loop and spreads connections over all of them.
final class NioListener implements Listener, NioLoop.Ready {
    private static final Logger log = LoggerFactory.getLogger(NioListener.class);
    /// When the system cannot give us another descriptor, the listening socket stays readable: asking again at
    /// once would spin.
    private static final long REST_NANOS = Duration.ofMillis(100).toNanos();

    private static final int ACCEPTS_A_TURN = 64;

    private final NioNetwork network;
    private final NioLoop loop;
    private final ServerSocketChannel channel;
    private final InetSocketAddress address;
    private final ConnectionLimits limits;
    private final Function<Connection, ConnectionHandler> handlers;
    private final AtomicInteger open = new AtomicInteger();
    private final Set<NioConnection> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    NioListener(
            NioNetwork network,
            NioLoop loop,
            ServerSocketChannel channel,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits)
            throws IOException {
        this.network = network;
        this.loop = loop;
        this.channel = channel;
        this.address = (InetSocketAddress) channel.getLocalAddress();
        this.limits = limits;
        this.handlers = handlers;
    }

    void start() {
        loop.execute(() -> {
            try {
                loop.register(channel, SelectionKey.OP_ACCEPT, this);
            } catch (IOException e) {
                log.debug("listener closed before its start address={}", address, e);
            }
        });
    }

    @Override
    public InetSocketAddress address() {
        return address;
    }

    @Override
    public int connections() {
        return open.get();
    }

    @Override
    public void ready(SelectionKey key) {
        try {
            for (int i = 0; i < ACCEPTS_A_TURN; i++) {
                SocketChannel accepted = channel.accept();
                if (accepted == null) {
                    return;
                }
                take(accepted);
            }
        } catch (IOException e) {
            if (closed) {
                return;
            }
            network.counters().acceptFailures.increment();
            log.warn("accept failed address={} open={} why={}", address, open, e.getMessage());
            key.interestOps(0);
            loop.schedule(REST_NANOS, () -> {
                if (key.isValid()) {
                    key.interestOps(SelectionKey.OP_ACCEPT);
                }
            });
        }
    }

    @Override
    public void abandon(String why) {
        close();
    }

    @Override
    public void close() {
        closed = true;
        NioLoop.closeQuietly(channel);
        connections.forEach(connection -> connection.close("server stopped listening"));
        letGo();
    }

    /// The system goes on listening until the selector has noticed that the channel was closed.
    private void letGo() {
        var gone = new CountDownLatch(1);
        try {
            loop.execute(() -> {
                try {
                    loop.forgetClosed();
                } finally {
                    gone.countDown();
                }
            });
        } catch (RejectedExecutionException e) {
            log.trace("loop had ended address={}", address);
            return;
        }
        if (network.inLoop()) {
            return;
        }
        try {
            gone.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void take(SocketChannel accepted) {
        if (open.get() >= limits.maxConnections() || !Admission.ofProcess().client()) {
            network.counters().turnedAway.increment();
            log.debug("connection turned away address={} open={}", address, open);
            NioLoop.closeQuietly(accepted);
            return;
        }
        network.counters().accepted.increment();
        open.incrementAndGet();
        NioLoop target = network.nextLoop();
        try {
            target.execute(() -> serve(target, accepted));
        } catch (RejectedExecutionException e) {
            left();
            NioLoop.closeQuietly(accepted);
        }
    }

    private void serve(NioLoop target, SocketChannel accepted) {
        NioConnection connection = null;
        try {
            connection = network.open(target, accepted, limits, this::forget);
        } finally {
            if (connection == null) {
                left();
                NioLoop.closeQuietly(accepted);
            }
        }
        if (connection == null) {
            return;
        }
        connections.add(connection);
        connection.start(handlers);
        if (closed) {
            connection.close("server stopped listening");
        }
    }

    private void forget(NioConnection connection) {
        left();
        connections.remove(connection);
    }

    private void left() {
        open.decrementAndGet();
        Admission.ofProcess().left();
    }
}
