package pnfs.mds.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.xdr.Opaque;

/// A client's session, and the count of one of its slots.
public final class TestSession {
    public static final ChannelAttributes FORE =
            new ChannelAttributes(0, 1 << 20, 1 << 20, 1024, 64, 64, Optional.empty());
    public static final ChannelAttributes BACK = new ChannelAttributes(0, 4096, 4096, 0, 2, 16, Optional.empty());

    public final TestPeer peer;
    public final long clientId;
    public final Opaque id;
    private final int slot;
    private int sequence;

    private TestSession(TestPeer peer, long clientId, Opaque id, int slot) {
        this.peer = peer;
        this.clientId = clientId;
        this.id = id;
        this.slot = slot;
    }

    /// What a CREATE_SESSION by `clientId` gave.
    public static TestSession of(TestPeer peer, long clientId, Results created) {
        assertThat(created.status()).isEqualTo(NfsStatus.OK);
        return of(peer, clientId, ((CreateSessionResult) created.operations().getFirst()).session(), 0);
    }

    /// An unused slot of a session.
    public static TestSession of(TestPeer peer, long clientId, Opaque id, int slot) {
        return new TestSession(peer, clientId, id, slot);
    }

    /// A new client of this owner, with a session and its RECLAIM_COMPLETE.
    public static TestSession begin(TestPeer peer, String owner) {
        TestSession session = confirm(peer, owner, 1);
        assertThat(session.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
        return session;
    }

    /// A new client of this owner and verifier, with a session.
    public static TestSession confirm(TestPeer peer, String owner, long verifier) {
        ExchangeIdResult known = exchangeId(peer, owner, verifier);
        return of(peer, known.clientId(), peer.call(2, createSession(known.clientId(), known.sequence(), FORE)));
    }

    public static ExchangeIdResult exchangeId(TestPeer peer, String owner, long verifier) {
        Results results = peer.call(2, exchangeIdArgs(owner, verifier, 0));
        assertThat(results.status()).isEqualTo(NfsStatus.OK);
        return (ExchangeIdResult) results.operations().getFirst();
    }

    public static ExchangeIdArgs exchangeIdArgs(String owner, long verifier, int flags) {
        return new ExchangeIdArgs(verifier, Opaque.ofUtf8(owner), flags, new StateProtection.None(), Optional.empty());
    }

    public static CreateSessionArgs createSession(long clientId, int sequence, ChannelAttributes fore) {
        return createSession(clientId, sequence, CreateSessionFlags.CONN_BACK_CHAN, fore);
    }

    public static CreateSessionArgs createSession(long clientId, int sequence, int flags, ChannelAttributes fore) {
        return new CreateSessionArgs(clientId, sequence, flags, fore, BACK, 0x40000000, List.of());
    }

    /// A new client of this owner, with a session that outlives the server's run, and its RECLAIM_COMPLETE.
    public static TestSession persistent(TestPeer peer, String owner) {
        ExchangeIdResult known = exchangeId(peer, owner, 1);
        int flags = CreateSessionFlags.PERSIST | CreateSessionFlags.CONN_BACK_CHAN;
        TestSession session = of(
                peer, known.clientId(), peer.call(2, createSession(known.clientId(), known.sequence(), flags, FORE)));
        assertThat(session.run(new ReclaimCompleteArgs(false)).status()).isEqualTo(NfsStatus.OK);
        return session;
    }

    /// The same slot with its count, over another connection.
    public TestSession over(TestPeer other) {
        var next = new TestSession(other, clientId, id, slot);
        next.sequence = sequence;
        return next;
    }

    /// The operations in a COMPOUND of the session, on this slot.
    public Results run(OpArgs... operations) {
        return peer.results(send(false, operations));
    }

    /// The same, and the client asks that the reply be kept.
    public Results runKept(OpArgs... operations) {
        return peer.results(send(true, operations));
    }

    /// The same, without taking the reply.
    public int send(boolean cacheThis, OpArgs... operations) {
        return peer.send(2, inSession(next(cacheThis), operations));
    }

    /// A SEQUENCE that is the next of this slot.
    public SequenceArgs next(boolean cacheThis) {
        return new SequenceArgs(id, ++sequence, slot, slot, cacheThis);
    }

    public static OpArgs[] inSession(SequenceArgs sequence, OpArgs... operations) {
        return Stream.concat(Stream.of(sequence), Stream.of(operations)).toArray(OpArgs[]::new);
    }
}
