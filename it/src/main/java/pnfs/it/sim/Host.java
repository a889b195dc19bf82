package pnfs.it.sim;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

/// One run of one program on one machine, as far as its code can see: a network and a loop. Nothing of it happens
/// any more once it has died. One thread.
final class Host implements Network, Loop {
    private final Fabric fabric;
    private final Agenda agenda;
    private final int machine;
    private final RandomGenerator random;
    private final Map<Integer, Function<Connection, ConnectionHandler>> listening = new HashMap<>();
    private final List<Wire> wires = new ArrayList<>();
    private final NetworkCounters counters = new NetworkCounters();
    private int lastPort = 50_000;
    private boolean dead;
    private boolean frozen;
    private final List<Runnable> backlog = new ArrayList<>();

    /// @param machine its number in the fabric, which the next run of the program has too
    Host(Fabric fabric, Agenda agenda, int machine, RandomGenerator random) {
        this.fabric = fabric;
        this.agenda = agenda;
        this.machine = machine;
        this.random = random;
    }

    int machine() {
        return machine;
    }

    Fabric fabric() {
        return fabric;
    }

    Agenda agenda() {
        return agenda;
    }

    RandomGenerator random() {
        return random;
    }

    boolean isDead() {
        return dead;
    }

    /// The program is killed. Its machine resets the connections once what was sent before has arrived.
    void die() {
        dead = true;
        frozen = false;
        backlog.clear();
        listening.clear();
        List.copyOf(wires).forEach(Wire::abandon);
        wires.clear();
    }

    /// The machine goes down: nobody tells its peers anything.
    void vanish() {
        dead = true;
        frozen = false;
        backlog.clear();
        listening.clear();
        wires.clear();
    }

    /// The machine stands still: whatever happens to it happens when it goes on.
    void freeze() {
        frozen = true;
    }

    void thaw() {
        frozen = false;
        List<Runnable> missed = List.copyOf(backlog);
        backlog.clear();
        missed.forEach(this::execute);
    }

    /// Something of ours happens, now or when the machine goes on.
    void happens(Runnable task) {
        if (frozen) {
            backlog.add(task);
        } else if (!dead) {
            task.run();
        }
    }

    /// Something comes from the network, which has an answer where nobody lives.
    void arrives(Runnable task) {
        if (frozen) {
            backlog.add(task);
        } else {
            task.run();
        }
    }

    /// Connections that stand, for those who break them.
    List<Wire> wires() {
        return wires;
    }

    @Nullable
    Function<Connection, ConnectionHandler> listener(int port) {
        return listening.get(port);
    }

    int freePort() {
        return ++lastPort;
    }

    @Override
    public Listener listen(
            InetSocketAddress at, Function<Connection, ConnectionHandler> handlers, ConnectionLimits limits)
            throws IOException {
        if (listening.putIfAbsent(at.getPort(), handlers) != null) {
            throw new IOException("cannot listen at " + at + ": in use");
        }
        return new Listener() {
            @Override
            public InetSocketAddress address() {
                return at;
            }

            @Override
            public int connections() {
                return wires.size();
            }

            @Override
            public void close() {
                listening.remove(at.getPort());
            }
        };
    }

    @Override
    public void connect(
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        fabric.connect(this, to, handlers, limits.stall().toNanos(), failed);
    }

    @Override
    public void connect(
            Loop on,
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            ConnectionLimits limits,
            Consumer<IOException> failed) {
        connect(to, handlers, limits, failed); // there is one loop
    }

    @Override
    public Loop loop() {
        return this;
    }

    @Override
    public NetworkCounters counters() {
        return counters;
    }

    @Override
    public void close() {
        die();
    }

    @Override
    public void execute(Runnable task) {
        agenda.after(0, this, task);
    }

    @Override
    public Timer schedule(long delayNanos, Runnable task) {
        return agenda.after(delayNanos, this, task)::cancel;
    }

    @Override
    public long nowNanos() {
        return agenda.nowNanos();
    }

    @Override
    public boolean inLoop() {
        return true;
    }
}
