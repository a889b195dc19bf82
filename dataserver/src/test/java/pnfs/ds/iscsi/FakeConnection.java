package pnfs.ds.iscsi;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Sink;

/// A connection without a socket: the test is the peer and the clock. What is delivered goes through the same
/// steps as in a real one: staged bytes first, then a sink if the handler asked for it.
final class FakeConnection implements Connection {
    final FakeLoop loop;
    private final ConnectionHandler handler;
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private byte[] rest = {};
    private @Nullable Sink sink;
    private @Nullable String closed;

    FakeConnection(FakeLoop loop, Function<Connection, ConnectionHandler> handlers) {
        this.loop = loop;
        this.handler = handlers.apply(this);
    }

    /// One thread that is on the loop unless the test says otherwise.
    static final class FakeLoop implements Loop {
        private record Due(long atNanos, Runnable task) {}

        private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
        private final List<Due> timers = new ArrayList<>();
        private long nowNanos;
        private boolean elsewhere;

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public Timer schedule(long delayNanos, Runnable task) {
            var due = new Due(nowNanos + delayNanos, task);
            timers.add(due);
            return () -> timers.remove(due);
        }

        @Override
        public long nowNanos() {
            return nowNanos;
        }

        @Override
        public boolean inLoop() {
            return !elsewhere;
        }

        void runElsewhere(Runnable task) {
            elsewhere = true;
            try {
                task.run();
            } finally {
                elsewhere = false;
            }
        }

        /// From here on whoever asks is not on this loop.
        void leave() {
            elsewhere = true;
        }

        void runTasks() {
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }

        void pass(long seconds) {
            long untilNanos = nowNanos + seconds * 1_000_000_000L;
            for (Due due = next(); due != null && due.atNanos <= untilNanos; due = next()) {
                timers.remove(due);
                nowNanos = due.atNanos;
                due.task.run();
                runTasks();
            }
            nowNanos = untilNanos;
        }

        private @Nullable Due next() {
            return timers.stream().min(Comparator.comparingLong(Due::atNanos)).orElse(null);
        }
    }

    /// The peer sends bytes; the handler sees them at once.
    void deliver(byte[] bytes) {
        if (closed != null) {
            return;
        }
        ByteBuffer staged = ByteBuffer.allocate(rest.length + bytes.length)
                .put(rest)
                .put(bytes)
                .flip();
        while (closed == null) {
            Sink filling = sink;
            if (filling == null) {
                if (!staged.hasRemaining()) {
                    break;
                }
                handler.onBytes(staged);
                if (sink == null) {
                    break;
                }
            } else if (filling.remaining() == 0) {
                sink = null;
                handler.onSinkFull(filling);
            } else if (staged.hasRemaining()) {
                filling.takeFrom(place -> {
                    int length = Math.min(place.remaining(), staged.remaining());
                    place.put(staged.slice(staged.position(), length));
                    staged.position(staged.position() + length);
                });
            } else {
                break;
            }
        }
        rest = new byte[staged.remaining()];
        staged.get(rest);
        loop.runTasks();
    }

    /// Takes what was sent to the peer so far.
    byte[] take() {
        byte[] bytes = sent.toByteArray();
        sent.reset();
        return bytes;
    }

    /// Why the connection was closed; null while it is open.
    @Nullable
    String closed() {
        return closed;
    }

    boolean receivesInPlace() {
        return sink != null;
    }

    @Override
    public long id() {
        return 1;
    }

    @Override
    public Loop loop() {
        return loop;
    }

    @Override
    public InetSocketAddress peer() {
        return InetSocketAddress.createUnresolved("initiator", 40000);
    }

    @Override
    public InetSocketAddress local() {
        return InetSocketAddress.createUnresolved("target", 3260);
    }

    @Override
    public void send(List<ByteBuffer> pieces) {
        if (closed != null) {
            return;
        }
        for (ByteBuffer piece : pieces) {
            var bytes = new byte[piece.remaining()];
            piece.get(bytes);
            sent.writeBytes(bytes);
        }
    }

    @Override
    public boolean crowded() {
        return closed != null;
    }

    @Override
    public void receiveInto(Sink next) {
        sink = next;
    }

    @Override
    public void pauseReading() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void resumeReading() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close(String why) {
        if (closed == null) {
            closed = why;
            sink = null;
            handler.onClosed(why);
        }
    }
}
