package pnfs.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.Listener;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Network;
import pnfs.wire.net.NetworkCounters;
import pnfs.wire.net.Sink;

/// A network in one thread, with a clock of its own: bytes arrive in order, late, and cut at random. The same
/// seed gives the same run. Nothing happens but in [#run] and [#runFor]. Queues have no limits here and nobody
/// is cut off.
public final class MemoryNetwork implements Network {
    private static final long LATEST_NANOS = Duration.ofMillis(1).toNanos();

    private record Event(long dueNanos, long number, Runnable task) {}

    private final RandomGenerator random;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::dueNanos).thenComparingLong(Event::number));
    private final Map<InetSocketAddress, Listening> listening = new HashMap<>();
    private final MemoryLoop loop = new MemoryLoop();
    private final NetworkCounters counters = new NetworkCounters();
    private long nowNanos;
    private long lastNumber;
    private int lastPort = 50_000;

    public MemoryNetwork(RandomGenerator random) {
        this.random = random;
    }

    /// Until nothing is left to do. Does not end while timers make new timers.
    public void run() {
        while (!events.isEmpty()) {
            step();
        }
    }

    /// Until this much time has gone by.
    public void runFor(Duration time) {
        long end = nowNanos + time.toNanos();
        while (!events.isEmpty() && events.element().dueNanos <= end) {
            step();
        }
        nowNanos = end;
    }

    private void step() {
        Event next = events.remove();
        nowNanos = Math.max(nowNanos, next.dueNanos);
        next.task.run();
    }

    private Event after(long delayNanos, Runnable task) {
        var event = new Event(nowNanos + delayNanos, ++lastNumber, task);
        events.add(event);
        return event;
    }

    private InetSocketAddress freeAddress() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), ++lastPort);
    }

    @Override
    public Listener listen(
            InetSocketAddress at, Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits)
            throws IOException {
        var address = at.getPort() == 0 ? freeAddress() : at;
        var made = new Listening(address, handlers);
        if (listening.putIfAbsent(address, made) != null) {
            throw new IOException("cannot listen at " + address + ": in use");
        }
        return made;
    }

    @Override
    public void connect(
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        after(random.nextLong(LATEST_NANOS), () -> {
            Listening server = listening.get(to);
            if (server == null) {
                failed.accept(new IOException("cannot connect to " + to + ": nobody listens"));
                return;
            }
            var near = new End(freeAddress(), to);
            var far = new End(to, near.local);
            near.other = far;
            far.other = near;
            server.ends.add(far);
            far.handler = server.handlers.apply(far);
            near.handler = handlers.apply(near);
        });
    }

    @Override
    public void connect(
            Loop on,
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        connect(to, handlers, limits, failed); // there is one loop only
    }

    @Override
    public Loop loop() {
        return loop;
    }

    @Override
    public NetworkCounters counters() {
        return counters;
    }

    @Override
    public void close() {
        List.copyOf(listening.values()).forEach(Listening::close);
        run();
    }

    private final class MemoryLoop implements Loop {
        @Override
        public void execute(Runnable task) {
            after(0, task);
        }

        @Override
        public Timer schedule(long delayNanos, Runnable task) {
            Event event = after(delayNanos, task);
            return () -> events.remove(event);
        }

        @Override
        public long nowNanos() {
            return nowNanos;
        }

        @Override
        public boolean inLoop() {
            return true;
        }
    }

    private final class Listening implements Listener {
        private final InetSocketAddress address;
        private final Function<Connection, ConnectionHandler> handlers;
        private final List<End> ends = new ArrayList<>();

        Listening(InetSocketAddress address, Function<Connection, ConnectionHandler> handlers) {
            this.address = address;
            this.handlers = handlers;
        }

        @Override
        public InetSocketAddress address() {
            return address;
        }

        @Override
        public int connections() {
            return (int) ends.stream().filter(end -> !end.closed).count();
        }

        @Override
        public void close() {
            listening.remove(address);
            ends.forEach(end -> end.close("server stopped listening"));
        }
    }

    private final class End implements Connection {
        private final long id = ++lastNumber;
        private final InetSocketAddress local;
        private final InetSocketAddress peer;
        private @Nullable End other;
        private @Nullable ConnectionHandler handler;
        private @Nullable Sink sink;
        /// What the other end sent and our handler has not taken.
        private byte[] inbox = {};
        /// How much of it has arrived.
        private int arrived;

        private boolean paused;
        private boolean closed;

        End(InetSocketAddress local, InetSocketAddress peer) {
            this.local = local;
            this.peer = peer;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public Loop loop() {
            return loop;
        }

        @Override
        public InetSocketAddress peer() {
            return peer;
        }

        @Override
        public InetSocketAddress local() {
            return local;
        }

        @Override
        public void send(List<ByteBuffer> pieces) {
            End to = other;
            if (closed || to == null) {
                return;
            }
            for (ByteBuffer piece : pieces) {
                int at = to.inbox.length;
                to.inbox = Arrays.copyOf(to.inbox, at + piece.remaining());
                piece.get(to.inbox, at, piece.remaining());
            }
            to.arriveLater();
        }

        @Override
        public boolean crowded() {
            return paused || closed;
        }

        @Override
        public void receiveInto(Sink next) {
            sink = next;
        }

        @Override
        public void pauseReading() {
            paused = true;
        }

        @Override
        public void resumeReading() {
            paused = false;
            after(0, this::dispatch);
        }

        @Override
        public void close(String why) {
            if (closed) {
                return;
            }
            gone(why);
            End to = other;
            if (to != null) {
                // Behind everything that was sent.
                after(LATEST_NANOS, to::endLater);
            }
        }

        private void endLater() {
            if (arrived < inbox.length && !paused) {
                after(LATEST_NANOS, this::endLater);
            } else if (!closed && handler != null && !handler.onEnd()) {
                close("peer closed");
            }
        }

        private void gone(String why) {
            closed = true;
            if (handler != null) {
                handler.onClosed(why);
            }
        }

        private void arriveLater() {
            after(random.nextLong(LATEST_NANOS), () -> {
                if (arrived < inbox.length) {
                    arrived += random.nextInt(1, inbox.length - arrived + 1);
                    dispatch();
                    arriveLater();
                }
            });
        }

        private void dispatch() {
            ConnectionHandler to = handler;
            if (to == null || crowded()) {
                return;
            }
            var staged = ByteBuffer.wrap(inbox, 0, arrived).slice();
            while (!closed) {
                Sink filling = sink;
                if (filling == null) {
                    if (!staged.hasRemaining() || crowded()) {
                        break;
                    }
                    to.onBytes(staged);
                    if (sink == null) {
                        break;
                    }
                } else if (filling.remaining() == 0) {
                    sink = null;
                    to.onSinkFull(filling);
                } else if (staged.hasRemaining()) {
                    filling.takeFrom(place -> {
                        int bytes = Math.min(place.remaining(), staged.remaining());
                        place.put(staged.slice(staged.position(), bytes));
                        staged.position(staged.position() + bytes);
                    });
                } else {
                    break;
                }
            }
            inbox = Arrays.copyOfRange(inbox, staged.position(), inbox.length);
            arrived -= staged.position();
        }
    }
}
