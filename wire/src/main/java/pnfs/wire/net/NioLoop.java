package pnfs.wire.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One selector and its thread. A turn: tasks, timers, what is ready, then what was sent meanwhile leaves.
final class NioLoop implements Loop {
    private static final Logger log = LoggerFactory.getLogger(NioLoop.class);
    /// Tasks run before connections get their turn again.
    private static final int TASKS_A_TURN = 4096;

    /// What a key of the selector belongs to.
    interface Ready {
        void ready(SelectionKey key);

        /// Ends at once: the loop ends, or an exception came out of this owner.
        void abandon(String why);
    }

    private record DueTask(long dueNanos, long number, Runnable task, NioLoop loop) implements Timer {
        static final Comparator<DueTask> ORDER = (a, b) -> {
            // By difference, since nanoTime may wrap.
            int byTime = Long.signum(a.dueNanos - b.dueNanos);
            return byTime != 0 ? byTime : Long.compare(a.number, b.number);
        };

        @Override
        public void cancel() {
            if (loop.inLoop()) {
                loop.timers.remove(this);
            } else if (!loop.ended) {
                loop.tasks.add(() -> loop.timers.remove(this));
            }
        }
    }

    /// Where all connections of the loop read to, one at a time, so that a silent connection owns no buffer.
    final ByteBuffer staging = ByteBuffer.allocateDirect(Network.STAGING_BYTES);
    /// Memory of what its connections have to send.
    final SendQueue.Pool sendPool = new SendQueue.Pool();

    final NetworkCounters counters;
    private final Selector selector;
    private final Thread thread;
    private final LongSupplier nanoTime;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean wakeup = new AtomicBoolean();
    private final AtomicLong timerNumber = new AtomicLong();
    private final TreeSet<DueTask> timers = new TreeSet<>(DueTask.ORDER);
    private final ArrayDeque<NioConnection> unsent = new ArrayDeque<>();
    private final Consumer<SelectionKey> serve = this::serve;
    private long turnNanos;
    /// Whether [#turnNanos] was taken after the selector woke.
    private boolean awake;
    private boolean ending;
    private volatile boolean ended;

    NioLoop(String name, LongSupplier nanoTime, NetworkCounters counters) throws IOException {
        this.counters = counters;
        this.nanoTime = nanoTime;
        this.turnNanos = nanoTime.getAsLong();
        this.selector = Selector.open();
        this.thread = Thread.ofPlatform().name(name).start(this::run);
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (ended && tasks.remove(task)) {
            throw new RejectedExecutionException("the network is closed");
        }
        if (!inLoop() && wakeup.compareAndSet(false, true)) {
            selector.wakeup();
        }
    }

    @Override
    public Timer schedule(long delayNanos, Runnable task) {
        var due = new DueTask(nowNanos() + delayNanos, timerNumber.incrementAndGet(), task, this);
        if (inLoop()) {
            timers.add(due);
        } else {
            execute(() -> timers.add(due));
        }
        return due;
    }

    @Override
    public long nowNanos() {
        return nanoTime.getAsLong();
    }

    @Override
    public boolean inLoop() {
        return Thread.currentThread().equals(thread);
    }

    /// The time this turn began: near enough for limits, and free.
    long turnNanos() {
        return turnNanos;
    }

    SelectionKey register(SelectableChannel channel, int interest, Ready owner) throws IOException {
        if (ending) {
            throw new IOException("the network is closed");
        }
        return channel.register(selector, interest, owner);
    }

    /// Takes channels that were closed out of the selector. Not while it is serving.
    void forgetClosed() {
        // This selection may use up a wakeup that was meant for the next one: whoever comes now must wake it again.
        wakeup.set(false);
        try {
            selector.selectNow(serve);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// What `connection` sent will leave at the end of the turn.
    void willFlush(NioConnection connection) {
        unsent.add(connection);
    }

    void end(long drainNanos) {
        if (inLoop()) {
            throw new IllegalStateException("a loop cannot wait for its own end");
        }
        try {
            execute(() -> {
                ending = true;
                owners().forEach(owner -> {
                    if (owner instanceof NioConnection connection) {
                        connection.close("shutting down");
                    } else {
                        owner.abandon("shutting down");
                    }
                });
                schedule(drainNanos, () -> owners().forEach(owner -> owner.abandon("shutting down")));
            });
        } catch (RejectedExecutionException e) {
            log.trace("loop had ended already loop={}", thread.getName());
        }
    }

    void awaitEnd() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// An exception came out of `owner`: it ends, and the others of the loop go on.
    void failed(Ready owner, Throwable cause) {
        counters.handlerFailures.increment();
        log.error("connection failed loop={} owner={}", thread.getName(), owner, cause);
        owner.abandon("our handler failed: " + cause);
    }

    static void closeQuietly(Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            log.debug("channel close failed why={}", e.getMessage());
        }
    }

    private void run() {
        try {
            while (!(ending && owners().isEmpty())) {
                turn();
            }
        } catch (IOException | RuntimeException | Error e) {
            log.error("loop failed loop={}", thread.getName(), e);
            owners().forEach(owner -> owner.abandon("our loop failed"));
        } finally {
            ended = true;
            runTasks();
            try {
                selector.close();
            } catch (IOException e) {
                log.debug("selector close failed why={}", e.getMessage());
            }
        }
    }

    private void turn() throws IOException {
        wakeup.set(false);
        turnNanos = nowNanos();
        runTasks();
        runTimers();
        flush();
        awake = false;
        if (!tasks.isEmpty()) {
            selector.selectNow(serve);
        } else if (timers.isEmpty()) {
            selector.select(serve, ending ? 1 : 0);
        } else {
            long nanos = timers.first().dueNanos - nowNanos();
            long millis = TimeUnit.NANOSECONDS.toMillis(nanos + 999_999);
            if (nanos <= 0) {
                selector.selectNow(serve);
            } else {
                selector.select(serve, ending ? 1 : millis);
            }
        }
        flush();
    }

    private void runTasks() {
        for (int i = 0; i < TASKS_A_TURN; i++) {
            Runnable task = tasks.poll();
            if (task == null) {
                return;
            }
            runGuarded(task);
        }
    }

    private void runTimers() {
        while (!timers.isEmpty() && timers.first().dueNanos - turnNanos <= 0) {
            runGuarded(timers.removeFirst().task);
        }
    }

    private void runGuarded(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            // A shore: one bad task must not take all connections of the loop with it.
            counters.handlerFailures.increment();
            log.error("task failed loop={}", thread.getName(), e);
        }
    }

    private void serve(SelectionKey key) {
        if (!awake) {
            awake = true;
            turnNanos = nowNanos();
        }
        var owner = (Ready) key.attachment();
        try {
            if (key.isValid()) {
                owner.ready(key);
            }
        } catch (Throwable e) {
            failed(owner, e);
        }
    }

    private void flush() {
        for (NioConnection connection = unsent.poll(); connection != null; connection = unsent.poll()) {
            try {
                connection.flush();
            } catch (Throwable e) {
                failed(connection, e);
            }
        }
    }

    private List<Ready> owners() {
        return selector.keys().stream()
                .filter(SelectionKey::isValid)
                .map(key -> (Ready) key.attachment())
                .toList();
    }
}
