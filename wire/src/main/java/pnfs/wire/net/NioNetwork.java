package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sockets on a fixed number of loops; each connection stays on the loop that it was given.
public final class NioNetwork implements Network {
    private static final Logger log = LoggerFactory.getLogger(NioNetwork.class);
    private static final int BACKLOG = 1024;
    private static final long ACCEPT_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final List<NioLoop> loops;
    private final AtomicInteger nextLoop = new AtomicInteger();
    private final AtomicLong nextConnection = new AtomicLong(1);
    private final List<SocketListener> listeners = new CopyOnWriteArrayList<>();

    /// @param name in front of the loops' thread names
    /// @param loops how many; a processor each is a good number
    public NioNetwork(String name, int loops) {
        this.loops = IntStream.range(0, loops)
                .mapToObj(i -> new NioLoop(name + "-loop-" + i))
                .toList();
    }

    @Override
    public NioLoop loop() {
        return loops.get(Math.floorMod(nextLoop.getAndIncrement(), loops.size()));
    }

    @Override
    public Listener listen(InetSocketAddress at, HandlerFactory handlers, ConnectionLimits limits) throws IOException {
        var channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.bind(at, BACKLOG);
            channel.configureBlocking(false);
            var listener = new SocketListener(channel, (InetSocketAddress) channel.getLocalAddress(), handlers, limits);
            listeners.add(listener);
            NioLoop loop = loop();
            loop.execute(() -> listener.start(loop));
            return listener;
        } catch (IOException refused) {
            channel.close();
            throw new IOException("cannot listen on " + at + ": " + refused.getMessage(), refused);
        }
    }

    private final class SocketListener implements Listener, NioLoop.Ready {
        private final ServerSocketChannel channel;
        private final InetSocketAddress address;
        private final HandlerFactory handlers;
        private final ConnectionLimits limits;
        private final AtomicInteger open = new AtomicInteger();

        SocketListener(
                ServerSocketChannel channel,
                InetSocketAddress address,
                HandlerFactory handlers,
                ConnectionLimits limits) {
            this.channel = channel;
            this.address = address;
            this.handlers = handlers;
            this.limits = limits;
        }

        void start(NioLoop loop) {
            try {
                loop.register(channel, this);
            } catch (IOException closed) {
                log.debug("listener closed before it began address={}", address, closed);
            }
        }

        @Override
        public InetSocketAddress address() {
            return address;
        }

        @Override
        public void close() {
            listeners.remove(this);
            try {
                channel.close();
            } catch (IOException already) {
                log.debug("close failed address={}", address, already);
            }
        }

        @Override
        public void ready(SelectionKey key) {
            try {
                for (SocketChannel peer = channel.accept(); peer != null; peer = channel.accept()) {
                    admit(peer);
                }
            } catch (IOException full) {
                if (!channel.isOpen()) {
                    return;
                }
                // Out of file descriptors, most likely: the listener stays ready, so look away for a moment.
                log.warn("accept failed address={} why={}", address, full.getMessage());
                key.interestOps(0);
                loop().schedule(ACCEPT_AGAIN_NANOS, () -> {
                    if (key.isValid()) {
                        key.interestOps(SelectionKey.OP_ACCEPT);
                        key.selector().wakeup();
                    }
                });
            }
        }

        private void admit(SocketChannel peer) throws IOException {
            if (open.incrementAndGet() > limits.maxConnections()) {
                open.decrementAndGet();
                log.warn("connection refused address={} open={}", address, limits.maxConnections());
                peer.close();
                return;
            }
            begin(peer, handlers, limits, open::decrementAndGet);
        }
    }

    private void begin(SocketChannel channel, HandlerFactory handlers, ConnectionLimits limits, Runnable whenEnded)
            throws IOException {
        NioLoop loop = loop();
        NioConnection connection;
        try {
            prepare(channel);
            connection = connection(channel, loop, limits, whenEnded);
        } catch (IOException gone) {
            channel.close();
            whenEnded.run();
            log.debug("peer gone at once", gone);
            return;
        }
        loop.execute(() -> connection.start(handlers));
    }

    private static void prepare(SocketChannel channel) throws IOException {
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    }

    private NioConnection connection(SocketChannel channel, NioLoop loop, ConnectionLimits limits, Runnable whenEnded)
            throws IOException {
        return new NioConnection(nextConnection.getAndIncrement(), loop, channel, limits, whenEnded);
    }

    @Override
    public void connect(
            InetSocketAddress to, HandlerFactory handlers, ConnectionLimits limits, Consumer<IOException> failed) {
        NioLoop loop = loop();
        loop.execute(() -> {
            SocketChannel channel = null;
            try {
                if (to.isUnresolved()) {
                    throw new IOException("unknown host " + to.getHostString());
                }
                channel = SocketChannel.open();
                channel.configureBlocking(false);
                SocketChannel connecting = channel;
                if (channel.connect(to)) {
                    prepare(channel);
                    connection(channel, loop, limits, () -> {}).start(handlers);
                    return;
                }
                loop.register(channel, SelectionKey.OP_CONNECT, key -> {
                    try {
                        connecting.finishConnect();
                        prepare(connecting);
                        connection(connecting, loop, limits, () -> {}).start(key, handlers);
                    } catch (IOException refused) {
                        fail(connecting, to, refused, failed);
                    }
                });
            } catch (IOException refused) {
                fail(channel, to, refused, failed);
            }
        });
    }

    private static void fail(
            @Nullable SocketChannel channel, InetSocketAddress to, IOException why, Consumer<IOException> failed) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException already) {
                why.addSuppressed(already);
            }
        }
        failed.accept(new IOException("cannot connect to " + to + ": " + why.getMessage(), why));
    }

    @Override
    public void close() {
        listeners.forEach(SocketListener::close);
        long deadline = System.nanoTime() + LINGER_NANOS;
        try {
            while (loops.stream().anyMatch(NioNetwork::hasUnsent) && System.nanoTime() - deadline < 0) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            loops.forEach(NioLoop::stop);
            for (NioLoop loop : loops) {
                loop.join();
            }
        } catch (InterruptedException stop) {
            loops.forEach(NioLoop::stop);
            Thread.currentThread().interrupt();
        }
    }

    private static boolean hasUnsent(NioLoop loop) {
        var answer = new CompletableFuture<Boolean>();
        loop.execute(() -> answer.complete(loop.hasUnsent()));
        return loop.inLoop() ? false : answer.join();
    }
}
