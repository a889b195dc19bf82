package pnfs.wire.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A loop over a selector: one thread. A round is: wait for readiness, read and handle what is ready, run tasks
/// and due timers, send what all of that queued.
final class NioLoop implements Loop {
    private static final Logger log = LoggerFactory.getLogger(NioLoop.class);
    /// What one read takes at the most: many small messages, or a good piece of a large one.
    private static final int READ_BYTES = 256 << 10;

    private final Selector selector;
    private final Thread thread;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean woken = new AtomicBoolean();
    /// Guarded by itself: any thread schedules.
    private final PriorityQueue<Scheduled> timers = new PriorityQueue<>(
            Comparator.comparingLong((Scheduled timer) -> timer.dueNanos).thenComparingLong(timer -> timer.order));

    private long timerOrder;

    // Confined to the loop from here on.
    final ByteBuffer staging = ByteBuffer.allocateDirect(READ_BYTES);
    private final Set<NioConnection> connections = new HashSet<>();
    private final List<NioConnection> toFlush = new ArrayList<>();
    private volatile boolean stopping;

    /// What is registered with the selector.
    interface Ready {
        void ready(SelectionKey key);
    }

    private final class Scheduled implements Timer {
        private final long dueNanos;
        private final long order;
        private final Runnable task;

        Scheduled(long dueNanos, long order, Runnable task) {
            this.dueNanos = dueNanos;
            this.order = order;
            this.task = task;
        }

        @Override
        public void cancel() {
            synchronized (timers) {
                timers.remove(this);
            }
        }
    }

    NioLoop(String name) {
        try {
            selector = Selector.open();
        } catch (IOException noSelector) {
            throw new UncheckedIOException("no selector for a loop: raise the limit of open files", noSelector);
        }
        thread = new Thread(this::run, name);
        thread.start();
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        wake();
    }

    @Override
    public Timer schedule(long delayNanos, Runnable task) {
        Scheduled timer;
        synchronized (timers) {
            timer = new Scheduled(nowNanos() + delayNanos, timerOrder++, task);
            timers.add(timer);
        }
        if (!inLoop()) {
            wake();
        }
        return timer;
    }

    @Override
    public long nowNanos() {
        return System.nanoTime();
    }

    @Override
    public boolean inLoop() {
        return Thread.currentThread().equals(thread);
    }

    private void wake() {
        if (!inLoop() && woken.compareAndSet(false, true)) {
            selector.wakeup();
        }
    }

    SelectionKey register(SocketChannel channel, int operations, Ready ready) throws ClosedChannelException {
        return channel.register(selector, operations, ready);
    }

    SelectionKey register(ServerSocketChannel channel, Ready ready) throws ClosedChannelException {
        return channel.register(selector, SelectionKey.OP_ACCEPT, ready);
    }

    void opened(NioConnection connection) {
        connections.add(connection);
    }

    void closed(NioConnection connection) {
        connections.remove(connection);
    }

    /// Sends what is queued on a connection at the end of this round.
    void flushLater(NioConnection connection) {
        toFlush.add(connection);
    }

    private void run() {
        try {
            while (!stopping || !tasks.isEmpty()) {
                round();
            }
            for (NioConnection connection : List.copyOf(connections)) {
                connection.end("the server stops");
            }
            selector.close();
        } catch (IOException broken) {
            log.error("loop ended", broken);
        }
    }

    private void round() throws IOException {
        selector.select(key -> guarded(() -> ((Ready) key.attachment()).ready(key)), untilNextTimerMillis());
        woken.set(false);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            guarded(task);
        }
        for (Scheduled timer = due(); timer != null; timer = due()) {
            guarded(timer.task);
        }
        for (int i = 0; i < toFlush.size(); i++) { // flushing may resume reading, which may queue more
            NioConnection connection = toFlush.get(i);
            guarded(connection::flush);
        }
        toFlush.clear();
    }

    /// A task that fails is our bug; the loop has other connections to serve.
    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException bug) {
            log.error("task on a loop failed", bug);
        }
    }

    /// 0 waits for ever, as the selector has it.
    private long untilNextTimerMillis() {
        if (!tasks.isEmpty() || stopping) {
            return 1;
        }
        synchronized (timers) {
            Scheduled next = timers.peek();
            if (next == null) {
                return 0;
            }
            return Math.max(1, TimeUnit.NANOSECONDS.toMillis(next.dueNanos - nowNanos() + 999_999));
        }
    }

    private @Nullable Scheduled due() {
        synchronized (timers) {
            Scheduled next = timers.peek();
            return next != null && next.dueNanos - nowNanos() <= 0 ? timers.poll() : null;
        }
    }

    boolean hasUnsent() {
        return connections.stream().anyMatch(NioConnection::hasUnsent);
    }

    /// Ends the loop after its queued tasks.
    void stop() {
        stopping = true;
        selector.wakeup();
    }

    void join() throws InterruptedException {
        if (!inLoop()) {
            thread.join();
        }
    }
}
