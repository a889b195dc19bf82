package pnfs.it.sim;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;
import pnfs.wire.net.Loop;
import pnfs.wire.net.Sink;

/// One end of a connection: what its host's code sees. One thread.
final class Wire implements Connection {
    private static final byte[] EMPTY = {};

    private final Host host;
    private final Fabric fabric;
    private final long id;
    private final InetSocketAddress local;
    private final InetSocketAddress peer;
    private @Nullable Wire other;
    private @Nullable ConnectionHandler handler;
    private @Nullable Sink sink;
    /// What has arrived and was not taken.
    private byte[] inbox = EMPTY;
    /// What is on its way to the other end, in its order.
    private final ArrayDeque<Runnable> underWay = new ArrayDeque<>();

    private boolean paused;
    private boolean peerEnded;
    private boolean endTold;
    private boolean closed;

    Wire(Host host, InetSocketAddress local, InetSocketAddress peer) {
        this.host = host;
        this.fabric = host.fabric();
        this.id = fabric.nextWire();
        this.local = local;
        this.peer = peer;
    }

    void joinedTo(Wire end) {
        other = end;
    }

    void begin(Function<Connection, ConnectionHandler> handlers) {
        ConnectionHandler made = handlers.apply(this);
        handler = made;
        if (closed) {
            host.execute(() -> made.onClosed("reset by peer"));
        } else {
            host.wires().add(this);
            dispatch();
        }
    }

    Host host() {
        return host;
    }

    private Wire far() {
        return Objects.requireNonNull(other);
    }

    /// In order behind what was sent before.
    private void carry(Runnable arrival) {
        underWay.add(arrival);
        fabric.carry(
                host.machine(), far().host.machine(), () -> underWay.remove().run());
    }

    @Override
    public void send(List<ByteBuffer> pieces) {
        if (closed || host.isDead()) {
            return;
        }
        int bytes = 0;
        for (ByteBuffer piece : pieces) {
            bytes += piece.remaining();
        }
        var chunk = new byte[bytes];
        int at = 0;
        for (ByteBuffer piece : pieces) {
            int more = piece.remaining();
            piece.get(chunk, at, more);
            at += more;
        }
        int cut = fabric.cut(host.machine(), far().host.machine(), bytes);
        if (cut > 0) {
            byte[] first = Arrays.copyOf(chunk, cut);
            byte[] second = Arrays.copyOfRange(chunk, cut, bytes);
            carry(() -> far().host.arrives(() -> far().arrived(first)));
            carry(() -> far().host.arrives(() -> far().arrived(second)));
        } else {
            carry(() -> far().host.arrives(() -> far().arrived(chunk)));
        }
    }

    private void arrived(byte[] chunk) {
        if (host.isDead() && !fabric.isUp(host.machine())) {
            return; // nobody is there to say that nobody is there
        }
        if (closed || host.isDead()) {
            carry(() -> far().host.arrives(() -> far().reset("reset by peer")));
            return;
        }
        var checksum = new CRC32C();
        checksum.update(chunk, 0, chunk.length);
        fabric.agenda().log(id);
        fabric.agenda().log(checksum.getValue());
        if (inbox.length == 0) {
            inbox = chunk;
        } else {
            int at = inbox.length;
            inbox = Arrays.copyOf(inbox, at + chunk.length);
            System.arraycopy(chunk, 0, inbox, at, chunk.length);
        }
        dispatch();
    }

    private void dispatch() {
        ConnectionHandler to = handler;
        if (to == null || crowded()) {
            return;
        }
        ByteBuffer staged = ByteBuffer.wrap(inbox);
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
        inbox = staged.hasRemaining() ? Arrays.copyOfRange(inbox, staged.position(), inbox.length) : EMPTY;
        tellEnd();
    }

    private void ended() {
        peerEnded = true;
        dispatch();
    }

    private void tellEnd() {
        if (peerEnded && !endTold && !crowded() && handler != null) {
            endTold = true;
            if (!handler.onEnd()) {
                close("peer closed");
            }
        }
    }

    @Override
    public void close(String why) {
        if (!closed && !host.isDead()) {
            carry(() -> far().host.arrives(far()::ended));
            gone(why);
        }
    }

    /// The connection breaks: both ends hear of it, each in its time, and what was on its way is lost.
    void cut() {
        Wire end = far();
        reset("connection cut");
        long delay = fabric.delay(host.machine(), end.host.machine());
        fabric.agenda().after(delay, () -> end.host.arrives(() -> end.reset("connection cut")));
    }

    /// This end is gone without a word of its own.
    void reset(String why) {
        if (!closed && !host.isDead()) {
            gone(why);
        }
    }

    /// The host has died: its machine tells the other end, behind what was sent before.
    void abandon() {
        if (!closed) {
            closed = true;
            carry(() -> far().host.arrives(() -> far().reset("reset by peer")));
        }
    }

    private void gone(String why) {
        closed = true;
        host.wires().remove(this);
        ConnectionHandler to = handler;
        if (to != null) {
            host.execute(() -> to.onClosed(why));
        }
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public Loop loop() {
        return host;
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
        host.execute(this::dispatch);
    }
}
