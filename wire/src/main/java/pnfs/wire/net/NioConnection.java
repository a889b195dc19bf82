package pnfs.wire.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A TCP connection. Data path, confined to its loop; see [Connection] for the two methods that are not.
///
/// Bytes are read into the loop's staging buffer. What the handler leaves is kept in a buffer of our own and
/// put in front of the next read, so between two reads a connection owns no more than half a message. Before a
/// sink is full, one scattering read fills it and, behind it, the staging buffer.
final class NioConnection implements Connection, NioLoop.Ready {
    private static final Logger log = LoggerFactory.getLogger(NioConnection.class);
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    /// A rest buffer up to this size is kept for the next time.
    private static final int KEPT_REST_BYTES = 16 << 10;

    private final long id;
    private final NioLoop loop;
    private final SocketChannel channel;
    private final InetSocketAddress peer;
    private final InetSocketAddress local;
    private final ConnectionLimits limits;
    private final Consumer<NioConnection> whenClosed;
    private final SelectionKey key;
    private final SendQueue queue;
    private final Sink.Source fromSocket = this::fillFromSocket;
    private final Sink.Source fromStaging = this::fillFromStaging;
    private final ByteBuffer[] sinkThenStaging = new ByteBuffer[2];
    private @Nullable ConnectionHandler handler;
    private @Nullable Sink sink;
    private ByteBuffer rest = NOTHING;
    /// Result of the last read: bytes, or -1 at the end.
    private long lastRead;

    private @Nullable IOException readFailure;
    private boolean willFlush;
    private boolean writeBlocked;
    private boolean paused;
    private boolean peerEnded;
    private boolean endTold;
    /// The handler may have left whole messages, because we were crowded.
    private boolean held;

    private @Nullable String closing;
    private boolean closed;

    /// When bytes last came or went.
    private long movedNanos;
    /// Since when the message that has begun to come is unfinished; meaningful while there is one.
    private long messageNanos;
    /// When the peer last took bytes or our queue was last empty.
    private long sentNanos;

    private Loop.@Nullable Timer watch;

    NioConnection(
            long id, NioLoop loop, SocketChannel channel, ConnectionLimits limits, Consumer<NioConnection> whenClosed)
            throws IOException {
        this.id = id;
        this.loop = loop;
        this.channel = channel;
        this.peer = (InetSocketAddress) channel.getRemoteAddress();
        this.local = (InetSocketAddress) channel.getLocalAddress();
        this.limits = limits;
        this.whenClosed = whenClosed;
        this.queue = new SendQueue(loop.sendPool);
        this.movedNanos = loop.turnNanos();
        this.key = loop.register(channel, 0, this);
        // A connection that we opened has a key already, with its attempt attached.
        key.attach(this);
    }

    void start(Function<Connection, ConnectionHandler> handlers) {
        try {
            handler = handlers.apply(this);
        } catch (Throwable e) {
            loop.failed(this, e);
            return;
        }
        scheduleWatch();
        updateInterest();
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
        if (loop.inLoop()) {
            enqueue(pieces);
        } else {
            onLoop(() -> enqueue(pieces));
        }
    }

    @Override
    public boolean crowded() {
        return paused || queue.bytes() > limits.softQueueBytes() || closing != null || closed;
    }

    @Override
    public void receiveInto(Sink next) {
        if (sink != null) {
            throw new IllegalStateException("connection " + id + " already receives into " + sink);
        }
        sink = next;
    }

    @Override
    public void pauseReading() {
        paused = true;
        updateInterest();
    }

    @Override
    public void resumeReading() {
        paused = false;
        updateInterest();
        takeHeld();
    }

    @Override
    public void close(String why) {
        onLoop(() -> {
            if (closing != null || closed) {
                return;
            }
            closing = why;
            if (queue.isEmpty()) {
                finish(why);
            } else {
                updateInterest();
            }
        });
    }

    @Override
    public void drop(String why) {
        onLoop(() -> finish(why));
    }

    @Override
    public void abandon(String why) {
        finish(why);
    }

    @Override
    public void ready(SelectionKey readyKey) {
        if (readyKey.isWritable()) {
            writeBlocked = false;
            flush();
        }
        if (!closed && readyKey.isReadable() && takes()) {
            read();
            if (!closed) {
                flush();
            }
        }
    }

    /// Sends what is queued, as far as the peer takes it.
    void flush() {
        willFlush = false;
        if (closed || writeBlocked || queue.isEmpty()) {
            return;
        }
        try {
            while (!queue.isEmpty() && !writeBlocked) {
                if (queue.writeTo(channel) == 0) {
                    writeBlocked = true;
                } else {
                    movedNanos = loop.turnNanos();
                    sentNanos = movedNanos;
                }
            }
        } catch (IOException e) {
            finish("sending failed: " + e.getMessage());
            return;
        }
        if (closing != null && queue.isEmpty()) {
            finish(closing);
            return;
        }
        updateInterest();
        takeHeld();
    }

    private void onLoop(Runnable task) {
        if (loop.inLoop()) {
            task.run();
            return;
        }
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            log.trace("loop had ended connection={}", id);
        }
    }

    private void enqueue(List<ByteBuffer> pieces) {
        if (willSend()) {
            for (ByteBuffer piece : pieces) {
                queue.add(piece);
            }
            limitQueue();
        }
    }

    @Override
    public void send(ByteBuffer from, int at, int bytes) {
        if (willSend()) {
            queue.add(from, at, bytes);
            limitQueue();
        }
    }

    /// Has the loop send what is about to be queued. False when nothing is sent any more.
    private boolean willSend() {
        if (closed || closing != null) {
            return false;
        }
        if (queue.isEmpty()) {
            sentNanos = loop.turnNanos();
        }
        if (!willFlush && !writeBlocked) {
            willFlush = true;
            loop.willFlush(this);
        }
        return true;
    }

    private void limitQueue() {
        if (queue.bytes() > limits.hardQueueBytes()) {
            cutOff("peer let " + queue.bytes() + " bytes pile up");
        }
    }

    private boolean takes() {
        return !peerEnded && !crowded();
    }

    private void updateInterest() {
        if (closed) {
            return;
        }
        int interest = (takes() ? SelectionKey.OP_READ : 0) | (writeBlocked ? SelectionKey.OP_WRITE : 0);
        int before = key.interestOps();
        if (before != interest) {
            key.interestOps(interest);
            if ((interest & ~before & SelectionKey.OP_READ) != 0) {
                // While we did not read, the peer could not finish what it had begun.
                messageNanos = loop.turnNanos();
            }
        }
    }

    private void read() {
        ByteBuffer staging = stageRest();
        Sink filling = sink;
        if (filling != null && !rest.hasRemaining()) {
            lastRead = 0;
            filling.takeFrom(fromSocket);
        } else {
            readInto(staging);
        }
        if (readFailure != null) {
            finish("receiving failed: " + readFailure.getMessage());
            return;
        }
        if (lastRead > 0) {
            movedNanos = loop.turnNanos();
        } else if (lastRead < 0) {
            peerEnded = true;
        }
        if (lastRead > 0 || held) {
            take(staging.flip());
        }
        endWithPeer();
    }

    private ByteBuffer stageRest() {
        int bytes = rest.remaining();
        return loop.staging.clear().put(0, rest, rest.position(), bytes).position(bytes);
    }

    private void readInto(ByteBuffer staging) {
        try {
            lastRead = channel.read(staging);
        } catch (IOException e) {
            readFailure = e;
        }
    }

    private void fillFromSocket(ByteBuffer place) {
        try {
            if (place.remaining() > loop.staging.remaining()) {
                lastRead = channel.read(place); // far from full: what follows the sink is not there yet
            } else {
                sinkThenStaging[0] = place;
                sinkThenStaging[1] = loop.staging;
                lastRead = channel.read(sinkThenStaging);
                sinkThenStaging[0] = NOTHING;
            }
        } catch (IOException e) {
            readFailure = e;
        }
    }

    private void fillFromStaging(ByteBuffer place) {
        ByteBuffer staging = loop.staging;
        int bytes = Math.min(place.remaining(), staging.remaining());
        place.put(place.position(), staging, staging.position(), bytes).position(place.position() + bytes);
        staging.position(staging.position() + bytes);
    }

    /// Shows the handler what is staged, and keeps what it leaves.
    private void take(ByteBuffer staging) {
        boolean unfinishedBefore = rest.hasRemaining() || sink != null;
        boolean tookSome = dispatch(staging);
        if (closed || closing != null) {
            return;
        }
        if (staging.remaining() == staging.capacity() && !held) {
            throw new IllegalStateException("handler left " + staging.capacity() + " staged bytes untouched");
        }
        keepRest(staging);
        if (tookSome || !unfinishedBefore) {
            messageNanos = loop.turnNanos();
        }
        updateInterest();
    }

    private boolean dispatch(ByteBuffer staging) {
        ConnectionHandler to = handler;
        if (to == null) {
            return false;
        }
        boolean tookSome = false;
        held = false;
        while (!closed && closing == null) {
            Sink filling = sink;
            if (filling == null) {
                if (!staging.hasRemaining()) {
                    return tookSome;
                }
                if (crowded()) {
                    held = true;
                    return tookSome;
                }
                int before = staging.position();
                to.onBytes(staging.order(ByteOrder.BIG_ENDIAN));
                tookSome |= staging.position() > before;
                if (sink == null) {
                    held = crowded() && staging.hasRemaining();
                    return tookSome;
                }
            } else if (filling.remaining() == 0) {
                sink = null;
                tookSome = true;
                to.onSinkFull(filling);
            } else if (staging.hasRemaining()) {
                filling.takeFrom(fromStaging);
            } else {
                return tookSome;
            }
        }
        return tookSome;
    }

    private void keepRest(ByteBuffer staging) {
        int bytes = staging.remaining();
        if (bytes == 0) {
            rest = rest.capacity() > KEPT_REST_BYTES ? NOTHING : rest.clear().limit(0);
            return;
        }
        if (rest.capacity() < bytes) {
            rest = ByteBuffer.allocate(bytes <= KEPT_REST_BYTES ? KEPT_REST_BYTES : bytes);
        }
        rest.clear().put(staging).flip();
    }

    /// Messages were left because we were crowded; when that is over, nothing but us will bring them back.
    private void takeHeld() {
        if (held && !crowded() && !closed) {
            loop.execute(this::takeRest);
        }
    }

    private void takeRest() {
        if (!held || closed || crowded()) {
            return;
        }
        try {
            take(stageRest().flip());
            endWithPeer();
            flush();
        } catch (Throwable e) {
            loop.failed(this, e);
        }
    }

    /// Only after the handler has seen everything the peer sent.
    private void endWithPeer() {
        if (!peerEnded || endTold || held || closed) {
            return;
        }
        endTold = true;
        if (handler != null && handler.onEnd()) {
            updateInterest();
        } else {
            close("peer closed");
        }
    }

    private void scheduleWatch() {
        long stallNanos = limits.stall().toNanos();
        long periodNanos =
                limits.idle().isZero() ? stallNanos : Math.min(limits.idle().toNanos(), stallNanos);
        watch = loop.schedule(periodNanos / 4 + 1, this::watch);
    }

    private void watch() {
        long now = loop.turnNanos();
        long stallNanos = limits.stall().toNanos();
        boolean unfinished = (rest.hasRemaining() || sink != null) && takes();
        if (!queue.isEmpty() && now - sentNanos > stallNanos) {
            cutOff("peer did not take " + queue.bytes() + " bytes in " + limits.stall());
        } else if (unfinished && now - messageNanos > stallNanos) {
            cutOff("peer did not finish a message in " + limits.stall());
        } else if (!limits.idle().isZero()
                && queue.isEmpty()
                && now - movedNanos > limits.idle().toNanos()) {
            cutOff("idle for " + limits.idle());
        } else {
            scheduleWatch();
        }
    }

    private void cutOff(String why) {
        loop.counters.cutOff.increment();
        log.info("connection cut off connection={} peer={} why={}", id, peer, why);
        finish(why);
    }

    @Override
    public String toString() {
        return "connection " + id + " with " + peer;
    }

    private void finish(String why) {
        if (closed) {
            return;
        }
        closed = true;
        queue.clear();
        rest = NOTHING;
        sink = null;
        if (watch != null) {
            watch.cancel();
        }
        NioLoop.closeQuietly(channel);
        whenClosed.accept(this);
        ConnectionHandler to = handler;
        if (to != null) {
            // Later, since we may be within a call of the handler.
            loop.execute(() -> to.onClosed(why));
        }
    }
}
