package pnfs.mds.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcOutcome;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// How the client of a session is called back: over which of its connections, as what program, under which
/// slots (RFC 8881 §2.10.3, §2.10.6). The slots are counted here, the calls are made by whoever takes a [Turn].
/// Guarded by its own lock, which is a leaf.
public final class Backchannel {
    /// RFC 7863 says 1, RFC 8881 §18.36.3 means 4; Linux takes both.
    public static final int PROGRAM_VERSION = 1;

    private static final Logger log = LoggerFactory.getLogger(Backchannel.class);
    private static final int CB_NULL = 0;
    private static final Duration PROBE_PATIENCE = Duration.ofSeconds(10);

    private final Opaque session;
    private final int minorVersion;
    private final Seen seen;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<RpcConnection> connections = new ArrayList<>(1);
    /// For each slot the last sequence that the client has seen.
    private final int[] sequences;

    private final boolean[] taken;
    private int program;
    private RpcCredential credential;
    /// Who waits for an answer.
    private final Set<Runnable> waiting = new CopyOnWriteArraySet<>();

    private volatile boolean up;
    private volatile boolean faulty;

    /// A slot taken for one callback, and where to send that.
    public record Turn(int slot, int sequence, RpcConnection connection, int program, RpcCredential credential) {}

    /// Hears what a client has seen.
    @FunctionalInterface
    interface Seen {
        void upTo(int slot, int sequence);
    }

    /// @param minorVersion of the COMPOUND that made the session: Linux takes no callback with another
    /// @param seen hears which sequence the client has seen in which slot; without the lock
    Backchannel(Opaque session, int minorVersion, CreateSessionArgs asked, Seen seen) {
        this.session = session;
        this.minorVersion = minorVersion;
        this.seen = seen;
        this.program = asked.callbackProgram();
        this.credential = credential(asked.security());
        int slots = Math.min(asked.back().maxRequests(), SessionLimits.CALLBACK_SLOTS);
        sequences = new int[slots];
        taken = new boolean[slots];
    }

    /// The run before left this slot behind `sequence`.
    ///
    /// @return whether there is such a slot
    boolean restore(int slot, int sequence) {
        if (slot < 0 || slot >= sequences.length) {
            return false;
        }
        sequences[slot] = sequence;
        return true;
    }

    public Opaque session() {
        return session;
    }

    public int minorVersion() {
        return minorVersion;
    }

    public int highestSlot() {
        return sequences.length - 1;
    }

    /// Whether some connection carries it.
    public boolean isUp() {
        return up;
    }

    /// Whether the client refused what it cannot refuse: it has to make a new session.
    boolean isFaulty() {
        return faulty;
    }

    /// The client does not follow the protocol here.
    public void becomeFaulty() {
        faulty = true;
    }

    /// A slot for a callback; empty where none is free or no connection is there.
    public Optional<Turn> begin() {
        lock.lock();
        try {
            for (int slot = 0; slot < taken.length && up; slot++) {
                if (!taken[slot]) {
                    taken[slot] = true;
                    return Optional.of(turn(slot));
                }
            }
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /// The same slot and sequence over a connection that is there now. Where there is none, the slot is free
    /// again.
    public Optional<Turn> again(Turn turn) {
        lock.lock();
        try {
            taken[turn.slot()] = up;
            return up ? Optional.of(turn(turn.slot())) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /// The client has seen the sequence: the slot goes on with the next.
    public Optional<Turn> next(Turn turn) {
        seen.upTo(turn.slot(), turn.sequence());
        lock.lock();
        try {
            sequences[turn.slot()] = turn.sequence();
            return again(turn);
        } finally {
            lock.unlock();
        }
    }

    /// The callback is over.
    ///
    /// @param isSeen whether the client has seen its sequence
    public void end(Turn turn, boolean isSeen) {
        if (isSeen) {
            seen.upTo(turn.slot(), turn.sequence());
        }
        lock.lock();
        try {
            taken[turn.slot()] = false;
            if (isSeen) {
                sequences[turn.slot()] = turn.sequence();
            }
        } finally {
            lock.unlock();
        }
    }

    /// `ended` runs if the session ends before [#stopsWaiting].
    public void waits(Runnable ended) {
        waiting.add(ended);
    }

    public void stopsWaiting(Runnable ended) {
        waiting.remove(ended);
    }

    /// The session is no more: nothing is sent over it again, and no answer is waited for.
    void end() {
        lock.lock();
        try {
            connections.clear();
            up = false;
        } finally {
            lock.unlock();
        }
        List.copyOf(waiting).forEach(Runnable::run);
    }

    private Turn turn(int slot) {
        return new Turn(slot, sequences[slot] + 1, connections.getLast(), program, credential);
    }

    /// How callbacks are to be addressed and signed from now on.
    void control(int newProgram, List<CallbackSecurity> security) {
        lock.lock();
        try {
            program = newProgram;
            credential = credential(security);
            faulty = false;
        } finally {
            lock.unlock();
        }
    }

    void bind(RpcConnection connection) {
        lock.lock();
        try {
            connections.remove(connection);
            connections.add(connection);
            up = true;
            faulty = false;
        } finally {
            lock.unlock();
        }
    }

    /// Finds out whether anybody answers there: CB_NULL.
    void probe(RpcConnection connection) {
        XdrWriter request = RpcConnection.request(program, PROGRAM_VERSION, CB_NULL, credential, 0);
        connection.call(request, PROBE_PATIENCE, outcome -> {
            if (outcome instanceof RpcOutcome.Failed(var reason, var detail)) {
                log.info("backchannel silent session={} reason={} why={}", session, reason, detail);
                unbind(connection);
            }
        });
    }

    /// `connection` is gone, or nobody answers there.
    public void unbind(RpcConnection connection) {
        lock.lock();
        try {
            connections.remove(connection);
            up = !connections.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /// The first that we can do of what the client takes.
    private static RpcCredential credential(List<CallbackSecurity> security) {
        for (CallbackSecurity parameters : security) {
            switch (parameters) {
                case CallbackSecurity.None() -> {
                    return new RpcCredential.None();
                }
                case CallbackSecurity.Sys sys -> {
                    return new RpcCredential.Sys(sys.stamp(), sys.machine(), sys.uid(), sys.gid(), sys.gids());
                }
                case CallbackSecurity.Gss _ -> {}
            }
        }
        return new RpcCredential.None();
    }
}
