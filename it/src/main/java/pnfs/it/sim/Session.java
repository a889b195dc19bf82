package pnfs.it.sim;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.nfs4.AttributeCodec;
import pnfs.wire.nfs4.Attributes;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.CallbackCodec;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.CbArgs;
import pnfs.wire.nfs4.CbArgs.CbSequenceArgs;
import pnfs.wire.nfs4.CbResult;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.nfs4.SequenceFlags;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcCall;
import pnfs.wire.rpc.RpcClient;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.rpc.RpcOutcome;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.rpc.RpcReply;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// A client's session with the metadata server, kept up as a kernel does: a lost connection is made again and
/// what was not answered sent again in its slot; a lost session is made again; where the server has forgotten
/// the client everything that it held is gone. One thread.
final class Session {
    private static final int NFS = 100_003;
    private static final int CALLBACK_PROGRAM = 0x4000_0000;
    private static final int SLOTS = 4;
    private static final int MESSAGE_BYTES = (1 << 20) + 4096;
    private static final Duration PATIENCE = Duration.ofSeconds(4);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long RENEW_NANOS = MetadataServerNode.LEASE.toNanos() / 3;

    /// What became of a COMPOUND.
    ///
    /// @param known false when its session was lost under it: it was carried out or not
    /// @param results those behind SEQUENCE's
    /// @param askedNanos when it was asked for
    /// @param again it was asked once more in another session: both times it may have been carried out
    record Answer(boolean known, NfsStatus status, List<OpResult> results, long askedNanos, boolean again) {
        /// The same, asked for before at `nanos` for the first time.
        ///
        /// @param wasAgain what [#again] said then
        Answer after(long nanos, boolean wasAgain) {
            return new Answer(known, status, results, nanos, again || wasAgain);
        }

        /// To the first `count` operations, where that is known and one behind them was refused; else all of it.
        Answer ofFirst(int count) {
            return results.size() > count
                    ? new Answer(known, NfsStatus.OK, results.subList(0, count), askedNanos, again)
                    : this;
        }

        boolean isOk() {
            return known && status == NfsStatus.OK;
        }

        /// What GETATTR said.
        Attributes attributes() {
            return AttributeCodec.read(find(OpResult.GetAttrResult.class).attributes());
        }

        long size() {
            return attributes().size();
        }

        <R extends OpResult> R find(Class<R> type) {
            return results.stream()
                    .filter(type::isInstance)
                    .map(type::cast)
                    .findFirst()
                    .orElseThrow(() -> new Violation("no " + type.getSimpleName() + " in " + results));
        }
    }

    /// Who uses the session.
    interface Owner {
        /// Everything may be asked from here on.
        void ready();

        /// The server has forgotten us: what was held is gone, unless it is taken back.
        void forgotten();

        /// There is a session again for what is to be taken back.
        ///
        /// @param then nothing is, from then on
        void reclaim(Runnable then);

        /// The server has taken layouts from us.
        void revoked();

        CbResult called(CbArgs callback);
    }

    private static final class Call {
        final List<OpArgs> operations;
        final Consumer<Answer> then;
        final long askedNanos;
        int sequence;
        /// For the first time in its slot.
        long sentNanos;

        boolean again;

        Call(List<OpArgs> operations, Consumer<Answer> then, long askedNanos) {
            this.operations = operations;
            this.then = then;
            this.askedNanos = askedNanos;
        }

        /// Its session was lost under it.
        void fail() {
            then.accept(new Answer(false, NfsStatus.BADSESSION, List.of(), askedNanos, again));
        }

        /// Whether it takes or gives back what a client can hold; done twice it is as if done once.
        boolean isStateful() {
            return operations.stream().anyMatch(operation -> switch (operation) {
                case OpArgs.OpenArgs _,
                        OpArgs.OpenDowngradeArgs _,
                        OpArgs.CloseArgs _,
                        OpArgs.LockArgs _,
                        OpArgs.LockuArgs _,
                        OpArgs.DelegReturnArgs _,
                        OpArgs.LayoutGetArgs _,
                        OpArgs.LayoutReturnArgs _ -> true;
                default -> false;
            });
        }
    }

    private final Host host;
    private final Checker checker;
    private final int client;
    private final long verifier;
    private final Owner owner;
    private final RpcClient rpc;
    private final List<Call> waiting = new ArrayList<>();
    private final TreeMap<Integer, Call> underWay = new TreeMap<>();
    private final int[] sequences = new int[SLOTS];
    private @Nullable RpcConnection connection;
    private @Nullable Opaque id;
    private long clientId;
    /// As whom EXCHANGE_ID knows us; [#clientId] from the session on.
    private long introducedAs;
    private int createSequence;
    private boolean ready;
    /// The server does not know what we held, and has not heard that we take nothing more back.
    private boolean forgotten;
    private long askedAtNanos;

    Session(Host host, Checker checker, int client, long verifier, Owner owner) {
        this.host = host;
        this.checker = checker;
        this.client = client;
        this.verifier = verifier;
        this.owner = owner;
        this.rpc =
                new RpcClient(host, RpcPrograms.none().with(CALLBACK_PROGRAM, 1, this::calledBack), RpcLimits.DEFAULT);
        connect();
        renew();
    }

    long clientId() {
        return clientId;
    }

    boolean isReady() {
        return ready;
    }

    /// Asks when a slot is free; `then` gets the answer however long that takes.
    void ask(List<OpArgs> operations, Consumer<Answer> then) {
        waiting.add(new Call(operations, then, host.nowNanos()));
        sendWaiting();
    }

    private void sendWaiting() {
        while (ready && underWay.size() < SLOTS && !waiting.isEmpty()) {
            Call call = waiting.removeFirst();
            int slot = 0;
            while (underWay.containsKey(slot)) {
                slot++;
            }
            call.sequence = ++sequences[slot];
            call.sentNanos = host.nowNanos();
            underWay.put(slot, call);
            send(slot, call);
        }
    }

    private void send(int slot, Call call) {
        RpcConnection to = connection;
        Opaque session = id;
        if (to == null || session == null) {
            return;
        }
        askedAtNanos = host.nowNanos();
        boolean kept = call.operations.stream().noneMatch(OpArgs.ReadArgs.class::isInstance);
        var operations = new ArrayList<OpArgs>(call.operations.size() + 1);
        operations.add(new SequenceArgs(session, call.sequence, slot, SLOTS - 1, kept));
        operations.addAll(call.operations);
        compound(to, operations, results -> {
            if (underWay.get(slot) == call && Objects.equals(id, session)) {
                answered(slot, call, results);
            }
        });
    }

    private void answered(int slot, Call call, Results results) {
        OpResult sequenced =
                results.operations().isEmpty() ? null : results.operations().getFirst();
        NfsStatus status = sequenced == null || results.status() == NfsStatus.RETRY_UNCACHED_REP
                ? results.status()
                : sequenced.status();
        switch (status) {
            case OK -> {
                underWay.remove(slot);
                checker.leases.renewed(client, call.sentNanos);
                int flags = sequenced instanceof SequenceResult result ? result.statusFlags() : 0;
                var answer = new Answer(
                        true,
                        results.status(),
                        results.operations().subList(1, results.operations().size()),
                        call.askedNanos,
                        call.again);
                call.then.accept(answer);
                if ((flags
                                & (SequenceFlags.RECALLABLE_STATE_REVOKED
                                        | SequenceFlags.EXPIRED_ALL_STATE_REVOKED
                                        | SequenceFlags.EXPIRED_SOME_STATE_REVOKED
                                        | SequenceFlags.ADMIN_STATE_REVOKED))
                        != 0) {
                    owner.revoked();
                }
                sendWaiting();
            }
            case DELAY ->
                host.schedule(RETRY_NANOS, () -> {
                    if (underWay.get(slot) == call) {
                        send(slot, call);
                    }
                });
            case RETRY_UNCACHED_REP -> {
                call.sequence = ++sequences[slot];
                send(slot, call);
            }
            case BADSESSION, DEADSESSION -> sessionLost();
            default -> throw checker.fail("client " + client + ": SEQUENCE answered " + status);
        }
    }

    private void compound(RpcConnection to, List<OpArgs> operations, Consumer<Results> then) {
        XdrWriter request = RpcConnection.request(NFS, 4, 1, new RpcCredential.Sys(0, "sim", 0, 0, List.of()), 512);
        CompoundCodec.writeCall(request, Opaque.EMPTY, 2, operations);
        to.call(request, PATIENCE, outcome -> {
            if (to != connection) {
                return;
            }
            if (outcome instanceof RpcOutcome.Success(XdrReader in)) {
                then.accept(CompoundCodec.readResults(in));
            } else {
                to.close("no answer");
                lost(to);
            }
        });
    }

    // Making it, and making it again.

    private void connect() {
        var _ = rpc.connect(
                        Fabric.address(MetadataServerNode.MACHINE, MetadataServerNode.NFS_PORT),
                        ConnectionLimits.CLIENT.withStall(Duration.ofSeconds(3)))
                .whenComplete((made, refused) -> {
                    if (refused != null) {
                        host.schedule(RETRY_NANOS, this::connect);
                        return;
                    }
                    connection = made;
                    made.whenClosed(why -> lost(made));
                    Opaque session = id;
                    if (session == null) {
                        introduce();
                    } else {
                        bind(session);
                    }
                });
    }

    private void lost(RpcConnection which) {
        if (which == connection) {
            connection = null;
            host.schedule(RETRY_NANOS, this::connect);
        }
    }

    private void bind(Opaque session) {
        alone(new BindConnToSessionArgs(session, BindDirection.FORE_OR_BOTH, false), result -> {
            switch (result.status()) {
                case OK -> List.copyOf(underWay.entrySet()).forEach(entry -> send(entry.getKey(), entry.getValue()));
                case BADSESSION, DEADSESSION -> sessionLost();
                default -> throw checker.fail("client " + client + ": BIND_CONN_TO_SESSION answered " + result);
            }
        });
    }

    /// An operation that stands alone in its COMPOUND, until it is answered on this connection.
    private void alone(OpArgs operation, Consumer<OpResult> then) {
        RpcConnection to = connection;
        if (to == null) {
            return;
        }
        compound(to, List.of(operation), results -> {
            OpResult result = results.operations().isEmpty()
                    ? new OpResult.OpFailure(operation.op(), results.status())
                    : results.operations().getFirst();
            if (result.status() == NfsStatus.DELAY) {
                host.schedule(RETRY_NANOS, () -> {
                    if (to == connection) {
                        alone(operation, then);
                    }
                });
            } else {
                then.accept(result);
            }
        });
    }

    private void sessionLost() {
        checker.note("client %d lost its session", client);
        ready = false;
        id = null;
        List<Call> unknown = List.copyOf(underWay.values());
        underWay.clear();
        for (Call call : unknown) {
            if (call.isStateful()) {
                call.again = true;
                waiting.addFirst(call); // what it took must not be held without our knowing it
            } else {
                call.fail();
            }
        }
        createSession(this::introduce);
    }

    private void introduce() {
        var who = new ExchangeIdArgs(
                verifier,
                Opaque.ofUtf8("sim/" + client),
                ExchangeIdFlags.USE_PNFS_MDS,
                new StateProtection.None(),
                Optional.empty());
        alone(who, result -> {
            if (!(result instanceof ExchangeIdResult known)) {
                throw checker.fail("client " + client + ": EXCHANGE_ID answered " + result);
            }
            introducedAs = known.clientId();
            createSequence = known.sequence();
            createSession(this::introduce);
        });
    }

    /// With the session; up to then the server has all that we had under another id.
    private void confirmed() {
        if (clientId != introducedAs && clientId != 0) {
            checker.note("client %d was forgotten", client);
            List<Call> never = List.copyOf(waiting);
            waiting.clear();
            owner.forgotten();
            never.forEach(Call::fail);
            forgotten = true;
        }
        clientId = introducedAs;
    }

    private void createSession(Runnable unknown) {
        var fore = new ChannelAttributes(0, MESSAGE_BYTES, MESSAGE_BYTES, 8192, 64, SLOTS, Optional.empty());
        var back = new ChannelAttributes(0, 4096, 4096, 0, 2, 1, Optional.empty());
        var create = new CreateSessionArgs(
                introducedAs,
                createSequence,
                CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN,
                fore,
                back,
                CALLBACK_PROGRAM,
                List.of(new CallbackSecurity.None()));
        alone(create, result -> {
            switch (result) {
                case CreateSessionResult made -> {
                    createSequence++;
                    confirmed();
                    id = made.session();
                    Arrays.fill(sequences, 0);
                    ready = true;
                    if (forgotten) {
                        owner.reclaim(() -> reclaimComplete(made.session()));
                    } else {
                        reclaimComplete(made.session());
                    }
                }
                case OpResult refused when refused.status() == NfsStatus.STALE_CLIENTID -> unknown.run();
                default -> throw checker.fail("client " + client + ": CREATE_SESSION answered " + result);
            }
        });
    }

    private void reclaimComplete(Opaque session) {
        waiting.addFirst(new Call(
                List.of(new ReclaimCompleteArgs(false)),
                answer -> {
                    if (answer.known()
                            && answer.status() != NfsStatus.OK
                            && answer.status() != NfsStatus.COMPLETE_ALREADY) {
                        throw checker.fail("client " + client + ": RECLAIM_COMPLETE answered " + answer.status());
                    }
                    if (answer.known() && Objects.equals(id, session)) {
                        forgotten = false;
                        owner.ready();
                    }
                },
                host.nowNanos()));
        sendWaiting();
    }

    private void renew() {
        host.schedule(RENEW_NANOS, () -> {
            if (ready && host.nowNanos() - askedAtNanos >= RENEW_NANOS) {
                ask(List.of(), answer -> {});
            }
            renew();
        });
    }

    private void calledBack(RpcCall call, XdrReader in, RpcReply reply) {
        if (call.procedure() == 0) {
            reply.send(reply.success(0));
            return;
        }
        CompoundCodec.CbHeader header = CompoundCodec.readCbHeader(in);
        var sequence = (CbSequenceArgs) CallbackCodec.readArgs(in);
        var results = new ArrayList<CbResult>();
        results.add(new CbResult.CbSequenceResult(
                sequence.session(), sequence.sequence(), sequence.slot(), sequence.slot(), sequence.slot()));
        for (int i = 1; i < header.operations(); i++) {
            results.add(owner.called(CallbackCodec.readArgs(in)));
        }
        XdrWriter out = reply.success(256);
        CompoundCodec.writeCbResults(
                out, new CompoundCodec.CbResults(results.getLast().status(), header.tag(), results));
        reply.send(out);
    }
}
