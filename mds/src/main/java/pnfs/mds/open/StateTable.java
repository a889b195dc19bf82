package pnfs.mds.open;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.Stateid;
import pnfs.wire.xdr.Opaque;

/// What clients hold of files, by client and stateid. The rooms that grant it record it, and bring it back after a
/// restart whose clients are still known.
/// Looking up a stateid takes no lock; what concerns one file is added and removed under that file's lock.
public final class StateTable {
    private final Clients clients;
    private final int maxPerClient;
    private final int run;
    private final AtomicLong lastNumber = new AtomicLong();
    private final Map<Long, Map<Long, FileState>> byClient = new ConcurrentHashMap<>();
    private volatile Elsewhere elsewhere = (_, _) -> Optional.empty();

    /// Stateids that are not kept here.
    @FunctionalInterface
    public interface Elsewhere {
        /// What TEST_STATEID says of a stateid that can only be kept there; DELEG_REVOKED where the client lost
        /// what it stands for (RFC 8881 §15.1.5.3) and has not acknowledged that.
        Optional<NfsStatus> test(Stateid stateid, CompoundState state);

        /// The client knows that it lost it.
        default void free(Opaque other, long clientId) {}
    }

    /// @param maxPerClient how many stateids a client may have; more is DELAY until it gives some back
    /// @param random tells the stateids of this run from those of others
    public StateTable(Clients clients, int maxPerClient, RandomGenerator random) {
        this.clients = clients;
        this.maxPerClient = maxPerClient;
        this.run = random.nextInt();
    }

    int run() {
        return run;
    }

    /// Who knows of the stateids of layouts. Before the first client comes.
    public void tellElsewhere(Elsewhere to) {
        elsewhere = to;
    }

    Elsewhere elsewhere() {
        return elsewhere;
    }

    long nextNumber() {
        return lastNumber.incrementAndGet();
    }

    /// How many of `kind` there are.
    public <S extends FileState> int count(Class<S> kind) {
        return byClient.values().stream()
                .mapToInt(mine ->
                        (int) mine.values().stream().filter(kind::isInstance).count())
                .sum();
    }

    /// From here on its stateid is good. Alone with the client's states: a client that is being released gets no
    /// more of them.
    ///
    /// @throws NfsException DELAY when the client has too many, EXPIRED when it is being released
    public void add(FileState state) {
        byClient.compute(state.clientId(), (_, mine) -> with(mine, state));
    }

    private Map<Long, FileState> with(@Nullable Map<Long, FileState> states, FileState state) {
        clients.checkLive(state.clientId());
        Map<Long, FileState> mine = states == null ? new ConcurrentHashMap<>(4) : states;
        if (mine.size() >= maxPerClient) {
            throw new NfsException(
                    NfsStatus.DELAY,
                    "client " + Long.toHexString(state.clientId()) + " has " + mine.size() + " states");
        }
        mine.put(state.number(), state);
        return mine;
    }

    /// Appends what its holder is granted or gives back, where that is all of `change`. The reply leaves when
    /// the end of the process does not undo it; what the end of the machine undoes, the client takes back.
    /// Under the file's lock.
    public void append(FileChange change, CompoundState state) {
        change.append();
        state.dependsOn(clients.lossTicket());
    }

    /// Brings back what was there before a restart. Before the first client comes.
    ///
    /// @return false when its client is not known any more: then it is to be forgotten
    public boolean restore(FileState state) {
        lastNumber.accumulateAndGet(state.number(), Math::max);
        if (!clients.isLive(state.clientId())) {
            return false;
        }
        byClient.computeIfAbsent(state.clientId(), _ -> new ConcurrentHashMap<>(4))
                .put(state.number(), state);
        return true;
    }

    /// The open that had this number before a restart, as [#restore] brought it back.
    public Optional<OpenState> restored(long clientId, long number) {
        return byClient.getOrDefault(clientId, Map.of()).get(number) instanceof OpenState open
                ? Optional.of(open)
                : Optional.empty();
    }

    /// Whether the client may have one more.
    public boolean hasRoom(long clientId) {
        return byClient.getOrDefault(clientId, Map.of()).size() < maxPerClient;
    }

    /// From here on its stateid is bad. A second time nothing happens.
    public void remove(FileState state) {
        byClient.computeIfPresent(state.clientId(), (_, mine) -> {
            mine.remove(state.number());
            return mine.isEmpty() ? null : mine;
        });
    }

    /// All that the client has of one kind.
    public <S extends FileState> List<S> of(long clientId, Class<S> kind) {
        return byClient.getOrDefault(clientId, Map.of()).values().stream()
                .filter(kind::isInstance)
                .map(kind::cast)
                .toList();
    }

    /// What `stateid` names, when it is this client's, of `file`, and in its current version.
    ///
    /// @param stateid as [CompoundState#resolve] leaves it; seqid 0 means the current version
    /// @throws NfsException BAD_STATEID, OLD_STATEID, or the status of what was revoked
    public FileState require(Stateid stateid, FileHandle file, CompoundState state) {
        FileState held = require(stateid, state.clientId());
        if (!held.file().equals(file)) {
            throw new NfsException(NfsStatus.BAD_STATEID, held + " is of file " + held.file() + ", not " + file);
        }
        return held;
    }

    /// As above, when it is of `kind`.
    public <S extends FileState> S require(Class<S> kind, Stateid stateid, FileHandle file, CompoundState state) {
        FileState held = require(stateid, file, state);
        if (!kind.isInstance(held)) {
            throw new NfsException(NfsStatus.BAD_STATEID, held + " is no " + kind.getSimpleName());
        }
        return kind.cast(held);
    }

    /// As above, for whatever file.
    FileState require(Stateid stateid, long clientId) {
        FileState held = find(stateid, clientId);
        held.requireValid();
        return held;
    }

    /// As above, whether revoked or not.
    FileState find(Stateid stateid, long clientId) {
        FileState held = byClient.getOrDefault(clientId, Map.of()).get(number(stateid.other()));
        if (held == null || held.run() != run(stateid.other())) {
            throw new NfsException(NfsStatus.BAD_STATEID, "stateid " + stateid);
        }
        // Compared modulo 2^32: what lies in the half circle behind is old.
        int ahead = stateid.seqid() - held.seqid();
        if (stateid.seqid() != 0 && ahead != 0) {
            throw new NfsException(
                    ahead < 0 ? NfsStatus.OLD_STATEID : NfsStatus.BAD_STATEID, "stateid " + stateid + " of " + held);
        }
        return held;
    }

    private static int run(Opaque other) {
        return (int) number(other, 0, Integer.BYTES);
    }

    private static long number(Opaque other) {
        return number(other, Integer.BYTES, Stateid.OTHER_BYTES);
    }

    private static long number(Opaque other, int from, int to) {
        long number = 0;
        for (int i = from; i < to; i++) {
            number = (number << Byte.SIZE) | (other.at(i) & 0xff);
        }
        return number;
    }
}
