package pnfs.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.PutFhArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpCodec;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.SequenceResult;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrWriter;

/// A session, and the count of one slot for each COMPOUND under way. Confined to its test's thread.
final class Session {
    Peer peer;
    final RpcCredential who;
    final long clientId;
    final Opaque id;
    final CreateSessionResult created;
    private final int[] sequences;
    private final List<Integer> free = new ArrayList<>();
    private int minorVersion = 1;

    Session(Peer peer, RpcCredential who, long clientId, CreateSessionResult created) {
        this.peer = peer;
        this.who = who;
        this.clientId = clientId;
        this.id = created.session();
        this.created = created;
        sequences = new int[created.fore().maxRequests()];
        for (int slot = 0; slot < sequences.length; slot++) {
            free.add(slot);
        }
    }

    /// For what 4.2 brought.
    Session ofMinorVersion(int minor) {
        minorVersion = minor;
        return this;
    }

    /// From now on over this connection, the one before having been lost.
    void moveTo(Peer other) {
        peer.rpc.close("lost, as far as this test goes");
        peer = other;
    }

    /// The flags that SEQUENCE has for this client now.
    int flags() {
        return Session.find(SequenceResult.class, call(false).operations()).statusFlags();
    }

    /// The results behind SEQUENCE's, which is good.
    List<OpResult> run(OpArgs... operations) {
        Results results = call(false, operations);
        assertThat(results.operations()).isNotEmpty();
        assertThat(results.operations().getFirst().status()).as("SEQUENCE").isEqualTo(NfsStatus.OK);
        return results.operations().subList(1, results.operations().size());
    }

    /// All results, SEQUENCE's too.
    Results call(boolean cacheThis, OpArgs... operations) {
        int slot = free.removeFirst();
        try {
            return peer.call(who, minorVersion, with(next(slot, cacheThis), operations));
        } finally {
            free.addFirst(slot);
        }
    }

    /// The same without waiting for it. The slot is not used again.
    CompletableFuture<Results> send(OpArgs... operations) {
        return peer.send(who, minorVersion, with(next(free.removeFirst(), false), operations));
    }

    /// How one operation on `file` ends whose arguments are these bytes: what no record of ours can say.
    NfsStatus raw(Opaque file, int number, Consumer<XdrWriter> arguments) {
        int slot = free.removeFirst();
        try {
            var out = new XdrWriter();
            CompoundCodec.writeHeader(out, new CompoundCodec.Header(Opaque.EMPTY, minorVersion, 3));
            OpCodec.writeArgs(out, next(slot, false));
            OpCodec.writeArgs(out, new PutFhArgs(file));
            out.writeUint32(number);
            arguments.accept(out);
            Results results =
                    CompoundCodec.readResults(peer.send(who, out.toByteArray()).join());
            assertThat(results.operations()).as("SEQUENCE, PUTFH and one more").hasSize(3);
            return results.status();
        } finally {
            free.addFirst(slot);
        }
    }

    /// A SEQUENCE of this slot that is its next.
    SequenceArgs next(int slot, boolean cacheThis) {
        return new SequenceArgs(id, ++sequences[slot], slot, slot, cacheThis);
    }

    static OpArgs[] with(SequenceArgs sequence, OpArgs... operations) {
        return Stream.concat(Stream.of(sequence), Stream.of(operations)).toArray(OpArgs[]::new);
    }

    /// How a COMPOUND of these ends; the results behind SEQUENCE's.
    List<OpResult> expect(NfsStatus expected, OpArgs... operations) {
        List<OpResult> results = run(operations);
        NfsStatus status = results.isEmpty() ? NfsStatus.OK : results.getLast().status();
        assertThat(status).as(Arrays.toString(operations)).isEqualTo(expected);
        return results;
    }

    List<OpResult> ok(OpArgs... operations) {
        return expect(NfsStatus.OK, operations);
    }

    /// The result of this type, the last one where there are several.
    static <R extends OpResult> R find(Class<R> type, List<OpResult> results) {
        return results.reversed().stream()
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + type.getSimpleName() + " in " + results));
    }
}
