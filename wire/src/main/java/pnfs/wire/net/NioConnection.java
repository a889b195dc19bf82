package pnfs.wire.net;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A connection over a socket channel. Belongs to the data path: nothing is allocated for a read that leaves no
/// rest, nor for a send that the socket takes whole, beyond the queue's place.
final class NioConnection implements Connection, NioLoop.Ready {
    private static final Logger log = LoggerFactory.getLogger(NioConnection.class);
    /// Pieces of one gathering write. The system takes up to 1024.
    private static final int GATHER = 256;

    private final long id;
    private final NioLoop loop;
    private final SocketChannel channel;
    private final ConnectionLimits limits;
    private final SocketAddress peer;
    private final SocketAddress local;
    private final Runnable whenEnded;

    // Confined to the loop.
    private @Nullable SelectionKey key;
    private @Nullable ConnectionHandler handler;
    /// What the handler left of earlier reads, from 0 to its position; null when nothing.
    private @Nullable ByteBuffer rest;

    /// A buffer that held a rest before and will again.
    private @Nullable ByteBuffer spare;

    private @Nullable Sink sink;
    private final ArrayDeque<ByteBuffer> queue = new ArrayDeque<>();
    private final ByteBuffer[] gather = new ByteBuffer[GATHER];
    private final ByteBuffer[] scatter = new ByteBuffer[2];
    private long queuedBytes;
    private boolean flushing;
    private boolean paused;
    private boolean ended;
    private @Nullable String closing;
    private long lastReadNanos;
    private long lastProgressNanos;
    private Loop.@Nullable Timer watch;

    NioConnection(long id, NioLoop loop, SocketChannel channel, ConnectionLimits limits, Runnable whenEnded)
            throws IOException {
        this.id = id;
        this.loop = loop;
        this.channel = channel;
        this.limits = limits;
        this.peer = channel.getRemoteAddress();
        this.local = channel.getLocalAddress();
        this.whenEnded = whenEnded;
    }

    /// On the loop, first of all.
    void start(Network.HandlerFactory handlers) {
        try {
            start(loop.register(channel, 0, this), handlers);
        } catch (IOException gone) {
            end("gone at once: " + gone.getMessage());
        }
    }

    /// The same for a channel that the loop's selector knows already.
    void start(SelectionKey known, Network.HandlerFactory handlers) {
        key = known;
        known.attach(this);
        known.interestOps(SelectionKey.OP_READ);
        loop.opened(this);
        lastReadNanos = loop.nowNanos();
        lastProgressNanos = lastReadNanos;
        handler = handlers.apply(this);
        watch();
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
    public SocketAddress peer() {
        return peer;
    }

    @Override
    public SocketAddress local() {
        return local;
    }

    @Override
    public void send(List<ByteBuffer> message) {
        if (!loop.inLoop()) {
            loop.execute(() -> send(message));
            return;
        }
        if (ended) {
            return;
        }
        if (queue.isEmpty()) {
            lastProgressNanos = loop.nowNanos();
        }
        for (int i = 0; i < message.size(); i++) {
            ByteBuffer piece = message.get(i);
            if (piece.hasRemaining()) {
                queue.add(piece);
                queuedBytes += piece.remaining();
            }
        }
        if (queuedBytes > limits.queueHardBytes()) {
            end(queuedBytes + " bytes unsent");
            return;
        }
        if (!flushing) {
            flushing = true;
            loop.flushLater(this);
        }
    }

    @Override
    public void receiveInto(Sink sink) {
        if (this.sink != null) {
            throw new IllegalStateException("connection " + id + " has a sink already");
        }
        this.sink = sink;
    }

    @Override
    public void close(String why) {
        if (!loop.inLoop()) {
            loop.execute(() -> close(why));
            return;
        }
        if (closing == null && !ended) {
            closing = why;
            if (!flushing) {
                flushing = true;
                loop.flushLater(this);
            }
        }
    }

    boolean hasUnsent() {
        return !queue.isEmpty();
    }

    @Override
    public void ready(SelectionKey ready) {
        if (ended || !ready.isValid()) {
            return;
        }
        if (ready.isWritable()) {
            flush();
        }
        if (!ended && ready.isValid() && ready.isReadable() && !paused && closing == null) {
            read();
        }
    }

    private void read() {
        try {
            int read = sink == null ? readStaged() : readSink();
            if (read < 0) {
                end("closed by the peer");
                return;
            }
            if (read > 0) {
                lastReadNanos = loop.nowNanos();
            }
            if (!ended && handler != null) {
                handler.onBatchEnd();
            }
        } catch (IOException gone) {
            end("connection lost: " + gone.getMessage());
        } catch (RuntimeException failed) {
            log.warn("connection failed connection={} peer={}", id, peer, failed);
            end("failed: " + failed);
        }
    }

    private int readStaged() throws IOException {
        ByteBuffer into = rest == null ? loop.staging.clear() : rest;
        int read = channel.read(into);
        if (read > 0) {
            handle(into);
        }
        return read;
    }

    /// Reads straight to the final place, and what comes behind it into the staging buffer.
    private int readSink() throws IOException {
        Sink current = sink;
        if (current == null) {
            return 0;
        }
        ByteBuffer staged = loop.staging.clear();
        ByteBuffer target = current.buffer();
        int wanted = target.remaining();
        boolean allowed = current.beforeChunk();
        int read;
        try {
            if (allowed) {
                scatter[0] = target;
                scatter[1] = staged;
                read = (int) channel.read(scatter, 0, 2);
            } else {
                staged.limit(Math.min(staged.capacity(), wanted));
                read = channel.read(staged);
                target.position(target.position() + Math.max(read, 0));
                staged.clear();
            }
        } finally {
            if (allowed) {
                current.afterChunk();
            }
        }
        if (!target.hasRemaining()) {
            sink = null;
            handler().onSinkFull(current);
            if (staged.position() > 0) {
                handle(staged);
            }
        }
        return read;
    }

    /// Hands over what was read: `buffer` from 0 to its position. What is left goes to [#rest].
    private void handle(ByteBuffer buffer) {
        buffer.flip();
        while (buffer.hasRemaining() && !ended) {
            int before = buffer.remaining();
            if (sink != null) {
                fillSink(buffer);
            } else {
                handler().onBytes(buffer);
                if (buffer.remaining() == before && sink == null) {
                    break;
                }
            }
        }
        keepRest(buffer);
    }

    private void fillSink(ByteBuffer staged) {
        Sink current = sink;
        if (current == null) {
            return;
        }
        ByteBuffer target = current.buffer();
        int length = Math.min(staged.remaining(), target.remaining());
        if (current.beforeChunk()) {
            try {
                target.put(staged.slice(staged.position(), length));
            } finally {
                current.afterChunk();
            }
        } else {
            target.position(target.position() + length);
        }
        staged.position(staged.position() + length);
        if (!target.hasRemaining()) {
            sink = null;
            handler().onSinkFull(current);
        }
    }

    private void keepRest(ByteBuffer buffer) {
        if (!buffer.hasRemaining() || ended) {
            if (rest != null) {
                spare = rest; // every read while there is a rest goes behind it, so this buffer was it
            }
            rest = null;
            return;
        }
        if (buffer.remaining() >= limits.stagedBytes()) {
            end("a piece of " + buffer.remaining() + " bytes over " + limits.stagedBytes());
            return;
        }
        if (rest != null) {
            buffer.compact();
            if (!buffer.hasRemaining()) {
                rest = grown(buffer.flip());
            }
        } else {
            rest = grown(buffer);
        }
    }

    /// A buffer of our own with these bytes in front and room behind them.
    private ByteBuffer grown(ByteBuffer bytes) {
        ByteBuffer kept = spare;
        spare = null;
        if (kept != null && kept.capacity() > bytes.remaining()) {
            return kept.clear().put(bytes);
        }
        int capacity = Math.min(limits.stagedBytes(), Math.max(4096, bytes.remaining() * 4));
        return ByteBuffer.allocateDirect(Math.max(capacity, bytes.remaining() + 1))
                .put(bytes);
    }

    private ConnectionHandler handler() {
        if (handler == null) {
            throw new IllegalStateException("connection " + id + " has not started");
        }
        return handler;
    }

    /// Sends as much as the socket takes.
    void flush() {
        flushing = false;
        if (ended) {
            return;
        }
        try {
            while (!queue.isEmpty()) {
                int pieces = 0;
                for (ByteBuffer piece : queue) {
                    gather[pieces++] = piece;
                    if (pieces == GATHER) {
                        break;
                    }
                }
                long sent = channel.write(gather, 0, pieces);
                if (sent == 0) {
                    break;
                }
                queuedBytes -= sent;
                lastProgressNanos = loop.nowNanos();
                while (!queue.isEmpty() && !queue.peek().hasRemaining()) {
                    queue.remove();
                }
            }
        } catch (IOException gone) {
            end("connection lost: " + gone.getMessage());
            return;
        }
        if (closing != null && queue.isEmpty()) {
            end(closing);
            return;
        }
        paused = queuedBytes > (paused ? limits.queueSoftBytes() / 2 : limits.queueSoftBytes());
        if (key != null && key.isValid()) {
            int wanted = (paused || closing != null ? 0 : SelectionKey.OP_READ)
                    | (queue.isEmpty() ? 0 : SelectionKey.OP_WRITE);
            if (key.interestOps() != wanted) {
                key.interestOps(wanted);
            }
        }
    }

    /// Looks after idle and stalled peers, as often as the shorter limit wants it.
    private void watch() {
        long idle = limits.idle().toNanos();
        long stall = limits.stall().toNanos();
        long step = Math.max(1_000_000, Math.min(idle == 0 ? stall : idle, stall) / 2);
        watch = loop.schedule(step, () -> {
            long now = loop.nowNanos();
            if (idle != 0 && now - lastReadNanos > idle && queue.isEmpty()) {
                end("idle for " + limits.idle());
            } else if (!queue.isEmpty() && now - lastProgressNanos > stall) {
                end("took nothing for " + limits.stall());
            } else if (!ended) {
                watch();
            }
        });
    }

    void end(String why) {
        if (ended) {
            return;
        }
        ended = true;
        queue.clear();
        rest = null;
        spare = null;
        sink = null;
        if (watch != null) {
            watch.cancel();
        }
        try {
            channel.close();
        } catch (IOException already) {
            log.debug("close failed connection={}", id, already);
        }
        loop.closed(this);
        whenEnded.run();
        log.debug("connection ended connection={} peer={} why={}", id, peer, why);
        if (handler != null) {
            handler.onClosed(why);
        }
    }
}
