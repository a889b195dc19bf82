package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// TCP by selector loops, one thread each; a connection stays on the loop it was given to. A loop reads what a
/// peer has sent in one go, lets the protocol answer all of it, and sends the answers with one gathering write:
/// at depth 32 that costs a seventh of a pair of system calls for each request.
///
/// The threads are named `pnfs-loop-N`. Safe for use by many threads.
public final class NioNetwork implements Network {
    private static final Duration DRAIN = Duration.ofSeconds(5);

    private final List<NioLoop> loops = new ArrayList<>();
    private final AtomicInteger turn = new AtomicInteger();
    private final AtomicLong lastId = new AtomicLong();
    private final NetworkCounters counters = new NetworkCounters();

    /// One loop a core.
    public NioNetwork() throws IOException {
        this(Runtime.getRuntime().availableProcessors(), System::nanoTime);
    }

    public NioNetwork(int loops, LongSupplier nanoTime) throws IOException {
        for (int i = 0; i < loops; i++) {
            this.loops.add(new NioLoop("pnfs-loop-" + i, nanoTime, counters));
        }
    }

    @Override
    public Listener listen(
            InetSocketAddress at, Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits)
            throws IOException {
        var channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.bind(at, 1024);
            channel.configureBlocking(false);
        } catch (IOException | UnresolvedAddressException e) {
            channel.close();
            throw new IOException(
                    "cannot listen at " + at + ": " + reason(e) + "; give another address or end what uses it", e);
        }
        var listener = new NioListener(this, nextLoop(), channel, handlers, limits);
        listener.start();
        return listener;
    }

    @Override
    public void connect(
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        connect(nextLoop(), to, handlers, limits, failed);
    }

    @Override
    public void connect(
            Loop on,
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        if (!(on instanceof NioLoop loop) || !loops.contains(loop)) {
            throw new IllegalArgumentException(on + " is no loop of this network");
        }
        try {
            loop.execute(() -> new Connecting(loop, to, handlers, limits, failed).start());
        } catch (RejectedExecutionException e) {
            failed.accept(new IOException("cannot connect to " + to + ": " + reason(e), e));
        }
    }

    @Override
    public Loop loop() {
        return nextLoop();
    }

    @Override
    public NetworkCounters counters() {
        return counters;
    }

    @Override
    public void close() {
        loops.forEach(loop -> loop.end(DRAIN.toNanos()));
        loops.forEach(NioLoop::awaitEnd);
    }

    /// Whether the caller is on a loop of this network, and so must not wait for another.
    boolean inLoop() {
        return loops.stream().anyMatch(NioLoop::inLoop);
    }

    NioLoop nextLoop() {
        return loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    /// Makes a connection of a connected channel, on its loop; null when the peer is gone already.
    @Nullable
    NioConnection open(
            NioLoop loop, SocketChannel channel, ConnectionLimits limits, Consumer<NioConnection> whenClosed) {
        try {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            return new NioConnection(lastId.incrementAndGet(), loop, channel, limits, whenClosed);
        } catch (IOException e) {
            NioLoop.closeQuietly(channel);
            return null;
        }
    }

    private static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /// An attempt to connect, confined to its loop.
    private final class Connecting implements NioLoop.Ready {
        private final NioLoop loop;
        private final InetSocketAddress to;
        private final ConnectionLimits limits;
        private final Function<Connection, ConnectionHandler> handlers;
        private final Consumer<IOException> failed;
        private @Nullable SocketChannel channel;
        private Loop.@Nullable Timer timer;

        Connecting(
                NioLoop loop,
                InetSocketAddress to,
                Function<Connection, ConnectionHandler> handlers,
                ConnectionLimits limits,
                Consumer<IOException> failed) {
            this.loop = loop;
            this.to = to;
            this.limits = limits;
            this.handlers = handlers;
            this.failed = failed;
        }

        void start() {
            try {
                var opened = SocketChannel.open();
                channel = opened;
                opened.configureBlocking(false);
                timer = loop.schedule(limits.stall().toNanos(), () -> fail(new IOException("no answer in time")));
                boolean atOnce = opened.connect(to);
                SelectionKey key = loop.register(opened, atOnce ? 0 : SelectionKey.OP_CONNECT, this);
                if (atOnce) {
                    ready(key);
                }
            } catch (IOException | UnresolvedAddressException | RejectedExecutionException e) {
                fail(e);
            }
        }

        @Override
        public void ready(SelectionKey key) {
            var connecting = (SocketChannel) key.channel();
            try {
                connecting.finishConnect();
            } catch (IOException e) {
                fail(e);
                return;
            }
            stopTimer();
            NioConnection connection = open(loop, connecting, limits, ignored -> {});
            if (connection == null) {
                fail(new IOException("closed at once"));
            } else {
                connection.start(handlers);
            }
        }

        @Override
        public void abandon(String why) {
            fail(new IOException(why));
        }

        private void fail(Exception cause) {
            stopTimer();
            if (channel != null) {
                NioLoop.closeQuietly(channel);
            }
            failed.accept(new IOException("cannot connect to " + to + ": " + reason(cause), cause));
        }

        private void stopTimer() {
            if (timer != null) {
                timer.cancel();
            }
        }
    }
}
