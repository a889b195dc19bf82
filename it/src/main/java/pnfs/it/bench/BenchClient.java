package pnfs.it.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import pnfs.wire.net.ConnectionLimits;
import pnfs.wire.net.NioNetwork;
import pnfs.wire.nfs4.CallbackSecurity;
import pnfs.wire.nfs4.ChannelAttributes;
import pnfs.wire.nfs4.CompoundCodec;
import pnfs.wire.nfs4.CompoundCodec.Results;
import pnfs.wire.nfs4.ExchangeIdFlags;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs;
import pnfs.wire.nfs4.OpArgs.CreateSessionArgs;
import pnfs.wire.nfs4.OpArgs.ExchangeIdArgs;
import pnfs.wire.nfs4.OpArgs.ReclaimCompleteArgs;
import pnfs.wire.nfs4.OpArgs.SequenceArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.CreateSessionResult;
import pnfs.wire.nfs4.OpResult.ExchangeIdResult;
import pnfs.wire.nfs4.StateProtection;
import pnfs.wire.rpc.RpcClient;
import pnfs.wire.rpc.RpcConnection;
import pnfs.wire.rpc.RpcCredential;
import pnfs.wire.rpc.RpcLimits;
import pnfs.wire.rpc.RpcPrograms;
import pnfs.wire.xdr.Opaque;
import pnfs.wire.xdr.XdrReader;
import pnfs.wire.xdr.XdrWriter;

/// A connection as a client of its own, root of its machine, with a session that has a slot for each call under
/// way. Set up by one thread; then each slot is used by one at a time.
final class BenchClient {
    private static final int NFS = 100003;
    private static final int VERSION = 4;
    private static final int COMPOUND = 1;
    private static final int CALL_BYTES = 256;
    private static final int MESSAGE_BYTES = 64 << 10;
    private static final int OPERATIONS = 16;
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int PATIENCE = 300;
    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final RpcCredential ROOT = new RpcCredential.Sys(0, "bench", 0, 0, List.of());

    private final RpcConnection connection;
    private final Opaque session;
    private final int[] sequences;
    private final int minorVersion;

    private BenchClient(RpcConnection connection, int minorVersion, Opaque session, int slots) {
        this.connection = connection;
        this.minorVersion = minorVersion;
        this.session = session;
        this.sequences = new int[slots];
    }

    /// A connection on which nothing was said yet.
    static RpcConnection connect(NioNetwork network, InetSocketAddress server)
            throws IOException, InterruptedException {
        try {
            return new RpcClient(network, RpcPrograms.none(), RpcLimits.DEFAULT)
                    .connect(server, ConnectionLimits.CLIENT)
                    .get();
        } catch (ExecutionException e) {
            throw new IOException("cannot connect to " + server, e.getCause());
        }
    }

    /// As the other, with NFSv4.1.
    static BenchClient begin(RpcConnection connection, int slots) throws IOException, InterruptedException {
        return begin(connection, 1, slots);
    }

    /// Sets up client and session. Waits; not for loops.
    static BenchClient begin(RpcConnection connection, int minorVersion, int slots)
            throws IOException, InterruptedException {
        var owner = Opaque.ofUtf8("bench-" + connection.connection().id() + "-" + System.nanoTime());
        var exchange = new ExchangeIdArgs(
                1, owner, ExchangeIdFlags.USE_PNFS_MDS, new StateProtection.None(), Optional.empty());
        var client = (ExchangeIdResult) first(call(connection, minorVersion, exchange));
        var channel = new ChannelAttributes(0, MESSAGE_BYTES, MESSAGE_BYTES, 4096, OPERATIONS, slots, Optional.empty());
        var create = new CreateSessionArgs(
                client.clientId(), client.sequence(), 0, channel, channel, 1, List.of(new CallbackSecurity.None()));
        var created = (CreateSessionResult) first(call(connection, minorVersion, create));
        var begun = new BenchClient(connection, minorVersion, created.session(), slots);
        begun.ask(new ReclaimCompleteArgs(false));
        return begun;
    }

    private static OpResult first(Results results) throws IOException {
        if (results.status() != NfsStatus.OK) {
            throw new IOException("the server refused: " + results);
        }
        return results.operations().getFirst();
    }

    /// The results behind SEQUENCE's, on the first slot. Waits, also while the server says GRACE or DELAY.
    List<OpResult> ask(OpArgs... operations) throws IOException, InterruptedException {
        for (int tries = 1; ; tries++) {
            Results results = call(connection, minorVersion, sequenced(0, operations));
            if (results.status() == NfsStatus.OK) {
                return results.operations().subList(1, results.operations().size());
            }
            boolean passes = results.status() == NfsStatus.GRACE || results.status() == NfsStatus.DELAY;
            if (!passes || tries == PATIENCE) {
                throw new IOException("the server refused: " + results);
            }
            Thread.sleep(PAUSE);
        }
    }

    /// The compounds of one slot, one after the other, each with the operations that `operations` gives then.
    Supplier<XdrWriter> compounds(int slot, Supplier<OpArgs[]> operations) {
        return () -> compound(minorVersion, sequenced(slot, operations.get()));
    }

    /// Compounds of the same operations on every slot.
    List<Supplier<XdrWriter>> compounds(OpArgs... operations) {
        var all = new ArrayList<Supplier<XdrWriter>>();
        for (int slot = 0; slot < sequences.length; slot++) {
            all.add(compounds(slot, () -> operations));
        }
        return all;
    }

    /// A call without a COMPOUND.
    static XdrWriter nullCall() {
        return RpcConnection.request(NFS, VERSION, 0, ROOT, 0);
    }

    /// The status of a COMPOUND's reply, where it is not OK.
    static Optional<NfsStatus> refusal(XdrReader results) {
        int status = results.readUint32();
        return status == 0 ? Optional.empty() : Optional.of(NfsStatus.fromWire(status));
    }

    private OpArgs[] sequenced(int slot, OpArgs... operations) {
        var sequence = new SequenceArgs(session, ++sequences[slot], slot, sequences.length - 1, false);
        return Stream.concat(Stream.of(sequence), Stream.of(operations)).toArray(OpArgs[]::new);
    }

    private static XdrWriter compound(int minorVersion, OpArgs... operations) {
        XdrWriter request = RpcConnection.request(NFS, VERSION, COMPOUND, ROOT, CALL_BYTES);
        CompoundCodec.writeCall(request, Opaque.EMPTY, minorVersion, List.of(operations));
        return request;
    }

    private static Results call(RpcConnection connection, int minorVersion, OpArgs... operations)
            throws IOException, InterruptedException {
        try {
            return CompoundCodec.readResults(
                    connection.call(compound(minorVersion, operations), LIMIT).get());
        } catch (ExecutionException e) {
            throw new IOException("no answer from the server", e.getCause());
        }
    }
}
