package pnfs.it.sim;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import pnfs.wire.net.Connection;
import pnfs.wire.net.ConnectionHandler;

/// The network between machines. Bytes of one connection arrive in their order, those of different connections in
/// any. Between two machines each direction can be closed for a while: nothing is lost then, as with TCP, but
/// nothing arrives either. One thread.
final class Fabric {
    private static final long MIN_DELAY_NANOS = TimeUnit.MICROSECONDS.toNanos(20);
    private static final long USUAL_DELAY_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
    private static final long LONG_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    /// One message in so many is late by much.
    private static final int LATE = 50;
    /// One in so many is cut in two.
    private static final int SPLIT = 16;

    private final Agenda agenda;
    private final long seed;
    /// Of each direction between two machines: more bytes on one change nothing on others.
    private final Map<Integer, RandomGenerator> chance = new HashMap<>();
    /// Who ran last on each machine.
    private final Map<Integer, Host> running = new HashMap<>();
    /// For each closed direction, what waits for its opening.
    private final Map<Integer, List<Runnable>> closed = new HashMap<>();

    private long lastWire;

    Fabric(Agenda agenda, RandomGenerator random) {
        this.agenda = agenda;
        this.seed = random.nextLong();
    }

    Agenda agenda() {
        return agenda;
    }

    long nextWire() {
        return ++lastWire;
    }

    void boot(Host host) {
        running.put(host.machine(), host);
    }

    static InetSocketAddress address(int machine, int port) {
        try {
            byte[] ip = {10, 0, 0, (byte) machine};
            return new InetSocketAddress(InetAddress.getByAddress(ip), port);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static int machineOf(InetSocketAddress address) {
        return address.getAddress().getAddress()[3];
    }

    private static int way(int from, int to) {
        return from << 8 | to;
    }

    /// Nothing gets from one machine to the other until [#open].
    void close(int from, int to) {
        closed.computeIfAbsent(way(from, to), _ -> new ArrayList<>());
    }

    void open(int from, int to) {
        List<Runnable> waiting = closed.remove(way(from, to));
        if (waiting != null) {
            waiting.forEach(Runnable::run);
        }
    }

    private RandomGenerator chance(int from, int to) {
        return chance.computeIfAbsent(way(from, to), way -> new SplittableRandom(seed + way));
    }

    long delay(int from, int to) {
        RandomGenerator random = chance(from, to);
        long most = random.nextInt(LATE) == 0 ? LONG_DELAY_NANOS : USUAL_DELAY_NANOS;
        return MIN_DELAY_NANOS + random.nextLong(most);
    }

    /// Where a message is cut in two on its way; 0 where it is not.
    int cut(int from, int to, int bytes) {
        RandomGenerator random = chance(from, to);
        return bytes > 1 && random.nextInt(SPLIT) == 0 ? 1 + random.nextInt(bytes - 1) : 0;
    }

    /// Runs `arrival` when what one machine sends now gets to the other.
    void carry(int from, int to, Runnable arrival) {
        List<Runnable> waiting = closed.get(way(from, to));
        if (waiting != null) {
            waiting.add(() -> carry(from, to, arrival));
            return;
        }
        agenda.after(delay(from, to), arrival);
    }

    void connect(
            Host from,
            InetSocketAddress to,
            Function<Connection, ConnectionHandler> handlers,
            long patienceNanos,
            Consumer<IOException> failed) {
        int machine = machineOf(to);
        var attempt = new Object() {
            boolean over;
        };
        agenda.after(patienceNanos, from, () -> {
            if (!attempt.over) {
                attempt.over = true;
                failed.accept(new IOException("cannot connect to " + to + ": no answer"));
            }
        });
        carry(from.machine(), machine, () -> {
            Host host = running.get(machine);
            Function<Connection, ConnectionHandler> listener =
                    host == null || host.isDead() ? null : host.listener(to.getPort());
            if (host == null || listener == null) {
                carry(machine, from.machine(), () -> {
                    if (!attempt.over && !from.isDead()) {
                        attempt.over = true;
                        failed.accept(new IOException("cannot connect to " + to + ": nobody listens"));
                    }
                });
                return;
            }
            var near = new Wire(from, address(from.machine(), from.freePort()), to);
            var far = new Wire(host, to, near.local());
            near.joinedTo(far);
            far.joinedTo(near);
            far.begin(listener);
            carry(machine, from.machine(), () -> {
                if (attempt.over || from.isDead()) {
                    far.reset("nobody took the connection");
                } else {
                    attempt.over = true;
                    near.begin(handlers);
                }
            });
        });
    }

    boolean isUp(int machine) {
        Host host = running.get(machine);
        return host != null && !host.isDead();
    }
}
