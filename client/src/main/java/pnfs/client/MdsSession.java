package pnfs.client;

import static pnfs.wire.nfs4.NfsStatus.COMPLETE_ALREADY;
import static pnfs.wire.nfs4.NfsStatus.DELAY;
import static pnfs.wire.nfs4.NfsStatus.GRACE;
import static pnfs.wire.nfs4.NfsStatus.RETRY_UNCACHED_REP;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import pnfs.client.SlotTable.Slot;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.GetAttrArgs;
import pnfs.wire.nfs4.OpArgs.PutRootFhArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.GetAttrResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.xdr.Opaque;

/// Our client id and session at the metadata server: every compound goes through here. Safe for all threads.
///
/// A compound whose connection breaks is sent again over the next one, on the same slot with the same sequence,
/// so that it is executed once. When the server does not know the session any more, one thread makes a new one
/// while the others wait for it; when it does not know the client either (it was restarted), that thread also
/// claims back what is open. Compounds are built anew after that, because a recovery changes the stateids in
/// them.
final class MdsSession implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(MdsSession.class);

    /// After so long an answer is not waited for any more, but asked for again over a new connection.
    static final Duration ANSWER_LIMIT = Duration.ofSeconds(30);

    private static final Duration FIRST_CONTACT_LIMIT = Duration.ofSeconds(3);

    private static final String SERVER = "metadata server";
    private static final int RENEWALS_PER_LEASE = 3;
    private static final int DEVICES_CHANGED = SequenceFlags.DEVID_CHANGED | SequenceFlags.DEVID_DELETED;
    private static final int CALLBACKS_LOST = SequenceFlags.CB_PATH_DOWN | SequenceFlags.CB_PATH_DOWN_SESSION;
    /// The session of the slot is unknown, or its slots are not as we think: a new session makes both right.
    private static final Set<NfsStatus> SESSION_LOST = EnumSet.of(
            NfsStatus.BADSESSION,
            NfsStatus.DEADSESSION,
            NfsStatus.BADSLOT,
            NfsStatus.BAD_HIGH_SLOT,
            NfsStatus.SEQ_MISORDERED,
            NfsStatus.CONN_NOT_BOUND_TO_SESSION);
    /// Their effects must not happen twice, so the server keeps their replies until the slot goes on.
    private static final Set<OpCode> KEPT = EnumSet.of(
            OpCode.OPEN,
            OpCode.CLOSE,
            OpCode.CREATE,
            OpCode.REMOVE,
            OpCode.RENAME,
            OpCode.LINK,
            OpCode.SETATTR,
            OpCode.WRITE,
            OpCode.DEALLOCATE,
            OpCode.LAYOUTGET,
            OpCode.LAYOUTCOMMIT,
            OpCode.LAYOUTRETURN,
            OpCode.RECLAIM_COMPLETE);

    private final MdsLink link;
    private final SessionSetup setup;
    private final Duration patience;
    private final List<StateHolder> holders = new CopyOnWriteArrayList<>();
    private volatile Session live;
    private final SharedWork recovery = new SharedWork();
    /// Has a permit when there is a reason to renew the lease now.
    private final Semaphore renewNow = new Semaphore(0);
    /// Whether the server says that it cannot call us back.
    private volatile boolean unbound;
    /// Whether the server says that a device changed which we have not asked about since.
    private final AtomicBoolean outdated = new AtomicBoolean();
    private volatile Runnable whenDevicesChange = () -> {};

    private volatile @Nullable Thread renewal;

    /// Something that has state at the server and claims it back when the server has lost it.
    interface StateHolder {
        /// Runs before anybody else may use the new session: `recovery` is for the calls of this alone.
        void reclaim(Caller recovery) throws IOException;
    }

    /// Whoever can run a compound.
    interface Caller {
        /// The reply, whatever its status. `compound` gives the operations after SEQUENCE, anew for each attempt.
        Reply ask(String path, Supplier<List<OpArgs>> compound) throws IOException;

        /// The reply, which is OK.
        default Reply call(String path, Supplier<List<OpArgs>> compound) throws IOException {
            return ask(path, compound).orThrow(path);
        }
    }

    private sealed interface Outcome {
        record Answered(Reply reply) implements Outcome {}

        record SessionLost(NfsStatus status) implements Outcome {}

        /// It was executed, but the server has not kept what came of it.
        record ReplyLost() implements Outcome {}
    }

    private MdsSession(MdsLink link, SessionSetup setup, Duration patience, Session first) {
        this.link = link;
        this.setup = setup;
        this.patience = patience;
        this.live = first;
    }

    /// Makes a client id and a session. A server that nobody has seen yet is not waited for long: its address
    /// may be wrong.
    static MdsSession open(MdsLink link, ClientOptions options, RandomGenerator random) throws IOException {
        var setup = new SessionSetup(link, options.slots(), random);
        var patience = new Patience(FIRST_CONTACT_LIMIT);
        Session first = setup.begin(patience);
        var session = new MdsSession(link, setup, options.patience(), first);
        completeReclaim((path, compound) -> session.ask(first, path, compound, patience));
        link.whenLost(session.renewNow::release);
        Duration pause = session.lease().dividedBy(RENEWALS_PER_LEASE);
        session.renewal = Thread.ofVirtual().name("lease").start(() -> session.renewLease(pause));
        return session;
    }

    void add(StateHolder holder) {
        holders.add(holder);
    }

    void remove(StateHolder holder) {
        holders.remove(holder);
    }

    /// Bytes of one READ or WRITE.
    int ioBytes() {
        return live.ioBytes();
    }

    /// Operations of one compound, SEQUENCE left out.
    int maxOperations() {
        return live.limits().maxOperations() - 1;
    }

    /// For everybody but a recovery: waits out DELAY and GRACE, and recovers the session.
    Caller caller() {
        return this::ask;
    }

    private Reply ask(String path, Supplier<List<OpArgs>> compound) throws IOException {
        var patience = new Patience(this.patience);
        while (true) {
            Session session = live;
            try {
                return ask(session, path, compound, patience);
            } catch (SessionLostException e) {
                recover(session, e.status, patience);
            }
        }
    }

    /// As the other, on this session or not at all.
    private Reply ask(Session session, String path, Supplier<List<OpArgs>> compound, Patience patience)
            throws IOException {
        while (true) {
            switch (run(session, path, compound.get(), patience)) {
                case Outcome.Answered(Reply reply) -> {
                    boolean busy = reply.status() == DELAY || reply.status() == GRACE;
                    if (!busy || !patience.pause()) {
                        return reply;
                    }
                }
                case Outcome.SessionLost(NfsStatus status) -> throw new SessionLostException(path, status);
                case Outcome.ReplyLost() -> log.debug("asked again because the reply was lost path={}", path);
            }
        }
    }

    private Outcome run(Session session, String path, List<OpArgs> operations, Patience patience) throws IOException {
        Slot slot = session.slots().take();
        try {
            if (slot.isDoubtful()) {
                // Whatever ran under this sequence, it is over after this.
                exchange(session, slot, path, List.of(), patience);
            }
            return exchange(session, slot, path, operations, patience);
        } finally {
            session.slots().give(slot);
        }
    }

    private Outcome exchange(Session session, Slot slot, String path, List<OpArgs> operations, Patience patience)
            throws IOException {
        var all = new ArrayList<OpArgs>(operations.size() + 1);
        boolean keep = operations.stream().anyMatch(operation -> KEPT.contains(operation.op()));
        all.add(new SequenceArgs(
                session.id(), slot.sequence(), slot.id(), session.slots().highest(), keep));
        all.addAll(operations);
        while (true) {
            try {
                List<OpResult> results = link.send(all, ANSWER_LIMIT);
                NfsStatus sequence = results.isEmpty()
                        ? NfsStatus.BADSESSION
                        : results.getFirst().status();
                if (!results.isEmpty() && results.getFirst() instanceof SequenceResult sequenced) {
                    slot.answered();
                    session.slots().heard(slot, sequenced);
                    heed(sequenced.statusFlags());
                    var reply = new Reply(results.subList(1, results.size()));
                    return reply.status() == RETRY_UNCACHED_REP ? new Outcome.ReplyLost() : new Outcome.Answered(reply);
                }
                if (sequence != DELAY) {
                    return SESSION_LOST.contains(sequence)
                            ? new Outcome.SessionLost(sequence)
                            : new Outcome.Answered(new Reply(results));
                }
                if (!patience.pause()) {
                    slot.doubt();
                    throw new PnfsException(DELAY, path, PnfsException.meaning(DELAY));
                }
            } catch (LinkException e) {
                if (!patience.pause()) {
                    slot.doubt();
                    throw new PnfsException(NfsStatus.IO, path, "no answer from the metadata server", e);
                }
            } catch (InterruptedIOException e) {
                slot.doubt();
                throw e;
            }
        }
    }

    private void heed(int flags) {
        if ((flags & CALLBACKS_LOST) != 0 && !unbound) {
            unbound = true;
            renewNow.release();
        }
        boolean changed = (flags & DEVICES_CHANGED) != 0;
        if (outdated.compareAndSet(!changed, changed) && changed) {
            whenDevicesChange.run();
        }
    }

    /// CB_RECALL_SLOT of the session of this id. The SEQUENCE that follows at once tells the server that it is
    /// heeded. Does not wait.
    void recallSlots(Opaque id, int highest) {
        Session session = live;
        if (session.id().equals(id)) {
            session.slots().recall(highest);
            renewNow.release();
        }
    }

    /// `then` is run, and must not wait, when the server begins to say that devices changed.
    void whenDevicesChange(Runnable then) {
        whenDevicesChange = then;
    }

    /// Puts a session in the place of `lost`, unless another thread has done it or is at it.
    private void recover(Session lost, NfsStatus why, Patience patience) throws IOException {
        recovery.run(() -> {
            if (live.id().equals(lost.id())) {
                live = replacement(lost, why, patience);
            }
        });
    }

    private Session replacement(Session lost, NfsStatus why, Patience patience) throws IOException {
        Session last = lost;
        while (true) {
            Session next = setup.replace(last, patience);
            try {
                if (next.epoch() != lost.epoch()) {
                    Caller recovering = (path, compound) -> ask(next, path, compound, patience);
                    for (StateHolder holder : holders) {
                        holder.reclaim(recovering);
                    }
                    completeReclaim(recovering);
                }
                log.info(
                        "session replaced why={} client={} epoch={}",
                        why,
                        Long.toHexString(next.clientId()),
                        next.epoch());
                return next;
            } catch (SessionLostException e) {
                last = next; // restarted again: everything once more
                if (!patience.pause()) {
                    throw e;
                }
            }
        }
    }

    private static void completeReclaim(Caller caller) throws IOException {
        Reply reply = caller.ask(SERVER, () -> List.of(new ReclaimCompleteArgs(false)));
        if (reply.status() != COMPLETE_ALREADY) {
            reply.orThrow(SERVER);
        }
    }

    private Duration lease() throws IOException {
        Reply reply = caller().call(
                        SERVER, () -> List.of(new PutRootFhArgs(), new GetAttrArgs(Bitmap.of(Attribute.LEASE_TIME))));
        return Duration.ofSeconds(
                AttributeCodec.read(reply.get(GetAttrResult.class).attributes()).uint32(Attribute.LEASE_TIME));
    }

    /// A lone SEQUENCE after each pause, and when a connection was lost: that may have been a restart of the
    /// server, which lets nobody open anything new until we have claimed back what is open here. And the server
    /// may call us back only over connections that were bound to the session for that.
    private void renewLease(Duration pause) {
        while (true) {
            try {
                if (renewNow.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    renewNow.drainPermits();
                }
                caller().ask(SERVER, List::of);
                if (unbound) {
                    NfsStatus bound = setup.bind(live);
                    log.info("backchannel bound again status={}", bound);
                    unbound = false; // or the next SEQUENCE says so
                }
            } catch (InterruptedException | InterruptedIOException e) {
                return; // closed
            } catch (IOException e) {
                log.warn("lease not renewed why={}", e.getMessage());
            }
        }
    }

    @Override
    public void close() {
        Thread renewing = renewal;
        if (renewing != null) {
            renewing.interrupt();
        }
        setup.end(live);
    }

    /// The server does not know the session; the next one may do better.
    private static final class SessionLostException extends IOException {
        private static final long serialVersionUID = 1L;

        private final NfsStatus status;

        SessionLostException(String path, NfsStatus status) {
            super(path + ": the metadata server has lost our session (" + status + ")");
            this.status = status;
        }
    }
}
