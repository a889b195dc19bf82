package pnfs.mds.session;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.OpTable;
import pnfs.mds.compound.Sequencer;
import pnfs.mds.session.SessionRecords.SessionRecord;
import pnfs.mds.store.Batch;
import pnfs.mds.store.Keys;
import pnfs.wire.nfs4.BoundDirection;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.Nfs4Limits;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.BackchannelCtlArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCode;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.BindConnToSessionResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.OpFailure;
import pnfs.wire.nfs4.OpResult.OpSuccess;
import pnfs.wire.xdr.Opaque;

/// The operations on sessions and client ids, RFC 8881 §18.33 to §18.37, §18.46, §18.50, §18.51, and who may
/// run a COMPOUND now. Safe for any thread; the tables are those of [Clients].
public final class Sessions implements Sequencer {
    /// SEQUENCE and a small operation, or their results, with the RPC header.
    private static final int LEAST_MESSAGE_BYTES = 160;
    /// CB_SEQUENCE and a recall, with the RPC header.
    private static final int LEAST_CALLBACK_BYTES = 512;
    /// CB_SEQUENCE and one more.
    private static final int LEAST_CALLBACK_OPERATIONS = 2;

    /// What is granted to who asks for it.
    private static final int GRANTED_FLAGS = CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN;

    private static final int KNOWN_FLAGS = GRANTED_FLAGS | CreateSessionFlags.CONN_RDMA;

    private final Clients clients;
    private final SessionLimits limits;
    private final SlotBudget budget;
    private final RandomGenerator random; // under the clients' lock

    /// What CREATE_SESSION did: its answer, and the client that it replaced.
    private record Created(OpResult result, @Nullable Client rebooted) {}

    /// Brings back the sessions of the clients that go on.
    public Sessions(Clients clients, SessionLimits limits, RandomGenerator random) {
        this.clients = clients;
        this.limits = limits;
        this.budget = new SlotBudget(limits.slotsOfAll());
        this.random = random;
        restore();
    }

    private void restore() {
        var strays = new Batch();
        restore(Keys.SESSION, strays, (key, value) -> {
            SessionRecord left = SessionRecords.read(key, value);
            Client client = clients.find(SessionRecords.clientOf(left.id()));
            if (client == null) {
                return false;
            }
            Session session = Session.restored(left, client, budget, clients.store);
            clients.sessions.put(session.id(), session);
            client.add(session);
            return true;
        });
        restore(Keys.SLOT, strays, (key, value) -> {
            Session session = clients.sessions.get(SessionRecords.sessionOfSlot(key));
            return session != null && session.restore(SessionRecords.slotOf(key), SessionRecords.readSlot(key, value));
        });
        restore(Keys.CALLBACK, strays, (key, value) -> {
            Session session = clients.sessions.get(SessionRecords.sessionOfSlot(key));
            return session != null
                    && session.restoreBack(SessionRecords.slotOf(key), SessionRecords.readSequence(key, value));
        });
        clients.store.append(strays);
    }

    /// Records that nobody takes go into `strays`.
    private void restore(Keys kind, Batch strays, BiPredicate<byte[], byte[]> taken) {
        clients.store.scan(kind.first(), kind.end(), (key, value) -> {
            if (!taken.test(key, value)) {
                strays.delete(key);
            }
            return true;
        });
    }

    /// Adds this room's operations.
    public void register(OpTable table) {
        table.register(OpCode.EXCHANGE_ID, ExchangeIdArgs.class, clients::exchangeId)
                .register(OpCode.CREATE_SESSION, CreateSessionArgs.class, this::create)
                .register(OpCode.DESTROY_SESSION, DestroySessionArgs.class, this::destroy)
                .register(OpCode.DESTROY_CLIENTID, DestroyClientidArgs.class, this::destroyClient)
                .register(OpCode.BIND_CONN_TO_SESSION, BindConnToSessionArgs.class, this::bind)
                .register(OpCode.BACKCHANNEL_CTL, BackchannelCtlArgs.class, this::controlBackchannel)
                .register(OpCode.RECLAIM_COMPLETE, ReclaimCompleteArgs.class, this::completeReclaim);
    }

    /// How many slots keep a reply.
    public int slotCount() {
        return budget.used();
    }

    /// The ways back to clients that use more slots than there is room for, and may not hear of it by themselves;
    /// each once.
    public List<Backchannel> overgrown() {
        return budget.isTight()
                ? clients.sessions.values().stream()
                        .filter(Session::asksBack)
                        .map(Session::back)
                        .toList()
                : List.of();
    }

    @Override
    public Admission admit(SequenceArgs args, Request request) {
        Session session = require(args.session());
        session.bind(request.connection());
        Admission admission = session.admit(args, request);
        clients.renew(session.client(), request.nowNanos());
        return admission;
    }

    private Session require(Opaque id) {
        Session session = clients.sessions.get(id);
        if (session == null) {
            throw new NfsException(NfsStatus.BADSESSION, "session " + id);
        }
        return session;
    }

    private OpResult create(CreateSessionArgs args, CompoundState state) {
        // What can never become a session does not use up the client's sequence: a retry may ask for more.
        ChannelAttributes fore = negotiate(args);
        Created created = clients.locked(() -> createUnderLock(args, fore, state));
        clients.tellHolders(created.rebooted());
        return created.result();
    }

    private Created createUnderLock(CreateSessionArgs args, ChannelAttributes fore, CompoundState state) {
        Client client = clients.require(args.clientId());
        if (client.created != null && args.sequence() == client.createSequence) {
            state.dependsOn(client.createdTicket);
            return new Created(client.created, null);
        }
        if (args.sequence() != client.createSequence + 1 && !client.restored) {
            throw new NfsException(
                    NfsStatus.SEQ_MISORDERED,
                    "CREATE_SESSION " + Integer.toUnsignedString(args.sequence()) + " after "
                            + Integer.toUnsignedString(client.createSequence));
        }
        if (clients.isPredecessorBusy(client)) { // said before the sequence counts: the same request comes again
            throw new NfsException(NfsStatus.DELAY, "requests of the client's earlier life are under way");
        }
        Created created;
        try {
            created = createNew(client, args, fore, state);
        } catch (NfsException refusal) {
            created = new Created(new OpFailure(OpCode.CREATE_SESSION, refusal.status()), null);
        }
        client.restored = false;
        client.createSequence = args.sequence();
        client.created = created.result();
        client.createdTicket = state.ticket();
        return created;
    }

    private Created createNew(Client client, CreateSessionArgs args, ChannelAttributes fore, CompoundState state) {
        if (!client.principal.equals(Principal.of(state.credential()))) {
            throw new NfsException(NfsStatus.CLID_INUSE, "CREATE_SESSION by another principal");
        }
        if (client.sessions.size() >= limits.sessionsPerClient() && !dropAbandoned(client)) {
            throw new NfsException(NfsStatus.NOSPC, "over " + limits.sessionsPerClient() + " sessions");
        }
        var batch = new Batch();
        Client rebooted = clients.confirm(batch, client);
        var granted = new CreateSessionResult(
                newId(client), args.sequence(), args.flags() & GRANTED_FLAGS, fore, args.back());
        var session =
                new Session(new SessionRecord(state.minorVersion(), args, granted), client, budget, clients.store);
        session.note(batch);
        state.dependsOn(clients.record(batch, client));
        state.carrier().ifPresent(session::bind);
        if ((granted.flags() & CreateSessionFlags.CONN_BACK_CHAN) != 0) {
            session.bindBackchannel(state.connection());
            session.back().probe(state.connection());
        }
        client.sessions.add(session);
        client.renew(state.nowNanos());
        clients.sessions.put(session.id(), session);
        return new Created(granted, rebooted);
    }

    /// A client whose DESTROY_SESSION came over another connection, and was refused, leaves its session behind.
    private boolean dropAbandoned(Client client) {
        for (Session session : client.sessions) {
            if (session.isAbandoned()) {
                clients.end(session);
                return true;
            }
        }
        return false;
    }

    /// What the fore channel is granted. The backchannel must be of use even where its connection comes later.
    private ChannelAttributes negotiate(CreateSessionArgs args) {
        if ((args.flags() & ~KNOWN_FLAGS) != 0) {
            throw new NfsException(NfsStatus.INVAL, "CREATE_SESSION flags " + Integer.toHexString(args.flags()));
        }
        requireUsableBack(args.back());
        ChannelAttributes asked = args.fore();
        if (asked.maxRequestBytes() < LEAST_MESSAGE_BYTES
                || asked.maxResponseBytes() < LEAST_MESSAGE_BYTES
                || asked.maxOperations() < 1
                || asked.maxRequests() < 1) {
            throw new NfsException(NfsStatus.TOOSMALL, "fore channel " + asked);
        }
        int response = Math.min(asked.maxResponseBytes(), limits.messageBytes());
        return new ChannelAttributes(
                0,
                Math.min(asked.maxRequestBytes(), limits.messageBytes()),
                response,
                Math.min(Math.min(asked.maxResponseCachedBytes(), limits.cachedReplyBytes()), response),
                Math.min(asked.maxOperations(), limits.operations()),
                Math.min(asked.maxRequests(), limits.slots()),
                Optional.empty());
    }

    private static void requireUsableBack(ChannelAttributes asked) {
        if (asked.maxRequestBytes() < LEAST_CALLBACK_BYTES
                || asked.maxResponseBytes() < LEAST_CALLBACK_BYTES
                || asked.maxOperations() < LEAST_CALLBACK_OPERATIONS
                || asked.maxRequests() < 1) {
            throw new NfsException(NfsStatus.TOOSMALL, "backchannel " + asked);
        }
    }

    /// Half of it is chance, so that no one guesses another's.
    private Opaque newId(Client client) {
        return Opaque.of(ByteBuffer.allocate(Nfs4Limits.SESSION_ID_BYTES)
                .putLong(client.id)
                .putLong(random.nextLong())
                .array());
    }

    private OpResult destroy(DestroySessionArgs args, CompoundState state) {
        boolean own = state.hasSession() && state.session().sessionId().equals(args.session());
        if (own && !state.isLast()) {
            throw new NfsException(NfsStatus.NOT_ONLY_OP, "a session is destroyed before the COMPOUND it carries ends");
        }
        clients.locked(() -> {
            Session session = require(args.session());
            if (!state.hasSession() && !session.isBound(state.connection())) {
                throw new NfsException(
                        NfsStatus.CONN_NOT_BOUND_TO_SESSION, "session " + args.session() + " is of other connections");
            }
            if (session.isBusy(own ? state.session().slotId() : -1)) {
                throw new NfsException(NfsStatus.DELAY, "requests of the session are still running");
            }
            clients.end(session); // nobody waits for it: who is not told that it is gone ends it again
            return session;
        });
        return new OpSuccess(OpCode.DESTROY_SESSION);
    }

    private OpResult destroyClient(DestroyClientidArgs args, CompoundState state) {
        clients.destroy(args.clientId(), state);
        return new OpSuccess(OpCode.DESTROY_CLIENTID);
    }

    private OpResult bind(BindConnToSessionArgs args, CompoundState state) {
        Session session = require(args.session());
        BoundDirection bound = switch (args.direction()) {
            case FORE -> BoundDirection.FORE;
            case BACK -> BoundDirection.BACK;
            case FORE_OR_BOTH, BACK_OR_BOTH -> BoundDirection.BOTH;
        };
        if (bound == BoundDirection.FORE) {
            session.bind(state.connection());
        } else {
            session.bindBackchannel(state.connection());
        }
        return new BindConnToSessionResult(args.session(), bound, false);
    }

    private OpResult controlBackchannel(BackchannelCtlArgs args, CompoundState state) {
        require(state.session().sessionId()).controlBackchannel(args.callbackProgram(), args.security());
        return new OpSuccess(OpCode.BACKCHANNEL_CTL);
    }

    private OpResult completeReclaim(ReclaimCompleteArgs args, CompoundState state) {
        if (args.oneFileSystem()) {
            state.currentFile(); // names the file system, of which there is one: nothing was moved
        } else {
            clients.reclaimComplete(state);
        }
        return new OpSuccess(OpCode.RECLAIM_COMPLETE);
    }
}
