package pnfs.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import pnfs.wire.nfs4.BindDirection;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.BindConnToSessionArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.DestroyClientidArgs;
import pnfs.wire.nfs4.OpArgs.DestroySessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.xdr.Opaque;

/// How a session begins and ends: the operations that stand alone in their compound (RFC 8881 §18.35 to §18.37,
/// §18.50). Safe for all threads.
final class SessionSetup {
    /// 1 MiB of data and what stands around it.
    private static final int MESSAGE_BYTES = (1 << 20) + 4096;

    private static final int KEPT_REPLY_BYTES = 8192;
    private static final int MAX_OPERATIONS = 64;
    private static final Duration GOODBYE_LIMIT = Duration.ofMillis(300);
    private static final String SERVER = "metadata server";

    private final MdsLink link;
    private final int slots;
    private final Opaque owner;
    private final long verifier;

    SessionSetup(MdsLink link, int slots, RandomGenerator random) {
        this.link = link;
        this.slots = slots;
        // A name of this client that no other has, and a number that changes when it starts anew: both are fresh,
        // because nothing of ours outlives the process.
        this.owner = Opaque.ofUtf8("pnfs/" + ProcessHandle.current().pid() + "/" + Long.toHexString(random.nextLong()));
        this.verifier = random.nextLong();
    }

    Session begin(Patience patience) throws IOException {
        return establish(0, patience);
    }

    /// A session in the place of `lost`. It has the same epoch when the server still knows the client.
    Session replace(Session lost, Patience patience) throws IOException {
        OpResult created = createSession(lost.clientId(), lost.nextSequence(), patience);
        if (created instanceof CreateSessionResult result) {
            return session(lost.clientId(), lost.nextSequence(), lost.epoch(), result);
        }
        return establish(lost.epoch() + 1, patience);
    }

    private Session establish(long epoch, Patience patience) throws IOException {
        while (true) {
            ExchangeIdResult client = expect(ExchangeIdResult.class, alone(exchangeId(), patience));
            OpResult created = createSession(client.clientId(), client.sequence(), patience);
            if (created instanceof CreateSessionResult result) {
                return session(client.clientId(), client.sequence(), epoch, result);
            }
            // The server was restarted between the two.
            if (created.status() != NfsStatus.STALE_CLIENTID || !patience.pause()) {
                throw refused(created);
            }
        }
    }

    /// Lets the server call back over the connection that stands now.
    ///
    /// @throws LinkException where there is none
    NfsStatus bind(Session session) throws LinkException, InterruptedIOException {
        return link.send(
                        List.of(new BindConnToSessionArgs(session.id(), BindDirection.FORE_OR_BOTH, false)),
                        MdsSession.ANSWER_LIMIT)
                .getFirst()
                .status();
    }

    /// Tells the server that we are gone; where it does not answer, it finds out when the lease ends.
    void end(Session session) {
        try {
            link.send(List.of(new DestroySessionArgs(session.id())), GOODBYE_LIMIT);
            link.send(List.of(new DestroyClientidArgs(session.clientId())), GOODBYE_LIMIT);
        } catch (IOException e) {
            // Nobody waits for this.
        }
    }

    private ExchangeIdArgs exchangeId() {
        return new ExchangeIdArgs(
                verifier, owner, ExchangeIdFlags.USE_PNFS_MDS, new StateProtection.None(), Optional.empty());
    }

    private OpResult createSession(long clientId, int sequence, Patience patience) throws IOException {
        var fore = new ChannelAttributes(
                0, MESSAGE_BYTES, MESSAGE_BYTES, KEPT_REPLY_BYTES, MAX_OPERATIONS, slots, Optional.empty());
        var back = new ChannelAttributes(
                0,
                Backchannel.MESSAGE_BYTES,
                Backchannel.MESSAGE_BYTES,
                Backchannel.MESSAGE_BYTES,
                Backchannel.MAX_OPERATIONS,
                Backchannel.SLOTS,
                Optional.empty());
        return alone(
                new CreateSessionArgs(
                        clientId,
                        sequence,
                        CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN,
                        fore,
                        back,
                        Backchannel.PROGRAM,
                        List.of(new CallbackSecurity.None())),
                patience);
    }

    private static Session session(long clientId, int sequence, long epoch, CreateSessionResult result) {
        return new Session(
                clientId,
                sequence + 1,
                epoch,
                result.session(),
                new SlotTable(result.fore().maxRequests()),
                result.fore());
    }

    private OpResult alone(OpArgs operation, Patience patience) throws IOException {
        while (true) {
            try {
                OpResult result =
                        link.send(List.of(operation), MdsSession.ANSWER_LIMIT).getFirst();
                if (result.status() != NfsStatus.DELAY || !patience.pause()) {
                    return result;
                }
            } catch (LinkException e) {
                if (!patience.pause()) {
                    throw new PnfsException(NfsStatus.IO, SERVER, Why.of(e), e);
                }
            }
        }
    }

    private static <T extends OpResult> T expect(Class<T> type, OpResult result) throws PnfsException {
        if (!type.isInstance(result)) {
            throw refused(result);
        }
        return type.cast(result);
    }

    private static PnfsException refused(OpResult result) {
        return new PnfsException(result.status(), SERVER, "refused our " + result.op());
    }
}
