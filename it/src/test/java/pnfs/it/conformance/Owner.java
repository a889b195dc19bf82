package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CreateSessionFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;

/// A client id that EXCHANGE_ID gave, and the count of its CREATE_SESSIONs.
final class Owner {
    /// Of a size that every server grants.
    static final ChannelAttributes CHANNEL = channel(8192, 8192, 8192, 128, 8);

    final Peer peer;
    final RpcCredential who;
    final long clientId;
    int sequence;

    private Owner(Peer peer, RpcCredential who, ExchangeIdResult exchanged) {
        this.peer = peer;
        this.who = who;
        this.clientId = exchanged.clientId();
        this.sequence = exchanged.sequence();
    }

    static Owner exchange(Peer peer, String owner, long verifier) {
        return exchange(peer, owner, verifier, Suite.ROOT);
    }

    static Owner exchange(Peer peer, String owner, long verifier, RpcCredential who) {
        OpResult result = peer.alone(who, exchangeArgs(owner, verifier, 0));
        assertThat(result.status()).isEqualTo(NfsStatus.OK);
        return new Owner(peer, who, (ExchangeIdResult) result);
    }

    static ExchangeIdArgs exchangeArgs(String owner, long verifier, int flags) {
        return new ExchangeIdArgs(verifier, Opaque.ofUtf8(owner), flags, new StateProtection.None(), Optional.empty());
    }

    static ChannelAttributes channel(int request, int response, int cached, int operations, int slots) {
        return new ChannelAttributes(0, request, response, cached, operations, slots, Optional.empty());
    }

    /// The next CREATE_SESSION, with a backchannel on the same connection.
    CreateSessionArgs sessionArgs() {
        return sessionArgs(CreateSessionFlags.CONN_BACK_CHAN, CHANNEL, CHANNEL);
    }

    CreateSessionArgs sessionArgs(int flags, ChannelAttributes fore, ChannelAttributes back) {
        return new CreateSessionArgs(
                clientId, sequence, flags, fore, back, Callbacks.PROGRAM, List.of(new CallbackSecurity.None()));
    }

    Session createSession() {
        return createSession(sessionArgs());
    }

    Session createSession(ChannelAttributes fore) {
        return createSession(sessionArgs(CreateSessionFlags.CONN_BACK_CHAN, fore, CHANNEL));
    }

    Session createSession(CreateSessionArgs args) {
        OpResult result = peer.alone(who, args);
        assertThat(result.status()).isEqualTo(NfsStatus.OK);
        return begin((CreateSessionResult) result);
    }

    /// The session that a CREATE_SESSION gave.
    Session begin(CreateSessionResult created) {
        sequence = created.sequence() + 1;
        return new Session(peer, who, clientId, created);
    }

    /// What the next CREATE_SESSION answers.
    OpResult trySession(CreateSessionArgs args) {
        return peer.alone(who, args);
    }
}
